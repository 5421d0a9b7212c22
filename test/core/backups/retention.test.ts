import { describe, expect, it } from 'vitest';
import type { ListedBackup } from '../../../core/backups/names.ts';
import { expiredBackups } from '../../../core/backups/retention.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Sunday, at noon. */
const NOW = Date.parse('2026-11-29T12:00:00Z');
const NONE = { hourly: 0, daily: 0, weekly: 0 };

function taken(agoMs: number, parts: Partial<ListedBackup> = {}): ListedBackup {
  const takenAtMs = NOW - agoMs;
  const name = new Date(takenAtMs).toISOString();
  return { name, snapshot: name, record: name, takenAtMs, hasSnapshot: true, hasRecord: true, ...parts };
}

function every(stepMs: number, count: number): ListedBackup[] {
  return Array.from({ length: count }, (_, index) => taken(index * stepMs));
}

function keptOf(backups: readonly ListedBackup[], keep: Parameters<typeof expiredBackups>[1]): string[] {
  const expired = expiredBackups(backups, keep, NOW);
  return backups.filter((each) => !expired.includes(each)).map(({ name }) => name.slice(0, 16));
}

describe('the backups that are kept', () => {
  it('are the newest of each of the last hours, days and weeks that have one', () => {
    const kept = keptOf(every(HOUR_MS, 60 * 24), { hourly: 3, daily: 2, weekly: 3 });
    expect(kept).toEqual([
      '2026-11-29T12:00',
      '2026-11-29T11:00',
      '2026-11-29T10:00',
      '2026-11-28T23:00',
      '2026-11-22T23:00',
      '2026-11-15T23:00',
    ]);
  });

  it('are all of the last hour', () => {
    expect(keptOf(every(15 * 60_000, 8), NONE)).toEqual([
      '2026-11-29T12:00',
      '2026-11-29T11:45',
      '2026-11-29T11:30',
      '2026-11-29T11:15',
    ]);
  });

  it('are what was kept before, where no more are made: only hours that have one count', () => {
    const old = every(HOUR_MS, 3).map(({ takenAtMs }) => taken(NOW - takenAtMs + 400 * DAY_MS));
    expect(keptOf(old, { hourly: 3, daily: 0, weekly: 0 })).toHaveLength(3);
  });

  it('never lack the newest that is whole, however old it is and whatever is configured', () => {
    const old = taken(400 * DAY_MS);
    const cutOff = [taken(DAY_MS + 1, { hasRecord: false }), taken(2 * DAY_MS, { hasSnapshot: false })];
    expect(expiredBackups([...cutOff, old, taken(401 * DAY_MS)], NONE, NOW)).toEqual([...cutOff, taken(401 * DAY_MS)]);
  });

  it('are also those that may still be under way: what is not whole goes after a day', () => {
    const halves = [taken(HOUR_MS, { hasRecord: false }), taken(DAY_MS + 1, { hasRecord: false })];
    expect(expiredBackups(halves, undefined, NOW)).toEqual([halves[1]]);
  });

  it('are not counted by what was cut off', () => {
    const kept = keptOf([taken(2 * HOUR_MS, { hasRecord: false }), taken(2 * HOUR_MS + 60_000)], {
      ...NONE,
      hourly: 1,
    });
    expect(kept).toEqual(['2026-11-29T10:00', '2026-11-29T09:59']);
  });
});
