import type { FoundBackups } from '../core/backups/contracts.ts';
import { describeRehearsals } from '../core/backups/rehearsal.ts';
import { firstLine, formatBytes } from '../core/text/format.ts';

/** What `backups` ends with: the result under `--json`, and a line for each. */
export function describeListed(
  cluster: string,
  own: FoundBackups,
): { outcome: 'Listed' | 'None' | 'NotListed'; result: object; lines: string[] } {
  const outcome = own.problem !== '' ? 'NotListed' : own.count === 0 ? 'None' : 'Listed';
  return { outcome, result: { outcome, cluster, ...own }, lines: describeBackups(own) };
}

function describeBackups({ count, backups: found, problem, rehearsed }: FoundBackups): string[] {
  if (problem !== '') return [`The backups cannot be listed: ${problem}`];
  if (count === 0) return ['There is no backup that could be restored.'];
  const rows = found.map(({ name, takenAt, record, problem: why }) =>
    record
      ? [
          name,
          takenAt,
          `revision ${record.revision}`,
          `${record.keys ?? '?'} keys`,
          formatBytes(record.sizeBytes),
          `${record.member}, etcd ${record.etcdVersion}`,
        ]
      : [name, takenAt, firstLine(why)],
  );
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (count > found.length) lines.push(`and ${count - found.length} older ones`);
  return rehearsed ? [...lines, `Rehearsals: ${describeRehearsals(rehearsed)}.`] : lines;
}
