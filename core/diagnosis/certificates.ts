import type { Certificate } from './check.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Why a certificate does not hold now, to be read after whose it is; empty where it holds. @param now milliseconds since 1970 */
export function outOfTime({ beginsAt, endsAt }: Pick<Certificate, 'beginsAt' | 'endsAt'>, now: number): string {
  if (now < Date.parse(beginsAt)) {
    return ` holds from ${beginsAt} on, and not yet: look at the clocks, and at what has issued it`;
  }
  if (Date.parse(endsAt) >= now) return '';
  return ` has ended ${daysAgo(endsAt, now)}, on ${endsAt.slice(0, 10)}: renew it`;
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
