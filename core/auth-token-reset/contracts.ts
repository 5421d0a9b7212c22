import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import type { TokenProbe } from '../cluster/evidence.ts';
import type { Observation } from '../cluster/observation.ts';
import { inspectionReportSchema } from '../hosts/host-command-results.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { confirmSeconds, inputOf } from '../runbook/execution-input.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';

/** What the steps of the auth token runbook receive and return. IDs are hex, raft indexes decimal strings. No token is in any of it. */

export const RESET_STRATEGIES = ['restart-then-toggle', 'restart', 'toggle'] as const;

/** What a responder may set for the auth token runbook. */
export const tokenParametersSchema = z.strictObject({
  /** Over how long a member has to be seen rejecting fresh tokens, three times. */
  confirmSeconds: confirmSeconds(10),
  /** `restart` the member alone; `toggle`: disable authentication and enable it again, for the whole cluster. */
  strategy: z.enum(RESET_STRATEGIES).default('restart-then-toggle'),
});
export type TokenParameters = z.output<typeof tokenParametersSchema>;

export const tokenInput = inputOf('auth-token-invalid', { parameters: tokenParametersSchema.prefault({}) });

/**
 * What one reading has shown: a token of every voter, issued a moment ago, and used at every member. Of `members` it is what each reports
 * itself, whether or not it takes tokens.
 */
export interface TokenObservation extends Observation {
  probes: TokenProbe[];
  /** What an execution has written down before it disabled authentication; null where none has. */
  window: AuthenticationWindow | null;
}

/** What is written down in etcd itself of authentication that is disabled for a moment. Times are milliseconds since 1970. */
export const windowSchema = z.strictObject({
  /** The execution that disables it. */
  execution: z.string(),
  /** Right before it is disabled. */
  disabledAt: z.int(),
  /** After it was enabled; null as long as it may be disabled. */
  enabledAt: z.int().nullable(),
  /** From then on the execution sends no request to disable it any more... */
  overAt: z.int(),
  /** ...and these members were sent one and have not answered, so that they may still do as they were asked. */
  asked: z.array(z.string()),
  /** Whether the execution is at its end, and must not begin to disable anything. */
  ended: z.boolean(),
});
export type AuthenticationWindow = z.output<typeof windowSchema>;

/** How a member stands to fresh tokens. All but the first two are look-alikes that this runbook does not cure. */
export type TokenStatus =
  /** It takes every one. */
  | 'TakesTokens'
  /** It rejects every one, its own too, although it is caught up: the incident. */
  | 'RejectsTokens'
  /** It has not applied the login yet. */
  | 'Lags'
  /** JWT: its keys are not those of the others. */
  | 'KeysDiffer'
  /** JWT: its clock is so far ahead that a new token has ended already. */
  | 'ClockDiffers'
  /** It knows changes of users and roles that the others do not. */
  | 'AuthStoreDiffers'
  /** It rejects some and takes others: it was just restarted, or authentication was just enabled. */
  | 'Unsettled'
  /** Its certificate, or the user's permissions. */
  | 'Refuses'
  /** It does not answer, or is not one of this cluster. */
  | 'Failed';

export interface MemberTokens {
  name: string;
  /** Empty where the member does not answer. */
  id: string;
  version: string;
  status: TokenStatus;
  /** In words for a responder; empty where it takes tokens. */
  problem: string;
}

const readingsSchema = z.strictObject({
  /** `node3 RejectsTokens`, for each member that does not take tokens. */
  statuses: z.array(z.string()),
  /** How many readings in a row have shown these. */
  equal: z.int().min(0),
  total: z.int().min(0),
});
export type TokenReadings = z.output<typeof readingsSchema>;

const request = { cluster: clusterSchema, parameters: tokenParametersSchema };

/** assess-tokens */
export const assessTokensInput = z.strictObject({ ...request, readings: readingsSchema });
export interface TokenAssessment {
  /** `Confirm`: look again later; `Cure`; `Enable`: an earlier execution has left authentication disabled. */
  verdict: 'Confirm' | 'Cure' | 'Enable' | 'NothingToDo';
  summary: string;
  readings: TokenReadings;
  members: MemberTokens[];
  rejecting: string[];
  /** inspect-host for each member that rejects tokens and has a host. */
  inspections: HostCommand[];
}

/** plan-token-reset */
export const planTokenResetInput = z.strictObject({
  ...request,
  /** The members that reject tokens, surely. */
  rejecting: z.array(z.string()),
  inspections: z.array(inspectionReportSchema),
});
export type PlanTokenReset = z.output<typeof planTokenResetInput>;

/** What decides which cure is possible, besides the hosts. */
export interface ResetPremises {
  /** Members that the quorum cannot do without. */
  needed: string[];
  /** Roles of the user root; null where there is no such user. */
  rootRoles: string[] | null;
  /** Whether members serve clients without a certificate. */
  admitsWithoutCertificate: boolean;
}

/** One rung of the ladder, and whether it can be used here. */
export interface ResetRung {
  rung: 'restart' | 'toggle';
  serves: boolean;
  why: string;
}
export interface TokenResetPlan {
  ladder: ResetRung[];
  /** What will be done, a line each. */
  steps: string[];
  /** Members that may be restarted. */
  restartable: string[];
  mayToggle: boolean;
  /** How it does not happen again. */
  advice: string;
}

/** choose-next-token-action; also what toggle-authentication receives, which chooses once more. */
export const chooseNextTokenActionInput = z.strictObject({
  ...request,
  /** The members that reject tokens, surely: nothing is done for the sake of any other. */
  rejecting: z.array(z.string()),
  restartable: z.array(z.string()),
  mayToggle: z.boolean(),
  /** `RestartService node3`, `ToggleAuthentication`: what this execution has done. */
  done: z.array(z.string()),
  /** How often in a row a member was waited for. */
  waits: z.int().min(0),
  turn: z.int().min(0),
  execution: textSchema(TEXT_RULES.execution),
});
export type ChooseNextTokenAction = z.output<typeof chooseNextTokenActionInput>;

export type NextTokenAction =
  | ({ action: 'RestartService' } & HostCommand)
  | { action: 'WaitForMember'; member: string }
  /** Through a voter that takes tokens. */
  | { action: 'ToggleAuthentication'; through: string }
  /** Authentication is disabled, by an execution of this runbook. */
  | { action: 'EnableAuthentication' }
  | { action: 'Finish' };

/** toggle-authentication */
export interface ToggledAuthentication {
  /** False where it was not the next thing to do any more. */
  toggled: boolean;
  window: AuthenticationWindow | null;
}

/** enable-authentication */
export const enableAuthenticationInput = z.strictObject({
  cluster: clusterSchema,
  /** On whose account: empty where it is nobody's end. */
  endOf: z.union([z.literal(''), textSchema(TEXT_RULES.execution)]),
  /** Whether this execution has tried to disable it: then it is to be enabled, whatever is written down. */
  toggled: z.boolean(),
});
export interface EnabledAuthentication {
  /** Whether it was disabled until now. */
  changed: boolean;
  window: AuthenticationWindow | null;
  /** It could still be disabled on account of what was asked before: look again after so many seconds. 0 where it cannot. */
  lookAgainSeconds: number;
  /** The result, in a sentence. */
  summary: string;
}

/** verify-tokens */
export const verifyTokensInput = z.strictObject({
  cluster: clusterSchema,
  execution: textSchema(TEXT_RULES.execution),
});
export interface VerifiedTokens {
  members: MemberTokens[];
  /** Those that take tokens and refuse strangers. */
  healthy: string[];
  /** What is still wrong, and whose runbook is next. */
  remaining: 'member-failed'[];
  summary: string;
}

/** What an approved plan says that a reset is held to. Enabling authentication again is a plan without a ladder. */
export const approvedTokenPlan = z.looseObject({
  ladder: z.array(z.looseObject({ rung: z.string(), serves: z.boolean() })).optional(),
});
