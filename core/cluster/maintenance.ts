import * as z from 'zod';

/**
 * When the fragmented space of a cluster is reclaimed before anything is wrong, and from how much on. All times are UTC, so no window is skipped, or
 * twice as long.
 */

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** From this on a database is worth a defragmentation that nothing asks for, as OpenShift's operator of etcd has it. */
export const FRAGMENTED_ABOVE_BYTES = 100 * 1024 * 1024;
export const FRAGMENTED_ABOVE_RATIO = 0.45;

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must be a time of the day in UTC, from "00:00" to "23:59"' });

export const maintenanceSchema = z
  .strictObject({
    days: z
      .array(z.enum(DAYS, { error: `must be of ${DAYS.join(', ')}` }))
      .min(1, { error: 'must list at least one day' })
      .default([...DAYS])
      .meta({ description: 'On which days a window begins. Left out: each.' }),
    from: timeOfDay.meta({ description: 'When it begins, in UTC: "02:00".' }),
    to: timeOfDay.meta({
      description: 'When it ends, in UTC, on the next day if that is earlier than from. No member is begun after it.',
    }),
    minReclaimBytes: z
      .int()
      .min(1024 * 1024, { error: 'must be at least 1048576' })
      .default(FRAGMENTED_ABOVE_BYTES)
      .meta({ description: 'A member is defragmented if so many bytes of its database are free...' }),
    minReclaimRatio: z
      .number()
      .min(0.05, { error: 'must be at least 0.05' })
      .max(0.95, { error: 'must be at most 0.95' })
      .default(FRAGMENTED_ABOVE_RATIO)
      .meta({ description: '...and this share of it.' }),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], error: 'must not be the same as from' });
export type Maintenance = z.output<typeof maintenanceSchema>;
/** When a window begins. */
export type WeeklyTime = Pick<Maintenance, 'days' | 'from'>;

/** The last moment at or before `now` at which one began. */
export function lastBegin({ days, from }: WeeklyTime, now: Date): Date {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  for (let daysAgo = 0; ; daysAgo++) {
    const begin = new Date(midnight + (minuteOf(from) - daysAgo * DAY_MINUTES) * MINUTE_MS);
    if (begin <= now && days.includes(DAYS[begin.getUTCDay()] as (typeof DAYS)[number])) return begin;
  }
}

/** When the window ends that began last: it may be over. */
export function windowEnd(maintenance: Maintenance, now: Date): Date {
  return new Date(lastBegin(maintenance, now).getTime() + windowMinutes(maintenance) * MINUTE_MS);
}

export function windowMinutes({ from, to }: Pick<Maintenance, 'from' | 'to'>): number {
  return (minuteOf(to) - minuteOf(from) + DAY_MINUTES) % DAY_MINUTES;
}

/** `02:30` -> 150 */
function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
