import * as z from 'zod';
import type { AnsweringMember } from '../cluster/observation.ts';
import type { HostInspection } from './host-command-results.ts';

/**
 * Logs of one cluster, compared. Members that have lost their data and were started again have the same IDs as before, so the cluster's ID alone does not
 * tell a log from that of the empty cluster which came after it. What tells them apart is an entry that a quorum has agreed on:
 *
 * - every log of a cluster in which a quorum has it goes up to its index at least, and its last entry is of its term at least;
 * - a quorum at work is in its term at least, and knows its index as committed.
 *
 * Either may fail for members that have lost it, and neither for others. An empty cluster may pass the index by and by, and every look at it adds entries.
 * The term of a new one begins low, and rises with each election. So both are asked for, and that both hold proves nothing.
 *
 * Nothing is compared across clusters, nor with members that follow no leader: right after a start they know less than they have.
 */

/** What a host's log says: of which cluster it is, and the last entry that it knows as committed. Each is empty if unknown. */
export const heldLogSchema = z.object({
  clusterId: z.string(),
  commitIndex: z.string().default(''),
  commitTerm: z.string().default(''),
});
export type HeldLog = z.output<typeof heldLogSchema>;

type Progress = Pick<AnsweringMember, 'clusterId' | 'leaderId' | 'raftTerm' | 'raftCommittedIndex'>;

/** Why a log cannot hold an entry that was committed, in words: `ends at index 61`; empty where it may. */
export function lacksCommitted(
  { lastIndex, lastTerm }: Pick<NonNullable<HostInspection['raftLog']>, 'lastIndex' | 'lastTerm'>,
  { commitIndex, commitTerm }: Omit<HeldLog, 'clusterId'>,
): string {
  if (isLess(lastIndex, commitIndex)) return `ends at index ${lastIndex}`;
  return isLess(lastTerm, commitTerm) ? `ends in term ${lastTerm}` : '';
}

/**
 * Where a cluster is, if a host's log knows more of the same cluster as committed: `at index 60`. Undefined where nothing shows that.
 * @param answering of a cluster whose quorum is at work
 */
export function lessThanHeld(held: HeldLog, answering: readonly Progress[]): string | undefined {
  const comparable = answering.filter(({ clusterId, leaderId }) => clusterId === held.clusterId && leaderId !== '0');
  const index = highest(comparable.map(({ raftCommittedIndex }) => raftCommittedIndex));
  if (isLess(index, held.commitIndex)) return `at index ${index}`;
  const term = highest(comparable.map(({ raftTerm }) => raftTerm));
  return isLess(term, held.commitTerm) ? `in term ${term}` : undefined;
}

/** How far a log is, in the words in which {@link lessThanHeld} says where the cluster is. */
export function describeHeld({ commitIndex, commitTerm }: HeldLog): string {
  return `index ${commitIndex}${commitTerm === '' ? '' : ` of term ${commitTerm}`}`;
}

function isLess(number: string, than: string): boolean {
  return number !== '' && than !== '' && BigInt(number) < BigInt(than);
}

function highest(numbers: readonly string[]): string {
  return numbers.reduce((most, each) => (most === '' || isLess(most, each) ? each : most), '');
}

/** Whether the log in its data dir is as it was when the members were asked: that of an etcd which follows a leader has gone on since. */
export function standsStill({ unit, atWork }: Pick<HostInspection, 'unit' | 'atWork'>): boolean {
  if (unit.mainPid === 0 || atWork.answer === 'no-leader') return true;
  return atWork.clientPortListens === false && atWork.answer !== 'leader';
}

/**
 * That a host holds more of a cluster than the members that are at work, in words, to go on with a host; empty where nothing shows that.
 * @param answering of a cluster whose quorum is at work
 */
export function newerData(inspection: HostInspection, answering: readonly Progress[]): string {
  const { raftLog, clusterId, dataDir } = inspection;
  if (!standsStill(inspection)) return '';
  const held = { clusterId, commitIndex: raftLog?.commitIndex ?? '', commitTerm: raftLog?.commitTerm ?? '' };
  const where = lessThanHeld(held, answering);
  if (where === undefined) return '';
  return (
    `is data of this cluster (${clusterId}) up to ${describeHeld(held)} of its log, and the cluster itself is only ${where}. So the others have lost ` +
    'theirs and began empty under their old IDs: the cluster that answers is another one. Decide which data to keep. To keep the data ' +
    `here, in ${dataDir.path}: stop etcd on the hosts of all the others, then start a remediation of quorum-lost, which recovers from it. To keep ` +
    'the data of the cluster: move the data here away by hand, then start again.'
  );
}
