/**
 * The closed set of errors that a step may end with. A step's error reaches Step Functions as its `name`, so `name` is a
 * literal that minifying cannot change, and Retry and Catch in `lib` use the constants of {@link ERROR_NAMES}.
 *
 * Every message says what was seen, what it means and what to do.
 */
export const ERROR_NAMES = {
  InvalidInput: 'InvalidInput',
  PreconditionFailed: 'PreconditionFailed',
  UnsafeToProceed: 'UnsafeToProceed',
  EtcdUnavailable: 'EtcdUnavailable',
  AwsUnavailable: 'AwsUnavailable',
  HostCommandFailed: 'HostCommandFailed',
  HostUnreachable: 'HostUnreachable',
  VerificationFailed: 'VerificationFailed',
} as const;

export type ErrorName = keyof typeof ERROR_NAMES;

/** What a workflow ends with by itself: no step throws these. */
export const WORKFLOW_ERRORS = {
  /** A person has read the plan and rejected it. */
  ApprovalRejected: 'ApprovalRejected',
  /** No answer came in time. */
  ApprovalTimedOut: 'ApprovalTimedOut',
} as const;

/** What the errors share. `reason` names the one cause behind an etcd answer, such as `NoSpace`; see lambdas/etcd/answers.ts. */
export abstract class RemediationError extends Error {
  abstract override readonly name: ErrorName;
  readonly reason: string | undefined;

  constructor(message: string, reason?: string) {
    super(message);
    this.reason = reason;
  }
}

/** The configuration or the execution input is wrong: nothing was touched. Lists every problem with its path. */
export class InvalidInput extends RemediationError {
  override readonly name = ERROR_NAMES.InvalidInput;
}

/** The world is not as the runbook needs it: it stops, and says what has to be true first. */
export class PreconditionFailed extends RemediationError {
  override readonly name = ERROR_NAMES.PreconditionFailed;
}

/** Going on could lose data: it stops, and a person has to look. Never retried. */
export class UnsafeToProceed extends RemediationError {
  override readonly name = ERROR_NAMES.UnsafeToProceed;
}

/** etcd did not answer, or not yet as needed. Transient: the same step may succeed when it is run again. */
export class EtcdUnavailable extends RemediationError {
  override readonly name = ERROR_NAMES.EtcdUnavailable;
}

/** An AWS API that a step needs did not answer. Transient, as well. */
export class AwsUnavailable extends RemediationError {
  override readonly name = ERROR_NAMES.AwsUnavailable;
}

/** A host command ended with an error, was cut off, or its result could not be read. */
export class HostCommandFailed extends RemediationError {
  override readonly name = ERROR_NAMES.HostCommandFailed;
}

/** A host is not reached: the command did not start there, or the host went away while it ran. */
export class HostUnreachable extends RemediationError {
  override readonly name = ERROR_NAMES.HostUnreachable;
}

/** The runbook did its work, and the cluster is not as it should be afterwards. */
export class VerificationFailed extends RemediationError {
  override readonly name = ERROR_NAMES.VerificationFailed;
}
