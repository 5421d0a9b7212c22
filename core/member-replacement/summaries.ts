import { sameAgain, words } from '../runbook/summary.ts';
import type { ChangedMembership, MemberProgress, MembersAssessment, NextChange, ReplacementPlan } from './contracts.ts';

/** What the steps of the member runbook have found or done, in a sentence each. */

export function summarizeReading({ verdict, summary, readings }: MembersAssessment): string {
  return verdict === 'Confirm' && readings.equal > 1 ? sameAgain(readings.equal) : summary;
}

export function summarizePlan({ steps }: ReplacementPlan): string {
  return `${steps.join('; ')}.`;
}

export function summarizeNextChange(next: NextChange): string {
  if (next.action === 'Finish') return 'Nothing is left to change.';
  const members = 'commands' in next ? next.commands.map(({ member }) => member).join(', ') : next.member;
  return `Next: ${words(next.action)} ${members}.`;
}

export function summarizeChange(
  change: 'RemoveMember' | 'AddMember' | 'PromoteMember',
  { changed, member, id }: ChangedMembership,
): string {
  if (!changed) return 'Not needed any more.';
  switch (change) {
    case 'RemoveMember':
      return `${member} (${id}) is removed from etcd.`;
    case 'AddMember':
      return `${member} is added to etcd.`;
    case 'PromoteMember':
      return `${member} is a voter.`;
  }
}

export function summarizeProgress({
  answering,
  raftAppliedIndex,
  leaderAppliedIndex,
  distance,
}: MemberProgress): string {
  return answering
    ? `At ${raftAppliedIndex} of ${leaderAppliedIndex} log entries, ${distance} to go.`
    : 'It does not answer yet.';
}
