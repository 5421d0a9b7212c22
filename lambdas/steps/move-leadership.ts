import { moveLeadershipInput } from '../../core/space-reclaim/contracts.ts';
import { summarizeTransfer } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

/** Moves leadership from `member` to `transferee`. Where `member` does not lead any more there is nothing to do. */
export const handler = etcdStep(moveLeadershipInput, async (etcd, { member, transferee }) => {
  const leader = etcd.member(member);
  const [leaderStatus, transfereeStatus] = await Promise.all([leader.status(), etcd.member(transferee).status()]);
  if (leaderStatus.leaderId === leaderStatus.id) await leader.moveLeader(transfereeStatus.id);
  const moved = { from: member, to: transferee };
  return { ...moved, summary: summarizeTransfer(moved) };
});
