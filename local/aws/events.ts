import { randomUUID } from 'node:crypto';
import { executionArn, stateMachineArn } from '../asl/arn.ts';
import type { ExecutionResult } from '../asl/execution.ts';
import { isObject, type JsonObject, type JsonValue } from '../asl/json.ts';
import type { Execution } from '../executions.ts';

type Scalar = string | number | boolean | null;

/** One of a pattern's alternatives for a field: a value, how a text begins, or what it is not. */
type Matcher = Scalar | { prefix: string } | { 'anything-but': Scalar[] };

/** A list of alternatives, of which the event has to fit one, for each field that matters; deeper fields in objects. */
export interface EventPattern {
  [field: string]: EventPattern | Matcher[];
}

/** What a target is given instead of the event: a template, with values of the event where it has their names in angle brackets. */
export interface InputTransformer {
  /** `$.detail.alarmName`, by the name. */
  paths: Readonly<Record<string, string>>;
  template: string;
}

export interface RuleTarget {
  /** Of a state machine. */
  arn: string;
  /** The event as it is, if there is none. */
  transformer?: InputTransformer;
}

/** A synthesized rule. */
export interface EventRule {
  pattern: EventPattern;
  targets: RuleTarget[];
}

/** What the rules make of an event: which state machine is started, and with which input. @throws as {@link matches} and {@link transform} */
export function deliveriesOf(rules: readonly EventRule[], event: JsonObject): { arn: string; input: JsonValue }[] {
  return rules
    .filter(({ pattern }) => matches(pattern, event))
    .flatMap(({ targets }) => targets)
    .map(({ arn, transformer }) => ({ arn, input: transformer ? transform(transformer, event) : event }));
}

/**
 * Whether an event matches a rule's pattern. Of a field with a list of values, one has to fit.
 * @throws Error for an operator that is not known: a rule must never pass here by being taken for narrower or wider than it is
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function matches(pattern: EventPattern, event: JsonValue): boolean {
  return Object.entries(pattern).every(([field, expected]) => {
    const value = isObject(event) && Object.hasOwn(event, field) ? (event[field] as JsonValue) : undefined;
    if (!Array.isArray(expected)) return matches(expected, value ?? {});
    const fitting = expected.map((matcher) => fits(matcher, field));
    if (Array.isArray(value) && expected.some((matcher) => isObject(matcher) && 'anything-but' in matcher)) {
      throw new Error(`The embedded platform does not know "anything-but" for a list: ${field}.`);
    }
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return fitting.some((fit) => values.some(fit));
  });
}

function fits(matcher: Matcher, field: string): (value: unknown) => boolean {
  if (!isObject(matcher)) return (value) => value === matcher;
  const [[operator, operand] = [], ...others] = Object.entries(matcher);
  if (others.length === 0 && operator === 'prefix' && typeof operand === 'string') {
    return (value) => typeof value === 'string' && value.startsWith(operand);
  }
  if (others.length === 0 && operator === 'anything-but' && Array.isArray(operand) && !operand.some(isObject)) {
    // A field that is missing is not anything.
    return (value) => value !== undefined && !operand.includes(value);
  }
  throw new Error(`The embedded platform does not know the pattern ${JSON.stringify(matcher)} of ${field}.`);
}

function isInText(template: string, offset: number): boolean {
  return (template.slice(0, offset).replaceAll(/\\./g, '').match(/"/g)?.length ?? 0) % 2 === 1;
}

/**
 * The input that a transformer makes of an event: a text becomes a part of the text that it stands in, or one of its own.
 * @throws Error for a path other than of fields, a value that is no text, and a template that does not come to JSON
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
function transform({ paths, template }: InputTransformer, event: JsonObject): JsonValue {
  const text = template.replace(/<([^<>]+)>/g, (_, name: string, offset: number) => {
    const path = Object.hasOwn(paths, name) ? String(paths[name]) : '';
    if (!/^\$(\.[\w-]+)+$/.test(path))
      throw new Error(`The embedded platform does not know the path of <${name}>: "${path}".`);
    const value = path
      .slice(2)
      .split('.')
      .reduce<unknown>(
        (each, field) => (isObject(each) && Object.hasOwn(each, field) ? each[field] : undefined),
        event,
      );
    if (typeof value !== 'string')
      throw new Error(`The embedded platform puts texts into a template, and ${path} is none.`);
    const quoted = JSON.stringify(value);
    return isInText(template, offset) ? quoted.slice(1, -1) : quoted;
  });
  return JSON.parse(text) as JsonValue;
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
