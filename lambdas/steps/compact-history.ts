import { compactHistoryInput } from '../../core/space-reclaim/contracts.ts';
import { summarizeCompaction } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

const LAMBDA_RESERVE_MS = 10_000;

/**
 * Compacts history up to `revision`, physically on every voter.
 *
 * etcd's physical compaction waits for the member that serves the call only; the others remove their old revisions in the
 * background, and a defragmentation that overtakes them frees too little. So every voter is asked, all at once: one of them
 * begins the compaction, and each answers when it is done itself, "already compacted" included.
 */
export const handler = etcdStep(compactHistoryInput, async (etcd, { revision }, { remainingMs }) => {
  if (revision === '0') return { revision, outcome: 'NothingToCompact', summary: 'Nothing is to be compacted.' };
  // What they agree on has no say in it, and they agree on the compaction itself.
  const members = await etcd.observeMembers();
  const voters = members.filter((member) => member.answering && !member.isLearner);
  const deadlineMs = remainingMs() - LAMBDA_RESERVE_MS;
  const outcomes = await Promise.all(voters.map(({ name }) => etcd.member(name).compact(revision, deadlineMs)));
  const compacted = { revision, outcome: outcomes.find((outcome) => outcome === 'Compacted') ?? 'AlreadyCompacted' };
  return { ...compacted, summary: summarizeCompaction(compacted) };
});
