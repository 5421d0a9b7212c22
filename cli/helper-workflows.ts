/** A workflow that remediates nothing itself: it puts in order what a stopped execution has left. The log names it by what it does. */
interface HelperWorkflow {
  begins: string;
  /** By its outcome. */
  ended: Readonly<Record<string, string>>;
  failed: string;
}

const HELPERS: Readonly<Record<string, HelperWorkflow>> = {
  'etcd-remediation-lock-release': {
    begins: 'Releasing the lock of the remediation that has ended',
    ended: {
      Remediated: 'The lock was released: the next remediation of this cluster may begin.',
      NothingToDo: 'There was no lock to release.',
    },
    failed: 'The lock could not be released',
  },
  'etcd-remediation-authentication-guard': {
    begins: 'Making sure that the runbook which was stopped leaves authentication enabled',
    ended: {
      Remediated: 'Authentication was enabled again.',
      NothingToDo: 'Authentication did not have to be enabled.',
    },
    failed: 'Authentication could not be enabled',
  },
};

/** Undefined where it is no helper. */
export function helperNamed(stateMachineName: string): HelperWorkflow | undefined {
  return HELPERS[stateMachineName];
}

/** Of which cluster the execution was that has ended, for which a helper is started; empty where that cannot be read. */
export function clusterOfEnded(event: unknown): string {
  const { input } = Object(Object(event).detail) as { input?: unknown };
  try {
    const { cluster } = Object(JSON.parse(String(input)));
    return typeof cluster === 'string' ? cluster : '';
  } catch {
    return '';
  }
}
