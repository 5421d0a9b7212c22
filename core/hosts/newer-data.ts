import * as z from 'zod';
import type { AnsweringMember } from '../cluster/observation.ts';
import type { HostInspection } from './host-command-results.ts';

/** What a host's log says: of which cluster it is, and up to where it is known as committed. */
export const heldLogSchema = z.object({ clusterId: z.string(), commitIndex: z.string().default('') });
export type HeldLog = z.output<typeof heldLogSchema>;

type Progress = Pick<AnsweringMember, 'clusterId' | 'raftCommittedIndex'>;

/**
 * How far a cluster is, where a host's log knows more of the same cluster as committed; undefined where nothing shows that. What is committed a quorum
 * had, so the members that are at work have lost it since. Indexes of two clusters cannot be compared.
 */
export function lessThanHeld({ clusterId, commitIndex }: HeldLog, answering: readonly Progress[]): bigint | undefined {
  const indexes = answering.flatMap((seen) => (seen.clusterId === clusterId ? [BigInt(seen.raftCommittedIndex)] : []));
  if (indexes.length === 0) return undefined;
  const furthest = indexes.reduce((a, b) => (a > b ? a : b));
  return furthest < BigInt(commitIndex || '0') ? furthest : undefined;
}

/** Whether the log in its data dir is as it was when the members were asked: that of an etcd which follows a leader has gone on since. */
export function standsStill({ unit, atWork }: Pick<HostInspection, 'unit' | 'atWork'>): boolean {
  if (unit.mainPid === 0 || atWork.answer === 'no-leader') return true;
  return atWork.clientPortListens === false && atWork.answer !== 'leader';
}

/** That a host holds more of a cluster than the members that are at work, in words, to go on with a host; empty where nothing shows that. */
export function newerData(inspection: HostInspection, answering: readonly Progress[]): string {
  const { raftLog, clusterId, dataDir } = inspection;
  if (!standsStill(inspection)) return '';
  const { commitIndex = '' } = raftLog ?? {};
  const furthest = lessThanHeld({ clusterId, commitIndex }, answering);
  if (furthest === undefined) return '';
  return (
    `is data of this cluster (${clusterId}) up to index ${commitIndex} of its log, and the cluster itself is only at index ${furthest}. So the others have lost ` +
    'theirs and began empty under their old IDs: the cluster that answers is another one. Decide which data to keep. To keep the data ' +
    `here, in ${dataDir.path}: stop etcd on the hosts of all the others, then start a remediation of quorum-lost, which recovers from it. To keep ` +
    'the data of the cluster: move the data here away by hand, then start again.'
  );
}
