/**
 * A failure as Step Functions knows one: a name that `Retry` and `Catch` match, and a cause for the reader.
 * A task throws it to fail under that name; both strings may be empty, as a Fail state may leave them out.
 */
export class ExecutionError extends Error {
  readonly error: string;
  override readonly cause: string;

  constructor(error: string, cause = '') {
    super([error, cause].filter(Boolean).join(': '));
    this.name = 'ExecutionError';
    this.error = error;
    this.cause = cause;
  }
}

/** An expression that failed, and the field of the state it stands in. */
export class QueryEvaluationError extends ExecutionError {
  readonly location: string;

  constructor(location: string, cause: string) {
    super('States.QueryEvaluationError', cause);
    this.location = location;
  }
}

/** Anything thrown, as an ExecutionError. What is not one is a defect of the platform, which no Catch may hide. */
export function toExecutionError(thrown: unknown): ExecutionError {
  if (thrown instanceof ExecutionError) return thrown;
  return new ExecutionError('States.Runtime', thrown instanceof Error ? thrown.message : String(thrown));
}
