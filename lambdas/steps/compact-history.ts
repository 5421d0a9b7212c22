import { compactHistoryInput } from '../../core/contracts/space.ts';
import { etcdStep } from '../step.ts';

const LAMBDA_RESERVE_MS = 10_000;

/**
 * Compacts history up to `revision`, physically on every voter.
 *
 * etcd's physical compaction waits for the member that serves the call only; the others remove their old revisions in the
 * background, and a defragmentation that overtakes them frees too little. So each voter is asked for a revision of its own,
 * rising to `revision` at the last: members work compactions off in order, and each answer means that this member is done.
 */
export const handler = etcdStep(compactHistoryInput, async (etcd, { revision }, { remainingMs }) => {
  const { members } = await etcd.observe();
  const voters = members.filter((member) => member.answering && !member.isLearner);
  const outcomes: string[] = [];
  for (const [index, { name }] of voters.entries()) {
    const target = BigInt(revision) - BigInt(voters.length - 1 - index);
    if (target > 0n) {
      outcomes.push(await etcd.member(name).compact(target.toString(), remainingMs() - LAMBDA_RESERVE_MS));
    }
  }
  return { revision, outcome: outcomes.at(-1) ?? 'NothingToCompact' };
});
