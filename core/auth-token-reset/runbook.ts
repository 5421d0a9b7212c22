import { APPROVED_PLAN, type Runbook, type Seen } from '../runbook/runbook.ts';
import type { SoFar, StepRun } from '../runbook/step-run.ts';
import { sentence } from '../text/format.ts';
import { parse } from '../text/parse.ts';
import { approvedTokenPlan, type TokenParameters, tokenInput } from './contracts.ts';
import { membersThat } from './token-status.ts';
import { viewTokens } from './token-view.ts';

/** A member that rejects every token takes them again. */
export const authTokenReset = {
  incident: 'auth-token-invalid',
  runbook: 'auth-token-reset',
  stateMachineName: 'etcd-remediation-auth-token-reset',
  input: tokenInput,
  needsHosts: false,
  movesSnapshots: false,
  policy: 'automatic',
  neverWaits: '',
  acts: {
    'toggle-authentication': {
      description: 'to disable and enable authentication without trying a restart',
      isRequestedBy: ({ strategy }: TokenParameters) => strategy === 'toggle',
    },
  },
  asksAnewAfterFailure: false,
  wayOn: 'looks again, and goes on from here',
  alarms: {
    'auth-token-invalid': {
      problem: 'has a member that rejects tokens which were issued a moment ago.',
      metric: 'TokensRejected',
      limit: { atLeast: 1 },
      minutes: 3,
      needsLogin: true,
    },
  },
  steps: {
    'assess-tokens': { runsIn: 'etcd' },
    'plan-token-reset': { runsIn: 'etcd' },
    'choose-next-token-action': { runsIn: 'etcd' },
    'toggle-authentication': {
      runsIn: 'authentication',
      changes: (_, output) =>
        !output || output.toggled === true ? ['authentication was disabled, and enabled again at once'] : [],
    },
    'enable-authentication': {
      runsIn: 'authentication',
      changes: (_, output) => (output?.changed === true ? ['authentication was enabled again'] : []),
    },
    'verify-tokens': { runsIn: 'etcd' },
  },

  present({ cluster, evidence, view }: Seen) {
    const { members } = viewTokens(cluster, evidence, view);
    const rejecting = membersThat('RejectsTokens', members);
    if (rejecting.length === 0) return undefined;
    const list = members.filter(({ name }) => rejecting.includes(name));
    return `${list.map(({ name, problem }) => sentence(`${name} ${problem}`)).join(' ')} Its clients are refused, however often they log in.`;
  },

  heldTo(plan) {
    const { ladder } = parse(approvedTokenPlan, plan, APPROVED_PLAN);
    const mayToggle = !ladder || ladder.some(({ rung, serves }) => rung === 'toggle' && serves);
    return mayToggle ? {} : { strategy: 'restart' };
  },

  advice: () => [],

  leavesBehind: ({ runs }: SoFar) =>
    mayBeOpen(runs)
      ? 'Authentication may be disabled now. Anyone who reaches the cluster may then read and write everything.'
      : '',
} as const satisfies Runbook;

/** Whether authentication may be disabled: it was to be disabled and enabled again, and its end is unknown. */
export function mayBeOpen(runs: readonly StepRun[]): boolean {
  const last = runs.findLast(
    ({ step, output }) => step === 'toggle-authentication' || (step === 'enable-authentication' && output),
  );
  return last?.step === 'toggle-authentication' && last.output === undefined && last.error !== 'PreconditionFailed';
}
