import type * as z from 'zod';
import { authTokenReset } from './auth-token-reset/runbook.ts';
import { memberRepair } from './member-repair/runbook.ts';
import { memberReplacement } from './member-replacement/runbook.ts';
import { quorumRecovery } from './quorum-recovery/runbook.ts';
import type { Runbook } from './runbook/runbook.ts';
import { spaceReclaim } from './space-reclaim/runbook.ts';

/**
 * The runbooks, a line each. Of several incidents that a cluster has, the first in this order is remediated first. Data that differ come before all: whatever
 * else is changed could spread them. NOSPACE comes before a member that
 * has failed: without writes no replacement could be proven, and a new member would be sent the full database; the reclaim does without those that
 * do not answer.
 */
const ALL = [
  memberRepair, //
  quorumRecovery,
  spaceReclaim,
  memberReplacement,
  authTokenReset,
] as const;
type Declared = (typeof ALL)[number];

/** The incidents that a runbook remediates, in the order in which they are remediated. */
export type Incident = Declared['incident'];
export const INCIDENTS: readonly Incident[] = ALL.map(({ incident }) => incident);

/** What a start may ask of a runbook beyond what it does by itself: an entry of a policy each. */
export type Act = { [Each in Declared as Each['incident']]: keyof Each['acts'] }[Incident];

/** Which runbook remediates which incident. */
export const RUNBOOKS: Readonly<Record<Incident, Runbook>> = byIncident((runbook) => runbook);

/** What starts an execution of an incident's runbook: `{"cluster":"orders"}` and optionally the rest. */
export const executionInputSchemas = byIncident(({ input }) => input) as {
  readonly [Each in Declared as Each['incident']]: Each['input'];
};
export type ExecutionInput = z.output<(typeof executionInputSchemas)[Incident]>;

/** The steps that belong to one runbook. */
export type RunbookStepName = { [Each in Declared as Each['runbook']]: keyof Each['steps'] }[Declared['runbook']];

export function isIncident(name: string): name is Incident {
  return Object.hasOwn(RUNBOOKS, name);
}

function byIncident<Value>(pick: (runbook: Declared) => Value): Record<Incident, Value> {
  return Object.fromEntries(ALL.map((runbook) => [runbook.incident, pick(runbook)])) as Record<Incident, Value>;
}
