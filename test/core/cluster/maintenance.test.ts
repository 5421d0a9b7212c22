import { describe, expect, it } from 'vitest';
import { lastBegin, type Maintenance, maintenanceSchema, windowEnd } from '../../../core/cluster/maintenance.ts';

function windowOf(differences: object): Maintenance {
  return maintenanceSchema.parse({ from: '02:00', to: '04:00', ...differences });
}

/** A Sunday. */
const SUNDAY = '2026-11-29';

describe('a maintenance window', () => {
  it('is each day, and of what OpenShift takes for fragmented, unless it says otherwise', () => {
    expect(windowOf({})).toEqual({
      days: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
      from: '02:00',
      to: '04:00',
      minReclaimBytes: 100 * 1024 * 1024,
      minReclaimRatio: 0.45,
    });
  });

  it.each<[string, object, string, string]>([
    ['that is open', {}, `${SUNDAY}T03:00:00Z`, `${SUNDAY}T04:00:00.000Z`],
    ['at its first moment', {}, `${SUNDAY}T02:00:00Z`, `${SUNDAY}T04:00:00.000Z`],
    ['that is over', {}, `${SUNDAY}T05:00:00Z`, `${SUNDAY}T04:00:00.000Z`],
    ['of yesterday', {}, `${SUNDAY}T01:59:59Z`, '2026-11-28T04:00:00.000Z'],
    ['over midnight', { from: '23:00', to: '01:00' }, `${SUNDAY}T00:30:00Z`, `${SUNDAY}T01:00:00.000Z`],
    ['of last week', { days: ['Mon'] }, `${SUNDAY}T03:00:00Z`, '2026-11-23T04:00:00.000Z'],
    ['of one of two days', { days: ['Wed', 'Fri'] }, `${SUNDAY}T03:00:00Z`, '2026-11-27T04:00:00.000Z'],
    ['of last year', { days: ['Thu'] }, '2027-01-01T01:00:00Z', '2026-12-31T04:00:00.000Z'],
  ])('%s ends when it should', (_, differences, now, end) => {
    expect(windowEnd(windowOf(differences), new Date(now)).toISOString()).toBe(end);
  });

  it('began at or before now, within a week', () => {
    const now = new Date(`${SUNDAY}T12:00:00Z`);
    for (const day of ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const) {
      const ageMs = now.getTime() - lastBegin({ days: [day], from: '12:01' }, now).getTime();
      expect(ageMs).toBeGreaterThan(0);
      expect(ageMs).toBeLessThan(7 * 24 * 3_600_000);
    }
  });

  it.each<[string, object, RegExp]>([
    ['a time that there is not', { from: '24:00' }, /must be a time of the day in UTC/],
    ['a time zone', { from: '02:00+01:00' }, /must be a time of the day in UTC/],
    ['no length', { to: '02:00' }, /must not be the same as from/],
    ['no day', { days: [] }, /must list at least one day/],
    ['a day that there is not', { days: ['Sonntag'] }, /must be of Sun, Mon/],
    ['everything free', { minReclaimRatio: 1 }, /must be at most 0.95/],
    ['almost nothing free', { minReclaimBytes: 10 }, /must be at least 1048576/],
  ])('is refused with %s', (_, differences, problem) => {
    expect(() => windowOf(differences)).toThrow(problem);
  });
});
