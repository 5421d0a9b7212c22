import type { Incident } from '../../core/remediation/execution-input.ts';

export interface Runbook {
  runbook: string;
  stateMachineName: string;
  /** Whether it cannot do without the members' hosts. */
  needsHosts: boolean;
  /** Where a cluster's configuration does not say: whether somebody has to approve it. */
  policy: 'automatic' | 'approval';
}

/** Which runbook remediates which incident, by the runbook's state machine. */
export const RUNBOOKS: Readonly<Record<Incident, Runbook>> = {
  'space-exceeded': {
    runbook: 'space-reclaim',
    stateMachineName: 'etcd-remediation-space-reclaim',
    needsHosts: false,
    policy: 'automatic',
  },
  'auth-token-invalid': {
    runbook: 'auth-token-reset',
    stateMachineName: 'etcd-remediation-auth-token-reset',
    needsHosts: false,
    policy: 'automatic',
  },
  'member-failed': {
    runbook: 'member-replacement',
    stateMachineName: 'etcd-remediation-member-replacement',
    needsHosts: true,
    policy: 'approval',
  },
  'quorum-lost': {
    runbook: 'quorum-recovery',
    stateMachineName: 'etcd-remediation-quorum-recovery',
    needsHosts: true,
    policy: 'approval',
  },
};
