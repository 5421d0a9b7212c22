import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEED } from '../run/seed.ts';
import { randomFor } from '../run/worlds.ts';
import { storm } from '../scenes/storm.ts';
import type { Kind } from '../scenes/storm-functions.ts';

const MINUTE_MS = 60_000;
const FLEET = 1_000;
const COUNTS: Readonly<Record<Kind, number>> = { automatic: 200, approval: 80, failing: 20 };
const HIT = Object.values(COUNTS).reduce((sum, count) => sum + count, 0);
/** How many of them raise their alarms within the same second: CloudWatch looks at alarms by the minute. */
const IN_ONE_SECOND = 150;

it('lets almost all of 1,000 detectors that wake in the same second see their clusters within the minute, and the others at the next look', async () => {
  const scene = await storm({}, { random: randomFor(`${SEED} detectors`) });
  const { clock, quotas } = scene;
  const begun = clock.now();
  const seen = await Promise.all(Array.from({ length: FLEET }, () => scene.detect()));
  const missed = seen.filter((each) => !each).length;
  expect(missed).toBeLessThan(FLEET / 20);
  expect(quotas.of('parameters').throttled).toBeGreaterThan(0);
  expect(clock.now() - begun).toBeLessThan(MINUTE_MS);
  const again = await Promise.all(Array.from({ length: missed }, () => scene.detect()));
  expect(again).toEqual(again.map(() => true));
  await scene.over();
  await scene.close();
});

describe('an outage of a zone, in which 300 of 1,000 clusters raise alarms within a minute,', () => {
  let scene: Awaited<ReturnType<typeof storm>>;
  const missed: number[] = [];
  let approved = 0;

  beforeAll(async () => {
    const random = randomFor(`${SEED} storm`);
    const kinds = (Object.entries(COUNTS) as [Kind, number][]).flatMap(([kind, count]) => Array(count).fill(kind));
    const named = kinds.map((kind, index): [string, Kind] => [`c${String(index).padStart(3, '0')}`, kind]);
    scene = await storm(Object.fromEntries(named), { random });
    const { clock } = scene;
    const going: Promise<void>[] = [];
    // Every cluster is looked at each minute, those of the storm too, and at any second of it.
    for (let cluster = 0; cluster < FLEET; cluster += 1) {
      going.push(
        (async () => {
          await clock.wait(random() * MINUTE_MS);
          let inARow = 0;
          for (let minute = 0; minute < 5; minute += 1) {
            const [seen] = await Promise.all([scene.detect(), clock.wait(MINUTE_MS)]);
            inARow = seen ? 0 : inARow + 1;
            missed[cluster] = Math.max(missed[cluster] ?? 0, inARow);
          }
        })(),
      );
    }
    for (const [index, [name]] of named.entries()) {
      going.push(
        (async () => {
          await clock.wait(
            MINUTE_MS +
              (index % 2 === 0 && index < 2 * IN_ONE_SECOND ? 30_000 + random() * 1_000 : random() * MINUTE_MS),
          );
          scene.raise(name, 'member-failed');
          // One that starts and pages as well, and the first of them delivered once more.
          await clock.wait(random() * 20_000);
          scene.raise(name, 'member-inaccessible', { pages: true });
          if (index % 10 === 0) scene.raise(name, 'member-failed');
        })(),
      );
    }
    await Promise.all(going);
    // Whoever is on call gets to the questions after half an hour. What looks at its cluster at that moment is asked again.
    await clock.wait(25 * MINUTE_MS);
    for (let round = 0; round < 10 && approved < COUNTS.approval; round += 1) {
      approved += await scene.approveAll();
      await clock.wait(MINUTE_MS);
    }
    await scene.over();
  });
  afterAll(async () => {
    await scene?.close();
  });

  it('has every cluster remediated once, and none twice', () => {
    const REPLACED = ['RemoveMember', 'AddMember', 'PromoteMember'];
    for (const { name, kind, changes } of scene.worlds()) {
      expect(changes, `${name} (${kind})`).toEqual(kind === 'failing' ? [] : REPLACED);
    }
    expect(approved).toBe(COUNTS.approval);
    const outcomes = scene.remediations().map(({ result }) => {
      return result?.status === 'SUCCEEDED' ? String(Object(result.output).outcome) : (result?.status ?? 'RUNNING');
    });
    const counts = Object.fromEntries(
      Object.entries(Object.groupBy(outcomes, (o) => o)).map(([o, all]) => [o, all?.length]),
    );
    expect(counts.Remediated).toBe(HIT - COUNTS.failing);
    expect(Object.keys(counts).toSorted()).toEqual(['AlreadyInProgress', 'FAILED', 'NothingToDo', 'Remediated']);
  });

  it('gives every lock back', async () => {
    for (const { name } of scene.worlds()) expect(await scene.lockOf(name), name).toBeUndefined();
  });

  it('is throttled, and nothing fails of it: what failed is what a person has to see to', () => {
    const { quotas } = scene;
    expect(quotas.of('parameters').throttled).toBeGreaterThan(0);
    expect(quotas.mostFunctions).toBeLessThan(1_000);
    for (const { name, result, input } of scene.remediations()) {
      if (!result || result.status === 'SUCCEEDED') continue;
      expect([result.status, result.error], `${name}: ${JSON.stringify(input)}: ${result.cause}`).toEqual([
        'FAILED',
        'UnsafeToProceed',
      ]);
    }
    const last = Math.max(...scene.remediations().map(({ events }) => Number(events.at(-1)?.timestamp)));
    const first = Math.min(...scene.remediations().map(({ events }) => Number(events[0]?.timestamp)));
    expect(last - first).toBeLessThan(45 * MINUTE_MS);
  });

  it('lets no detector miss two looks in a row, though none of them knows its configuration: five would call a person', () => {
    expect(missed).toHaveLength(FLEET);
    expect(Math.max(...missed)).toBeLessThan(2);
  });

  it('sends few messages, and every page is in one of them', () => {
    expect(scene.pages.length).toBeGreaterThan(HIT + COUNTS.approval + COUNTS.failing - 1);
    const texts = scene.messages.map(({ subject, message }) => `${subject}\n${message}`);
    for (const { subject, message } of scene.pages) {
      expect(
        texts.some((text) => text.includes(subject) && text.includes(message)),
        subject,
      ).toBe(true);
    }
    expect(scene.messages.length).toBeLessThan(60);
  });
});
