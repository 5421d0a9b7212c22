/** As much of an event of GetExecutionHistory as is needed here. */
interface SubmittedTask {
  taskSubmittedEventDetails?: { resource?: string | undefined; output?: string | undefined } | undefined;
}

/**
 * The ARN of the execution that a task has started, if it is one that starts executions.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
export function executionStartedBy({ taskSubmittedEventDetails }: SubmittedTask): string | undefined {
  const { resource = '', output = '{}' } = taskSubmittedEventDetails ?? {};
  if (!resource.startsWith('startExecution')) return undefined;
  return (JSON.parse(output) as { ExecutionArn?: string }).ExecutionArn;
}
