import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';

const CORE = join(import.meta.dirname, '../../core');
const RUNBOOKS = readdirSync(CORE).filter((room) => existsSync(join(CORE, room, 'runbook.ts')) && room !== 'runbook');

/** From the ground up. What is on one floor knows what is below it, and nothing beside it. */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts'],
  ['text'],
  ['cluster'],
  ['hosts'],
  ['backups'],
  ['rehearsal', 'runbook'],
  RUNBOOKS.filter((room) => room !== 'member-repair'),
  // It ends as a member replacement does.
  ['member-repair'],
  ['runbooks.ts'],
  ['diagnosis'],
  ['remediation'],
  ['api'],
];

function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

const FILES = readdirSync(CORE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

it('every room of core is on a floor', () => {
  expect([...new Set(FILES.map(roomOf))].toSorted()).toEqual(FLOORS.flat().toSorted());
});

it('no room of core imports what is above or beside it', () => {
  const wrong = FILES.flatMap((file) => {
    const imports = readFileSync(join(CORE, file), 'utf8').matchAll(/ from '(\.[^']+)'/g);
    return [...imports].flatMap(([, path = '']) => {
      const imported = posix.join(posix.dirname(file), path);
      const isBelow = roomOf(imported) === roomOf(file) || floorOf(roomOf(imported)) < floorOf(roomOf(file));
      return isBelow ? [] : [`${file} imports ${imported}`];
    });
  });
  expect(FILES.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});
