import { describeReading, nameOfGroup, unexplainedBytes } from '../core/space-reclaim/describe-store.ts';
import type { KeyFigures, StoreAnalysis } from '../core/space-reclaim/store-analysis.ts';
import { describeError } from '../core/text/failures.ts';
import { formatBytes } from '../core/text/format.ts';
import { explainedIn } from './error-entry.ts';
import { inColumns } from './format.ts';
import type { Output } from './output.ts';

/** What was found in a cluster's store, or why nothing was. */
export type Analyzed = { cluster: string } & (
  | { analysis: StoreAnalysis }
  | { analysis: null; error: string; cause: string }
);

/** The end of the command: the result as JSON, or the table for a person. */
export function finishAnalysis(output: Output, analyzed: Analyzed): void {
  if (analyzed.analysis !== null) {
    output.finish({ outcome: 'Analyzed', ...analyzed }, ['', ...describeAnalysis(analyzed.cluster, analyzed.analysis)]);
    return;
  }
  const { error, cause } = analyzed;
  output.finish({ outcome: error, cluster: analyzed.cluster, report: { error, cause } }, [
    describeError(error, cause),
    ...explainedIn([analyzed]),
  ]);
  process.exitCode ??= 1;
}

/** How much was read, the table, and what it cannot say. */
function describeAnalysis(cluster: string, analysis: StoreAnalysis): string[] {
  const { groups, total, largestKeys, compactRevision, newerRevisions, growthSeconds, dbSizeBytes } = analysis;
  const grows = total.growth !== null;
  const titles = [
    'prefix',
    'keys',
    'size',
    'revisions',
    'size of these',
    'leases',
    ...(grows ? ['written', 'new keys'] : []),
  ];
  const rows = groups.map((group) => [nameOfGroup(group), ...cellsOf(group)]);
  return [
    `${cluster}: ${describeReading(analysis)}`,
    ...inColumns([titles, ...rows, ['in all', ...cellsOf(total)]]).map((line) => `  ${line}`),
    ...(grows ? [`Written in ${growthSeconds} s: revisions and their size. Keys that were deleted are not seen.`] : []),
    ...(largestKeys.length > 0
      ? [
          'The largest keys, with their revisions:',
          ...inColumns(
            largestKeys.map(({ key, bytes, revisions, revisionBytes, hasLease }) => [
              ...[key, formatBytes(bytes), `${revisions}`, formatBytes(revisionBytes), hasLease ? 'lease' : ''],
            ]),
          ).map((line) => `  ${line}`),
        ]
      : []),
    ...(newerRevisions > 0
      ? [`History was compacted meanwhile, ${newerRevisions} times: from there on a newer revision was read.`]
      : []),
    `The database is ${formatBytes(dbSizeBytes)}, ${formatBytes(analysis.dbSizeInUseBytes)} in use, with a history ${describeHistory(compactRevision)}. ` +
      `${formatBytes(unexplainedBytes(analysis))} in use is not in the table: deleted keys that are not compacted yet, keys that were not read, and ` +
      "etcd's own. Revisions are estimated from what each key says of itself.",
  ];
}

function describeHistory(compactRevision: StoreAnalysis['compactRevision']): string {
  if (compactRevision === null) return 'of which it is not known up to where it is compacted';
  return compactRevision === '0' ? 'that was never compacted' : `compacted up to ${compactRevision}`;
}

function cellsOf({ keys, bytes, revisions, revisionBytes, leases, growth }: KeyFigures): string[] {
  return [
    `${keys}`,
    formatBytes(bytes),
    `${revisions}`,
    formatBytes(revisionBytes),
    `${leases}`,
    ...(growth ? [`${growth.revisions} (${formatBytes(growth.revisionBytes)})`, `${growth.keys}`] : []),
  ];
}
