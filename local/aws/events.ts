import { randomUUID } from 'node:crypto';
import { executionArn, stateMachineArn } from '../asl/arn.ts';
import type { ExecutionResult } from '../asl/execution.ts';
import { isObject, type JsonObject, type JsonValue } from '../asl/json.ts';
import type { Execution } from '../executions.ts';

/** A list of values, of which the event has to have one, for each field that matters; deeper fields in objects. */
export interface EventPattern {
  [field: string]: EventPattern | (string | number | boolean | null)[];
}

/** A synthesized rule: the state machines that it starts are given by their ARNs, and each event is their input as it is. */
export interface EventRule {
  pattern: EventPattern;
  targets: string[];
}

/**
 * Whether an event matches a rule's pattern. Of a field with a list of values, one has to be among those of the pattern.
 * @throws Error for a pattern with anything but exact values: a rule must never pass here by being taken for narrower or wider than it is
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
export function matches(pattern: EventPattern, event: JsonValue): boolean {
  return Object.entries(pattern).every(([field, expected]) => {
    const value = isObject(event) && Object.hasOwn(event, field) ? (event[field] as JsonValue) : undefined;
    if (!Array.isArray(expected)) return matches(expected, value ?? {});
    const operator = expected.find((each) => isObject(each));
    if (operator)
      throw new Error(`The embedded platform does not know the pattern ${JSON.stringify(operator)} of ${field}.`);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return expected.some((each) => values.includes(each));
  });
}

/**
 * What Step Functions tells EventBridge when an execution has ended.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export function executionEnded(
  { stateMachineName, name, input, startedAt }: Pick<Execution, 'stateMachineName' | 'name' | 'input' | 'startedAt'>,
  result: ExecutionResult,
): JsonObject {
  const executionId = executionArn(stateMachineName, name);
  const now = Date.now();
  const isSuccess = result.status === 'SUCCEEDED';
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: '000000000000',
    // Of whole seconds, as all events are.
    time: new Date(now).toISOString().replace(/\.\d+/, ''),
    region: 'local',
    resources: [executionId],
    detail: {
      executionArn: executionId,
      stateMachineArn: stateMachineArn(stateMachineName),
      name,
      status: result.status,
      startDate: startedAt,
      stopDate: now,
      input: JSON.stringify(input),
      inputDetails: { included: true },
      output: isSuccess ? JSON.stringify(result.output) : null,
      outputDetails: isSuccess ? { included: true } : null,
      error: isSuccess ? null : result.error,
      cause: isSuccess ? null : result.cause,
    },
  };
}
