import type { RunsIn } from '../core/runbook/runbook.ts';
import { RUNBOOKS, type RunbookStepName } from '../core/runbooks.ts';

/**
 * Which function runs which steps (by their file names in `lambdas/steps`). Steps share a function where they need the same permissions and
 * the same time, or one of them may have more: what one of them may do, all of them may. Each function's bundle holds its own steps alone. A step of
 * one runbook alone is declared by that runbook.
 */
const SHARED = {
  configuration: ['load-cluster', 'load-remediation'],
  diagnosis: ['analyze-store', 'diagnose-cluster'],
  detector: ['detect-incidents'],
  etcd: ['choose-rehearsal-members', 'prove-writes', 'survey-cluster'],
  'etcd-long': ['compare-hashes'],
  authentication: [],
  'run-command': ['run-host-commands'],
  transfers: ['transfer-snapshots'],
  backups: ['list-backups', 'plan-rehearsal'],
  pruning: ['prune-backups'],
  rehearsals: ['record-rehearsal'],
  'backing-up': ['back-up-cluster', 'complete-backup', 'copy-database', 'send-backup', 'try-backups'],
  decisions: ['choose-rehearsal-host', 'choose-runbook', 'weigh-check'],
} as const satisfies Record<string, readonly string[]> & Record<RunsIn, readonly string[]>;

export type FunctionName = keyof typeof SHARED;
export type StepName = (typeof SHARED)[FunctionName][number] | RunbookStepName;

export const STEPS_OF = Object.fromEntries(
  Object.entries(SHARED).map(([name, shared]) => [name, [...shared, ...declaredFor(name)].toSorted()]),
) as unknown as Readonly<Record<FunctionName, readonly StepName[]>>;

function declaredFor(name: string): string[] {
  return Object.values(RUNBOOKS).flatMap(({ steps }) =>
    Object.entries(steps).flatMap(([step, { runsIn }]) => (runsIn === name ? [step] : [])),
  );
}

/** The function that runs a step. @throws Error where no function does */
export function functionOf(step: string): FunctionName {
  for (const [name, steps] of Object.entries(STEPS_OF)) {
    if ((steps as readonly string[]).includes(step)) return name as FunctionName;
  }
  throw new Error(`There is no function of a step "${step}".`);
}
