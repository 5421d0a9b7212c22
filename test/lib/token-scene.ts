import type * as z from 'zod';
import {
  type AuthenticationWindow,
  assessTokensInput,
  chooseNextTokenActionInput,
  type EnabledAuthentication,
  enableAuthenticationInput,
  type MemberTokens,
  type NextTokenAction,
  planTokenResetInput,
  type TokenAssessment,
  type TokenResetPlan,
  type VerifiedTokens,
  verifyTokensInput,
} from '../../core/auth-token-reset/contracts.ts';
import type { InspectionReport } from '../../core/hosts/host-command-results.ts';
import { loadClusterInput } from '../../core/remediation/load-cluster.ts';
import { proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { type Executed, execute } from './execute.ts';
import { CLUSTER, hostOf, INSPECTION, inspectionOf, SERVICE } from './replacement-scene.ts';
import { authenticationGuard, authTokenReset, FLEET, synthesizeStacks } from './stacks.ts';
import { requireContract } from './step-contracts.ts';

/** Executions of the auth token runbook and of its guard, with steps that answer as the real ones do. */

const stacks = synthesizeStacks(FLEET);
const RUNBOOK = authTokenReset(stacks);
export const GUARD = authenticationGuard(stacks);

export const PARAMETERS = { confirmSeconds: 10, strategy: 'restart-then-toggle' };
export const LOADED = {
  cluster: CLUSTER,
  incident: 'auth-token-invalid',
  dryRun: false,
  reason: 'Clients are refused.',
  requestedBy: 'on-call',
  parameters: PARAMETERS,
};

export function membersOf(rejecting: string[]): MemberTokens[] {
  return CLUSTER.members.map(({ name }) =>
    rejecting.includes(name)
      ? { name, id: 'a1', version: '3.5.5', status: 'RejectsTokens', problem: 'rejects every token.' }
      : { name, id: 'a1', version: '3.5.5', status: 'TakesTokens', problem: '' },
  );
}

/** An assessment that has found these members rejecting tokens, and is sure of it. */
export function assessmentOf(rejecting: string[], more: Partial<TokenAssessment> = {}): TokenAssessment {
  return {
    verdict: 'Cure',
    summary: `${rejecting.join(' and ')} rejects every token.`,
    readings: readingsOf(rejecting, 3),
    members: membersOf(rejecting),
    rejecting,
    inspections: rejecting.map((member) => ({ member, host: hostOf(member), parameters: INSPECTION })),
    ...more,
  };
}

export function readingsOf(rejecting: string[], count: number) {
  return { statuses: rejecting.map((member) => `${member} RejectsTokens`), equal: count, total: count };
}

export const NOTHING_TO_DO = assessmentOf([], { verdict: 'NothingToDo', summary: 'Every member takes fresh tokens.' });
/** As it is told of a cluster that is open: nobody issues a token. */
export const LEFT_OPEN: TokenAssessment = {
  ...{ verdict: 'Enable', summary: 'Authentication is disabled since noon.', readings: readingsOf([], 0) },
  ...{ members: [], rejecting: [], inspections: [] },
};

export function reportOf(member: string): InspectionReport {
  return { member, host: hostOf(member), result: inspectionOf(member), error: '', problem: '' };
}

export function planOf(restartable: string[], more: Partial<TokenResetPlan> = {}): TokenResetPlan {
  return {
    ladder: [
      { rung: 'restart', serves: restartable.length > 0, why: 'It can be restarted.' },
      { rung: 'toggle', serves: true, why: 'It enables the tokens of every member.' },
    ],
    steps: [...restartable.map((member) => `restart the service of ${member}`), 'prove it'],
    restartable,
    mayToggle: true,
    advice: 'Upgrade to 3.5.6.',
    ...more,
  };
}

const UNIT = {
  ...{ unit: INSPECTION.unit, action: 'restart', dataDir: INSPECTION.dataDir, walDir: '' },
  ...{ clusterId: 'c1', commitIndex: '' },
};

export function restartOf(member: string) {
  return {
    action: 'RestartService',
    member,
    host: hostOf(member),
    parameters: UNIT,
  } as const satisfies NextTokenAction;
}

export function waitFor(member: string): NextTokenAction {
  return { action: 'WaitForMember', member };
}

export const TOGGLE: NextTokenAction = { action: 'ToggleAuthentication', through: 'node1' };
export const ENABLE: NextTokenAction = { action: 'EnableAuthentication' };
export const FINISH: NextTokenAction = { action: 'Finish' };

const DISABLED_AT = Date.parse('2025-01-01T12:00:00.000Z');
/** Authentication was disabled for 12 ms. */
export const WINDOW: AuthenticationWindow = {
  ...{ execution: 'run-1', disabledAt: DISABLED_AT, enabledAt: DISABLED_AT + 12, overAt: DISABLED_AT + 5_000 },
  ...{ asked: [], ended: false },
};
/** As a report tells it. */
export const REPORTED_WINDOW = {
  ...{ ms: 12, disabledAt: '2025-01-01T12:00:00.000Z', enabledAt: '2025-01-01T12:00:00.012Z' },
};

/** What enable-authentication has found: authentication is enabled, and nothing can disable it any more. */
export function enabledOf(more: Partial<EnabledAuthentication> = {}): EnabledAuthentication {
  return { changed: false, window: null, lookAgainSeconds: 0, summary: 'Authentication is enabled.', ...more };
}

export const ENABLED_NOW = enabledOf({ changed: true, window: WINDOW, summary: 'Authentication is enabled again.' });

export const VERIFIED: VerifiedTokens = {
  members: membersOf([]),
  healthy: ['node1', 'node2', 'node3'],
  remaining: [],
  summary: 'Every member takes fresh tokens.',
};

/** What every report tells of its execution. */
export const REPORTED = {
  incident: 'auth-token-invalid',
  runbook: 'auth-token-reset',
  cluster: 'orders',
  reason: 'Clients are refused.',
  requestedBy: 'on-call',
  summary: 'node3 rejects every token.',
  membersBefore: membersOf(['node3']),
};
export const CURED = {
  outcome: 'Remediated',
  ...REPORTED,
  summary: 'Every member takes fresh tokens. Before: node3 rejects every token.',
  ladder: planOf(['node3']).ladder,
  advice: 'Upgrade to 3.5.6.',
  remaining: [],
  members: membersOf([]),
};
export const RESTARTED_ONLY =
  'Those issued before a member was restarted are invalid there; clients that use one are refused once, and log in again.';
export const ALL_INVALID =
  'Every token issued before 2025-01-01T12:00:00.012Z is invalid in the whole cluster: clients log in again.';

const ANSWERS = {
  'Load cluster': LOADED,
  'Assess tokens': assessmentOf(['node3']),
  'Inspect hosts': ({ host }: { host: string }) => {
    const member = CLUSTER.members.find((each) => each.host === host)?.name ?? '';
    return inspectionOf(member);
  },
  'Plan token reset': planOf(['node3']),
  'Choose next token action': [restartOf('node3'), FINISH],
  'Restart service': SERVICE,
  'Toggle authentication': { toggled: true, window: WINDOW },
  'Enable authentication': enabledOf(),
  'Verify tokens': VERIFIED,
  'Prove writes on every member': { members: ['after'] },
};

const INPUTS: Record<string, z.ZodType> = {
  'Load cluster': loadClusterInput,
  'Assess tokens': assessTokensInput,
  'Plan token reset': planTokenResetInput,
  'Choose next token action': chooseNextTokenActionInput,
  'Toggle authentication': chooseNextTokenActionInput,
  'Enable authentication': enableAuthenticationInput,
  'Verify tokens': verifyTokensInput,
  'Prove writes on every member': proveWritesInput,
};

/** Cures node3 by a restart, but for what `answers` say. Every input is held against the contract of its step. */
export async function cure(answers: Record<string, unknown> = {}): Promise<Executed> {
  return checked(
    await execute(RUNBOOK, {
      input: { cluster: 'orders' },
      answers: { ...ANSWERS, ...answers },
      topics: stacks.topics,
    }),
  );
}

/** What Step Functions tells of an execution that has ended, as far as the guard reads it. */
export const EVENT = { detail: { name: 'run-1', input: '{"cluster":"orders","dryRun":false}', status: 'ABORTED' } };

/** Lets the guard look after the execution of {@link EVENT}: authentication is enabled, but for what `answers` say. */
export async function guard(answers: Record<string, unknown> = {}, event: JsonObject = EVENT): Promise<Executed> {
  return checked(
    await execute(GUARD, {
      name: 'guard-1',
      input: event,
      answers: { 'Load cluster': LOADED, 'Enable authentication': enabledOf(), ...answers },
      topics: stacks.topics,
    }),
  );
}

function checked(executed: Executed): Executed {
  for (const call of executed.calls) requireContract(call, INPUTS);
  return executed;
}
