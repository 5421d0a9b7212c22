import type { WeeklyTime } from '../core/cluster/maintenance.ts';
import type { MetricAlarm } from './aws/alarm-state.ts';
import type { EventPattern, EventRule, InputTransformer, RuleTarget } from './aws/events.ts';

/** Reads what starts something by itself from a template: rules, schedules and alarms. What is not known is refused, never passed over. */

type Properties = Record<string, unknown>;
/** Replaces CloudFormation's intrinsic functions in a value. */
type Resolve = (value: unknown) => unknown;

/** A schedule of EventBridge Scheduler: one function, each minute. */
export interface MinutelySchedule {
  functionArn: string;
  input: unknown;
}

/** A schedule that starts an execution of a state machine: a backup so often, maintenance at a time of some days. */
export type RecurringStart = { stateMachineArn: string; input: unknown } & (
  | { everyMinutes: number }
  | { at: WeeklyTime }
);

/** @throws Error for a rule that does more than to hand each event, as it is or transformed, to state machines */
export function readRule(properties: Properties, resolve: Resolve): EventRule {
  const { EventPattern, State, Targets, Description: _, ...others } = properties;
  requireNone(others, 'a rule');
  if (State !== 'ENABLED') throw new Error(`The embedded platform does not know a rule that is ${State}.`);
  const targets = (Targets as Properties[]).map((target) => readTarget(target, resolve));
  return { pattern: resolve(EventPattern) as EventPattern, targets };
}

/** Delivery here is a call: there is nothing to try again, and nothing that could not be delivered. */
function readTarget(target: Properties, resolve: Resolve): RuleTarget {
  const { Arn, Id: _id, RoleArn: _role, InputTransformer: given, RetryPolicy, DeadLetterConfig, ...others } = target;
  requireNone(others, 'a rule');
  requireOnly(RetryPolicy, ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts'], "a rule's RetryPolicy");
  requireOnly(DeadLetterConfig, ['Arn'], "a rule's DeadLetterConfig");
  requireOnly(given, ['InputPathsMap', 'InputTemplate'], "a rule's InputTransformer");
  const arn = String(resolve(Arn));
  if (given === undefined) return { arn };
  const { InputPathsMap = {}, InputTemplate } = resolve(given) as Properties;
  return {
    arn,
    transformer: { paths: InputPathsMap as InputTransformer['paths'], template: String(InputTemplate) },
  };
}

/** @throws Error for a schedule that does anything but to invoke a function each minute, or to start a state machine every so many minutes or at a time */
export function readSchedule(properties: Properties, resolve: Resolve): MinutelySchedule | RecurringStart {
  const {
    ScheduleExpression,
    FlexibleTimeWindow,
    State,
    Target,
    ScheduleExpressionTimezone,
    Description: _description,
    ...others
  } = properties;
  requireNone(others, 'a schedule');
  requireOnly(FlexibleTimeWindow, ['Mode'], "a schedule's FlexibleTimeWindow");
  const { Arn, Input, RoleArn: _role, RetryPolicy, ...rest } = Target as Properties;
  const arn = String(resolve(Arn));
  const everyMinutes = minutesOf(String(ScheduleExpression));
  const at = weeklyTimeOf(String(ScheduleExpression));
  const isStart = arn.startsWith('arn:aws:states:');
  const [unknown] = [
    ...((isStart ? at || everyMinutes > 1 : everyMinutes === 1) ? [] : [ScheduleExpression]),
    // Of no matter to a rate.
    ...(at && ScheduleExpressionTimezone !== 'Etc/UTC' ? [ScheduleExpressionTimezone] : []),
    ...(State === 'ENABLED' ? [] : [State]),
    ...((FlexibleTimeWindow as Properties).Mode === 'OFF' ? [] : ['flexible']),
  ];
  if (unknown !== undefined) throw new Error(`The embedded platform does not know a schedule that is ${unknown}.`);
  requireNone(rest, 'a schedule');
  requireOnly(RetryPolicy, ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts'], "a schedule's RetryPolicy");
  const input = JSON.parse(String(resolve(Input))) as unknown;
  if (!isStart) return { functionArn: arn, input };
  return { stateMachineArn: arn, ...(at ? { at } : { everyMinutes }), input };
}

/** `cron(30 2 ? * SUN,WED *)`; undefined where it is anything else. */
function weeklyTimeOf(expression: string): WeeklyTime | undefined {
  const [, minute, hour, days] = /^cron\((\d+) (\d+) \? \* ([A-Z]{3}(?:,[A-Z]{3})*) \*\)$/.exec(expression) ?? [];
  if (minute === undefined || hour === undefined || days === undefined) return undefined;
  const names = days.split(',').map((day) => `${day.charAt(0)}${day.slice(1).toLowerCase()}`);
  return { days: names as WeeklyTime['days'], from: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` };
}

/** The CDK writes an hour in hours, and a day in days; 0 where it is no rate. */
function minutesOf(expression: string): number {
  const [, count = '', unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return Number(count) * ({ minute: 1, hour: 60, day: 24 * 60 }[unit] ?? 0);
}

const COMPARISONS = ['GreaterThanOrEqualToThreshold', 'GreaterThanThreshold', 'LessThanThreshold'] as const;
const STATISTICS = ['Maximum', 'Minimum'] as const;
const TREATMENTS = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

/** @throws Error for an alarm of anything but the extreme of one metric in each minute */
export function readAlarm(properties: Properties, resolve: Resolve): MetricAlarm {
  const {
    AlarmName,
    AlarmDescription,
    AlarmActions = [],
    OKActions = [],
    Namespace,
    MetricName,
    Dimensions,
    Statistic,
    Period,
    ComparisonOperator,
    Threshold,
    EvaluationPeriods,
    DatapointsToAlarm,
    TreatMissingData,
    ...others
  } = resolve(properties) as Properties;
  requireNone(others, 'an alarm');
  if (Period !== 60) throw new Error(`The embedded platform does not know an alarm's period of ${Period} s.`);
  return {
    name: String(AlarmName),
    description: String(AlarmDescription),
    actions: AlarmActions as string[],
    okActions: OKActions as string[],
    namespace: String(Namespace),
    metricName: String(MetricName),
    dimensions: Object.fromEntries(
      (Dimensions as { Name: string; Value: string }[]).map(({ Name, Value }) => [Name, Value]),
    ),
    statistic: requireOneOf(STATISTICS, Statistic, "an alarm's Statistic"),
    comparison: requireOneOf(COMPARISONS, ComparisonOperator, "an alarm's ComparisonOperator"),
    threshold: Number(Threshold),
    evaluationPeriods: Number(EvaluationPeriods),
    datapointsToAlarm: Number(DatapointsToAlarm),
    treatMissingData: requireOneOf(TREATMENTS, TreatMissingData, "an alarm's TreatMissingData"),
  };
}

function requireOneOf<Known extends string>(known: readonly Known[], value: unknown, what: string): Known {
  const found = known.find((each) => each === value);
  if (found === undefined) throw new Error(`The embedded platform does not know ${what} ${value}.`);
  return found;
}

function requireOnly(value: unknown, known: readonly string[], what: string): void {
  const unknown = Object.keys((value ?? {}) as object).find((field) => !known.includes(field));
  if (unknown !== undefined) throw new Error(`The embedded platform does not know ${what}.${unknown}.`);
}

function requireNone(unknown: Properties, what: string): void {
  const [field] = Object.keys(unknown);
  if (field !== undefined) throw new Error(`The embedded platform does not know ${what}'s ${field}.`);
}
