/** What a step has failed with: of an execution in an execution its own error, and not that its task has failed. */
export function describeError(error: string, cause?: string): string {
  return `${errorIn(cause) ?? error}: ${messageOf(cause)}`;
}

/** A Lambda function's error is JSON with a message, and that of an execution in an execution is JSON with a cause. */
export function messageOf(cause = ''): string {
  const { errorMessage, Cause } = parsed(cause);
  return errorMessage ?? Cause ?? cause;
}

/** The error of the execution that a cause describes, if it describes one. */
function errorIn(cause = ''): string | undefined {
  return parsed(cause).Error;
}

function parsed(cause: string): { errorMessage?: string; Error?: string; Cause?: string } {
  if (!cause.startsWith('{')) return {};
  try {
    return JSON.parse(cause);
  } catch {
    // Step Functions cuts off what is longer than 32,768 characters.
    return {};
  }
}
