import { refuseUnsafeAlarms, requireConfiguredMembers, requireSettled } from '../../core/cluster/cluster-health.ts';
import {
  type ComparedHashes,
  compareHashesInput,
  type MemberHash,
  requireSameData,
} from '../../core/cluster/compared-hashes.ts';
import { narrowTo, observedOf } from '../../core/cluster/narrowed-observation.ts';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import { startedAgain } from '../etcd/hashes.ts';
import { etcdStep, type Invocation } from '../step.ts';

const LAMBDA_RESERVE_MS = 10_000;

/**
 * Compares the hash of all keys at one revision, the newest that every voter in question has. Writes may go on: they come later. A learner
 * answers no such question.
 * @throws UnsafeToProceed when members hold different data at the same revision
 * @throws EtcdUnavailable where they differ while a compaction runs, which members finish at different times
 */
export const handler = etcdStep(compareHashesInput, async (etcd, input, invocation): Promise<ComparedHashes> => {
  const { cluster } = input;
  const observation = narrowTo(input.members, cluster.members, await etcd.observe(undefined, input.members));
  refuseUnsafeAlarms(observation);
  const configured = observedOf(cluster.members, observation);
  const { voters: members } = requireSettled(requireConfiguredMembers(observation, configured, 'wait'));
  const revision = members
    .map((member) => BigInt(member.revision))
    .reduce((lowest, each) => (each < lowest ? each : lowest))
    .toString();
  const hashes = await Promise.all(members.map((member) => hashOf(etcd, member, revision, invocation)));
  return requireSameData(revision, hashes);
});

async function hashOf(
  etcd: EtcdCluster,
  { name }: AnsweringMember,
  revision: string,
  { remainingMs }: Invocation,
): Promise<MemberHash> {
  try {
    return { name, ...(await etcd.member(name).hashAt(revision, remainingMs() - LAMBDA_RESERVE_MS)) };
  } catch (error) {
    if (hasReason(error, 'FutureRevision')) throw startedAgain(name, revision);
    if (!hasReason(error, 'Compacted')) throw error;
    throw new EtcdUnavailable(`Revision ${revision} was compacted before ${name} could be asked for its hash.`);
  }
}
