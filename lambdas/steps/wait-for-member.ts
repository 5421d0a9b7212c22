import { type SurveyedMember, surveyMembers } from '../../core/cluster/member-survey.ts';
import { type MemberProgress, waitForMemberInput } from '../../core/member-replacement/contracts.ts';
import { summarizeProgress } from '../../core/member-replacement/summaries.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { etcdStep } from '../step.ts';

const WAIT_MS = 10_000;
const BETWEEN_READINGS_MS = 250;

/** Waits for a member to be caught up, for 10 s at most, and says how far it is. Its absence is an answer, not an error. */
export const handler = etcdStep(
  waitForMemberInput,
  async (etcd, { cluster, member: name }): Promise<MemberProgress & Summarized> => {
    for (
      const until = Date.now() + WAIT_MS;
      ;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_READINGS_MS))
    ) {
      const survey = surveyMembers(cluster.members, await etcd.observe());
      const member = survey.members.find((each) => each.name === name) as SurveyedMember;
      const isUsable = member.state === 'healthy' || (member.state === 'joining' && member.isCaughtUp);
      if (isUsable || Date.now() > until) return progressOf(member, survey.leader.raftAppliedIndex);
    }
  },
);

function progressOf(
  { name, seen, raftAppliedIndex }: SurveyedMember,
  leaderAppliedIndex: string,
): MemberProgress & Summarized {
  const distance = (BigInt(leaderAppliedIndex) - BigInt(raftAppliedIndex)).toString();
  const progress = { member: name, answering: seen.answering, raftAppliedIndex, leaderAppliedIndex, distance };
  return { ...progress, summary: summarizeProgress(progress) };
}
