import * as z from 'zod';
import type { Cluster } from '../cluster/clusters.ts';
import type { FoundBackups } from './contracts.ts';

/** What the function that makes one has for it. */
const TAKES_MINUTES = 15;
const DAY_MINUTES = 24 * 60;

/** The newest backup of a cluster that can be restored, as one look has found it. */
export const newestBackupSchema = z.object({
  name: z.string().describe('Empty where there is none, or where nobody could look'),
  takenAt: z.string().describe('ISO 8601; empty without a name'),
  ageSeconds: z.int().nullable().describe('At that look; null without a name'),
  revision: z.string().describe('Every write up to it is in the backup; empty without a name'),
  problem: z.string().describe('Why nobody could look, or why what is known of it cannot be read; else empty'),
});
export type NewestBackup = z.output<typeof newestBackupSchema>;

/** @param found the newest first */
export function newestBackup({ backups, problem }: FoundBackups, nowMs: number): NewestBackup {
  const newest = backups.find(({ record }) => record !== null);
  if (!newest?.record) return noBackup(problem || (backups[0]?.problem ?? ''));
  const { name, takenAt, record } = newest;
  const ageSeconds = Math.max(0, Math.round((nowMs - Date.parse(takenAt)) / 1000));
  return { name, takenAt, ageSeconds, revision: record.revision, problem: '' };
}

/** @param problem why nobody could look; empty where somebody has, and there is none */
export function noBackup(problem: string): NewestBackup {
  return { name: '', takenAt: '', ageSeconds: null, revision: '', problem };
}

/** After so many minutes without a backup two in a row were not made; a day at most, to which an alarm of CloudWatch looks back. */
export function lateAfterMinutes(everyMinutes: number): number {
  return Math.min(2 * everyMinutes + TAKES_MINUTES, DAY_MINUTES);
}

/** `orders-20261129T081500.123Z, 42 minutes old, revision 48211` */
export function describeNewest({ name, ageSeconds, revision, problem }: NewestBackup): string {
  if (name === '') return problem === '' ? 'none' : `not known: ${problem}`;
  return `${name}, ${describeAge(ageSeconds ?? 0)} old, revision ${revision}`;
}

/** What is wrong with it, as a kind of warning and a sentence; undefined where nothing is. */
export function problemOfNewest(
  { backups }: Cluster,
  newest: NewestBackup,
): { kind: 'backup-late' | 'backups-unknown'; message: string } | undefined {
  const { everyMinutes } = backups ?? {};
  if (everyMinutes === undefined) return undefined;
  const look = 'Look at the executions of etcd-remediation-backup (docs/runbooks.md#alarm-backup-late).';
  if (newest.problem !== '') {
    return { kind: 'backups-unknown', message: `How old the newest backup is cannot be seen: ${newest.problem}` };
  }
  if (newest.name === '') {
    return {
      kind: 'backup-late',
      message: `There is no backup that could be restored, and one is due every ${everyMinutes} minutes. ${look}`,
    };
  }
  const ageSeconds = newest.ageSeconds ?? 0;
  if (ageSeconds <= 60 * lateAfterMinutes(everyMinutes)) return undefined;
  return {
    kind: 'backup-late',
    message: `The newest backup, ${newest.name}, is ${describeAge(ageSeconds)} old, and one is due every ${everyMinutes} minutes. ${look}`,
  };
}

/** `42 minutes`, `5 hours`, `3 days` */
function describeAge(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const [count, unit] =
    minutes < 120
      ? [minutes, 'minute']
      : minutes < 2 * DAY_MINUTES
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / DAY_MINUTES), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
