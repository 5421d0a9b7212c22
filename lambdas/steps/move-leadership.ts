import { moveLeadershipInput } from '../../core/space-reclaim/contracts.ts';
import { summarizeTransfer } from '../../core/space-reclaim/summaries.ts';
import { transferLeadership } from '../etcd/transfer-leadership.ts';
import { etcdStep } from '../step.ts';

/** Moves leadership from `member` to `transferee`. Where `member` does not lead any more there is nothing to do. */
export const handler = etcdStep(moveLeadershipInput, async (etcd, { member, transferee }) => {
  const [from, to] = [etcd.member(member), etcd.member(transferee)];
  const [leader, follower] = await Promise.all([from.status(), to.status()]);
  if (leader.leaderId === leader.id) await transferLeadership(from, to, follower.id);
  const moved = { from: member, to: transferee };
  return { ...moved, summary: summarizeTransfer(moved) };
});
