import { formatBytes, formatShare } from '../text/format.ts';
import type { KeyGroup, StoreAnalysis } from './store-analysis.ts';

/** In a sentence the first few say enough. */
const FEW = 3;

/** What a look at the keys has found, in a sentence. */
export function summarizeStore(analysis: StoreAnalysis): string {
  const { groups, totalKeys } = analysis;
  if (totalKeys === 0) return `${describeReading(analysis)}.`;
  return `${describeReading(analysis)}. Most is in ${groups
    .slice(0, FEW)
    .map((group) => describeGroup(group, analysis))
    .join('; ')}.`;
}

/** For the error of a store that is full and has nothing to give back: where to delete. */
export function describeFilling(analysis: StoreAnalysis, cluster: string): string {
  const rows = analysis.groups.slice(0, FEW).map((group) => `\n- ${describeGroup(group, analysis)}`);
  if (rows.length === 0) return '';
  return `\nWhat fills it (${describeReading(analysis)}):${rows.join('')}\n"etcd-remediation analyze ${cluster}" shows more.`;
}

/** How much was read, of whom, and when. */
export function describeReading({
  member,
  revision,
  readKeys,
  totalKeys,
  isWhole,
  stoppedIn,
}: Pick<StoreAnalysis, 'member' | 'revision' | 'readKeys' | 'totalKeys' | 'isWhole' | 'stoppedIn'>): string {
  const share = isWhole || totalKeys === 0 ? '' : `, ${formatShare(Math.min(1, readKeys / totalKeys))}`;
  const end = isWhole ? '' : `; the time was over in ${stoppedIn === '' ? 'the first keys' : stoppedIn}`;
  return `${readKeys} of ${totalKeys} keys read${share}, from ${member} at revision ${revision}${end}`;
}

/** As a row of a table is called. */
export function nameOfGroup({ prefix, isRest }: Pick<KeyGroup, 'prefix' | 'isRest'>): string {
  if (prefix === '') return isRest ? '(all other keys)' : '(keys without a prefix)';
  return isRest ? `${prefix} (others)` : prefix;
}

function describeGroup(group: KeyGroup, { total }: StoreAnalysis): string {
  const { keys, revisions, revisionBytes } = group;
  const share = formatShare(revisionBytes / Math.max(1, total.revisionBytes));
  return `${nameOfGroup(group)}: ${share}, ${formatBytes(revisionBytes)} in ${keys} keys with ${revisions} revisions`;
}

/** What of a database is in use and no key that was read explains. */
export function unexplainedBytes({ dbSizeInUseBytes, total }: StoreAnalysis): number {
  return Math.max(0, dbSizeInUseBytes - total.revisionBytes);
}
