import type { BackupReport, PostponedBackup } from '../core/backups/contracts.ts';
import { type PassedRehearsal, secondsOf } from '../core/backups/rehearsal.ts';
import type { RehearsalReport } from '../core/rehearsal/contracts.ts';
import { describeError } from '../core/text/failures.ts';
import { formatBytes } from '../core/text/format.ts';
import { explainedAt } from './error-entry.ts';
import { formatMs } from './format.ts';

/** What the command line says of a job (`core/api/jobs.ts`), wherever that runs. */
export interface JobWords<Report extends object> {
  /** That starts it. */
  command: string;
  /** The outcomes with which the process ends with 0. */
  successes: readonly string[];
  begins(cluster: string): string;
  /** Of one that has succeeded. @param folder of this machine, where there is no bucket */
  ended(report: Report, tookMs: number, folder?: string): string[];
}

export const BACKUP_WORDS: JobWords<BackupReport | PostponedBackup> = {
  command: 'backup',
  successes: ['BackedUp'],
  begins: (cluster) => `Backing up cluster ${cluster} (nothing is changed in it)`,
  ended: (report, tookMs, folder) => {
    if (report.outcome === 'Postponed') return [`Postponed: ${report.summary}`];
    const { name, place, record } = report.backup;
    const { kept, removed } = report;
    return [
      `BackedUp in ${formatMs(tookMs)}. ${name} holds revision ${record.revision} of ${record.member}: ${formatBytes(record.sizeBytes)}, ` +
        `compressed to ${formatBytes(record.compressedBytes)}.`,
      `It lies in ${folder ?? place}; ${kept} ${kept === 1 ? 'backup is' : 'backups are'} kept, ${removed.length} were removed.`,
    ];
  },
};

export const REHEARSAL_WORDS: JobWords<RehearsalReport> = {
  command: 'rehearse',
  successes: ['Passed'],
  begins: (cluster) => `Rehearsing a backup of cluster ${cluster} (its members are not touched)`,
  ended: ({ outcome, summary, rehearsal }, tookMs) =>
    rehearsal
      ? [`Passed in ${formatMs(tookMs)}. ${describePromise(rehearsal)}`, ...rehearsal.unknown]
      : [`${outcome}: ${summary}`],
};

function describePromise(rehearsal: PassedRehearsal): string {
  const { backup, revision, sizeBytes, member, tookMs } = rehearsal;
  const { fetch, restore, start } = tookMs;
  return (
    `${backup}, ${formatBytes(sizeBytes)}, serves revision ${revision} on the host of ${member}. A recovery takes about ${secondsOf(rehearsal)} s: fetch ` +
    `${formatMs(fetch)}, restore ${formatMs(restore)}, start ${formatMs(start)}.`
  );
}

interface JobEnd {
  status: string;
  output?: unknown;
  error?: string | null | undefined;
  cause?: string | null | undefined;
}

/** The result under `--json`, and the lines for a person. */
export function describeJobEnd<Report extends object>(
  { status, output, error, cause }: JobEnd,
  { words, cluster, tookMs, folder }: { words: JobWords<Report>; cluster: string; tookMs: number; folder?: string },
): { result: object; lines: string[] } {
  if (status !== 'SUCCEEDED') {
    const [name, why] = [error || status, cause ?? ''];
    const result = { outcome: name, cluster, report: { error: name, cause: why } };
    return { result, lines: [describeError(name, why), ...explainedAt([name])] };
  }
  return { result: output as Report, lines: words.ended(output as Report, tookMs, folder) };
}
