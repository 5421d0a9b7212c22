import { type ComparedHashes, compareHashesInput } from '../../core/contracts/membership.ts';
import type { AnsweringMember } from '../../core/contracts/observation.ts';
import { refuseUnsafeAlarms, requireConfiguredMembers, requireSettled } from '../../core/decisions/cluster-health.ts';
import { narrowTo } from '../../core/decisions/narrowed-observation.ts';
import { EtcdUnavailable, UnsafeToProceed } from '../../core/errors.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import { etcdStep, type Invocation } from '../step.ts';

const LAMBDA_RESERVE_MS = 10_000;

/**
 * Compares the hash of all keys at one revision, the newest that every voter in question has. Writes may go on: they come later. A learner
 * answers no such question.
 * @throws UnsafeToProceed when members hold different data at the same revision
 * @throws EtcdUnavailable while a compaction runs, which members finish at different times
 */
export const handler = etcdStep(compareHashesInput, async (etcd, input, invocation): Promise<ComparedHashes> => {
  const observation = narrowTo(input.members, input.cluster.members, await etcd.observe());
  refuseUnsafeAlarms(observation);
  const { voters: members } = requireSettled(requireConfiguredMembers(observation, 'wait'));
  const revision = members
    .map((member) => BigInt(member.revision))
    .reduce((lowest, each) => (each < lowest ? each : lowest))
    .toString();
  const hashes = await Promise.all(members.map((member) => hashOf(etcd, member, revision, invocation)));
  const [first] = hashes;
  if (hashes.some(({ compactRevision }) => compactRevision !== first?.compactRevision)) {
    throw new EtcdUnavailable(
      `A compaction is under way: members are compacted up to ${list(hashes, 'compactRevision')}.`,
    );
  }
  if (hashes.some(({ hash }) => hash !== first?.hash)) {
    throw new UnsafeToProceed(
      `Members hold different data at revision ${revision}: ${list(hashes, 'hash')}. At least one of them is corrupt, and which one a person has to ` +
        'find out: a member that was added a moment ago has its data from the leader, so that these two agree proves nothing. Let no client read ' +
        'from members that differ, take no snapshot of them, and compare them with a backup.',
    );
  }
  return { revision, hash: first?.hash ?? 0, members: hashes.map(({ name }) => name) };
});

interface MemberHash {
  name: string;
  hash: number;
  compactRevision: string;
}

async function hashOf(
  etcd: EtcdCluster,
  { name }: AnsweringMember,
  revision: string,
  { remainingMs }: Invocation,
): Promise<MemberHash> {
  try {
    return { name, ...(await etcd.member(name).hashAt(revision, remainingMs() - LAMBDA_RESERVE_MS)) };
  } catch (error) {
    if (!hasReason(error, 'Compacted')) throw error;
    throw new EtcdUnavailable(`Revision ${revision} was compacted before ${name} could be asked for its hash.`);
  }
}

function list(hashes: MemberHash[], field: 'hash' | 'compactRevision'): string {
  return hashes.map((each) => `${each.name} ${each[field]}`).join(', ');
}
