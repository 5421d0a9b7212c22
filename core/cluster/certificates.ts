import * as z from 'zod';

/** Certificates that TLS shows, that a secret holds, or that etcd's configuration names on a host: until when, and of whom. */

export const certificateSchema = z.strictObject({
  /** `client`: by which we are known to members; `ca`: by which we know them. The others are a member's, `peer-ca` and `client-ca` by which it knows others. */
  use: z.enum(['ca', 'client', 'server', 'peer', 'peer-ca', 'client-ca']),
  /** For a person: `the client certificate of the tls secret`, `the certificate of m1`. */
  owner: z.string(),
  /** From when to when it holds, ISO 8601; empty where none could be read. */
  beginsAt: z.string(),
  endsAt: z.string(),
  /** Why it is of no use, or could not be read; empty where it is well. */
  problem: z.string(),
});
export type Certificate = z.output<typeof certificateSchema>;
type Lifetime = Pick<Certificate, 'beginsAt' | 'endsAt'>;

const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate that is renewed by hand takes its time: so long before its end a look says so. */
export const WARN_DAYS = 30;
/** So long before it a person is paged. */
export const PAGE_DAYS = 14;
/** One that never holds so long is renewed by a program, which has done that by the last third. */
const LAST_SHARE = 1 / 3;

/** Why a certificate does not hold now, to be read after whose it is; empty where it holds. @param now milliseconds since 1970 */
export function outOfTime({ beginsAt, endsAt }: Lifetime, now: number): string {
  if (now < Date.parse(beginsAt)) {
    return ` holds from ${beginsAt} on, and not yet: look at the clocks, and at what has issued it`;
  }
  if (Date.parse(endsAt) >= now) return '';
  return ` has ended ${daysAgo(endsAt, now)}, on ${endsAt.slice(0, 10)}: renew it`;
}

/** Whether it ends within `days`; one that holds for less than three times as long in all, whether its last third has begun. */
export function endsWithin({ beginsAt, endsAt }: Lifetime, days: number, now: number): boolean {
  const [begins, ends] = [Date.parse(beginsAt), Date.parse(endsAt)];
  return ends - now < Math.min(days * DAY_MS, (ends - begins) * LAST_SHARE);
}

/** That it ends soon, to be read after whose it is. */
export function describeEnd({ endsAt }: Pick<Certificate, 'endsAt'>, now: number): string {
  return ` ends ${inDays(daysUntil(endsAt, now))}, on ${endsAt.slice(0, 10)}: renew it`;
}

/** `in 3 days` */
export function inDays(days: number): string {
  if (days === 0) return 'in less than a day';
  return days === 1 ? 'in a day' : `in ${days} days`;
}

function daysAgo(date: string, now: number): string {
  const days = daysSince(date, now);
  if (days === 0) return 'less than a day ago';
  return days === 1 ? 'a day ago' : `${days} days ago`;
}

/** Whole days until now. */
export function daysSince(date: string, now: number): number {
  return Math.floor((now - Date.parse(date)) / DAY_MS);
}

/** Whole days from now; negative where it is past. */
export function daysUntil(date: string, now: number): number {
  return Math.floor((Date.parse(date) - now) / DAY_MS);
}
