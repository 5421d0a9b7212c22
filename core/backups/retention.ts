import type { BackupsPlace } from '../cluster/backups.ts';
import { isWhole, type ListedBackup } from './names.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday, and a week begins on a Monday. */
const MONDAY_MS = 3 * DAY_MS;

/** Where the configuration says nothing. */
const KEPT = { hourly: 24, daily: 7, weekly: 4 } as const;

/** Whatever makes a backup has ended by then, whichever way. */
const CUT_OFF_AFTER_MS = DAY_MS;

/**
 * Which backups go: none of the last hour; of the others the newest of each of the last `hourly` hours, `daily` days and `weekly` weeks that have one
 * stays. Periods without a backup do not count, so where no more are made, none goes. The newest that is whole stays whatever is configured. What was
 * cut off before it was whole goes after a day.
 *
 * @param backups the newest first
 */
export function expiredBackups(
  backups: readonly ListedBackup[],
  keep: BackupsPlace['keep'],
  nowMs: number,
): ListedBackup[] {
  const { hourly = KEPT.hourly, daily = KEPT.daily, weekly = KEPT.weekly } = keep ?? {};
  const whole = backups.filter(isWhole);
  const kept = new Set([
    ...whole.slice(0, 1),
    ...whole.filter(({ takenAtMs }) => takenAtMs > nowMs - HOUR_MS),
    ...newestOfEach(whole, hourly, (ms) => Math.floor(ms / HOUR_MS)),
    ...newestOfEach(whole, daily, (ms) => Math.floor(ms / DAY_MS)),
    ...newestOfEach(whole, weekly, (ms) => Math.floor((ms + MONDAY_MS) / WEEK_MS)),
  ]);
  return backups.filter((each) => (isWhole(each) ? !kept.has(each) : each.takenAtMs < nowMs - CUT_OFF_AFTER_MS));
}

function newestOfEach(
  backups: readonly ListedBackup[],
  periods: number,
  periodOf: (takenAtMs: number) => number,
): ListedBackup[] {
  const byPeriod = Map.groupBy(backups, ({ takenAtMs }) => periodOf(takenAtMs));
  return [...byPeriod.values()].slice(0, periods).flatMap(([newest]) => newest ?? []);
}
