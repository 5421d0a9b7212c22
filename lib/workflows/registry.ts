import type { Incident } from '../../core/contracts/execution-input.ts';

/** Which runbook remediates which incident, by the runbook's state machine. */
export const RUNBOOKS: Readonly<Record<Incident, { runbook: string; stateMachineName: string }>> = {
  'space-exceeded': { runbook: 'space-reclaim', stateMachineName: 'etcd-remediation-space-reclaim' },
};
