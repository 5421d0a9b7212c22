/**
 * Which function runs which steps (by their file names in `lambdas/steps`). Steps share a function where they need the same permissions and
 * the same time: what one of them may do, all of them may. Each function's bundle holds its own steps alone.
 */
export const STEPS_OF = {
  configuration: ['load-cluster', 'load-remediation'],
  diagnosis: ['diagnose-cluster'],
  detector: ['detect-incidents'],
  etcd: [
    'assess-members',
    'assess-quorum',
    'assess-space',
    'assess-tokens',
    'change-membership',
    'choose-next-change',
    'choose-next-cure',
    'choose-next-member',
    'disarm-alarms',
    'move-leadership',
    'plan-replacement',
    'plan-token-cure',
    'prove-writes',
    'survey-cluster',
    'verify-recovery',
    'verify-tokens',
    'wait-for-member',
    'wait-for-quorum',
  ],
  'etcd-long': ['compact-history', 'compare-hashes', 'defragment-member'],
  'authentication-on': ['enable-authentication'],
  'authentication-off-and-on': ['toggle-authentication'],
  'run-command': ['run-host-commands'],
  staging: ['stage-snapshot'],
  transfers: ['transfer-snapshots'],
  backups: ['list-backups'],
  executions: ['choose-runbook'],
  decisions: ['choose-rescue', 'plan-recovery', 'tell-changes', 'weigh-check', 'weigh-room'],
} as const;

export type FunctionName = keyof typeof STEPS_OF;
export type StepName = (typeof STEPS_OF)[FunctionName][number];

/** The function that runs a step. @throws Error where no function does */
export function functionOf(step: string): FunctionName {
  for (const [name, steps] of Object.entries(STEPS_OF)) {
    if ((steps as readonly string[]).includes(step)) return name as FunctionName;
  }
  throw new Error(`There is no function of a step "${step}".`);
}
