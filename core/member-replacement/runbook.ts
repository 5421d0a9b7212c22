import { APPROVED_PLAN, type Runbook, type Seen } from '../runbook/runbook.ts';
import { type ChangesSoFar, type Fields, fieldsOf, listOf, type SoFar } from '../runbook/step-run.ts';
import { sentence } from '../text/format.ts';
import { parse } from '../text/parse.ts';
import { approvedReplacement, explainChangesInput, type MemberParameters, memberInput } from './contracts.ts';
import { standingAfter } from './explain-changes.ts';

/** A member that does not come back is replaced by one that starts empty. */
export const memberReplacement = {
  incident: 'member-failed',
  runbook: 'member-replacement',
  stateMachineName: 'etcd-remediation-member-replacement',
  input: memberInput,
  needsHosts: true,
  movesSnapshots: false,
  policy: 'approval',
  neverWaits: '',
  acts: {
    'replace-host': {
      description: 'to put a spare host in the place of a member',
      isRequestedBy: ({ replacement }: MemberParameters) => replacement !== undefined,
    },
  },
  asksAnewAfterFailure: false,
  wayOn: 'looks again, and goes on from here',
  alarms: {
    'member-failed': {
      problem: 'has a member that has failed, or that was never promoted.',
      metric: 'FailedMembers',
      limit: { atLeast: 1 },
      minutes: 3,
    },
  },
  steps: {
    'assess-members': { runsIn: 'etcd' },
    'plan-replacement': { runsIn: 'etcd' },
    'choose-next-change': { runsIn: 'etcd' },
    'change-membership': { runsIn: 'etcd', changes: describeMembership },
    'wait-for-member': { runsIn: 'etcd' },
    'explain-changes': { runsIn: 'decisions' },
  },

  /** A member that refuses us, or that we do not reach, has not failed: another one in its place would be no better. */
  present({ view }: Seen) {
    if (!view.hasQuorum) return undefined;
    const targets = view.members.filter(({ state }) => state === 'failed' || state === 'joining');
    if (targets.length === 0) return undefined;
    const list = targets.map(({ name, problem }) => sentence(`${name} ${problem}`)).join(' ');
    return `${list} The others have a quorum${view.survey ? `, and ${view.survey.leader.name} leads` : ''}.`;
  },

  heldTo(plan) {
    const { targets, removeIds } = parse(approvedReplacement, plan, APPROVED_PLAN);
    return { onlyMembers: targets, removeOnly: removeIds };
  },

  advice: () => [],

  /** With what was under way, and without it: which of the two holds is unknown. */
  leavesBehind({ variables: { plan, changes, next } }: SoFar, { perhaps }: ChangesSoFar) {
    const { cluster, targets } = fieldsOf(plan);
    const standing = (made: unknown[]) => {
      const request = explainChangesInput.safeParse({ error: '', cause: '', cluster, targets, changes: made });
      return request.success ? standingAfter(request.data).standing : '';
    };
    const known = listOf(changes);
    const now = standing([...known]);
    if (now === '') return '';
    const then = perhaps.length > 0 ? standing([...known, ...madeBy(fieldsOf(next))]) : '';
    return then === '' || then === now ? `Now ${now}` : `Now ${now} If what was under way was done as well: ${then}`;
  },
} as const satisfies Runbook;

/** What the next thing to do changes where all of it is done. */
function madeBy({ action, member, id, commands }: Fields): unknown[] {
  if (commands === undefined) return [{ action, member, id }];
  const result = action === 'JoinCluster' ? { activeState: 'active' } : undefined;
  return listOf(commands).map((each) => ({ action, member: each.member, host: each.host, result }));
}

function describeMembership({ change, targets }: Fields, output: Fields | undefined): string[] {
  if (output?.changed === false) return [];
  const names = listOf(targets).map(({ member }) => member);
  const member = output ? output.member : names.length > 1 ? `one of ${names.join(', ')}` : names[0];
  switch (change) {
    case 'RemoveMember':
      return [`${member}${output ? ` (${output.id})` : ''} was removed from etcd`];
    case 'AddMember':
      return [`${member} was added to etcd`];
    default:
      return [`${member} was made a voter`];
  }
}
