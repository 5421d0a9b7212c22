import { describe, expect, it } from 'vitest';
import { readAlarm, readRule, readSchedule } from '../../local/event-sources.ts';

/** As if there were no intrinsic functions in it. */
const asItIs = (value: unknown) => value;

describe('the target of a rule', () => {
  const TARGET = {
    Arn: 'arn:guard',
    Id: 'Target0',
    RoleArn: 'arn:role',
    InputTransformer: { InputPathsMap: { name: '$.detail.name' }, InputTemplate: '{"reason":"<name>"}' },
    RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 },
    DeadLetterConfig: { Arn: 'arn:queue' },
  };
  const read = (target: object) => readRule({ EventPattern: {}, State: 'ENABLED', Targets: [target] }, asItIs).targets;

  it('is given what its transformer makes of the event', () => {
    expect(read(TARGET)).toEqual([
      { arn: 'arn:guard', transformer: { paths: { name: '$.detail.name' }, template: '{"reason":"<name>"}' } },
    ]);
  });

  it('may have a template without a value of the event', () => {
    expect(read({ ...TARGET, InputTransformer: { InputTemplate: '{}' } })[0]?.transformer).toEqual({
      paths: {},
      template: '{}',
    });
  });

  it.each([
    ['its retries', { RetryPolicy: { MaximumRetryAttempts: 1, Backoff: 2 } }, 'RetryPolicy.Backoff'],
    ['its queue', { DeadLetterConfig: { Arn: 'a', Type: 'b' } }, 'DeadLetterConfig.Type'],
    ['its transformer', { InputTransformer: { InputTemplate: '{}', Language: 'b' } }, 'InputTransformer.Language'],
    ['an input of its own', { Input: '{}' }, 'Input'],
  ])('is refused for what is not known of %s', (_, differences, unknown) => {
    expect(() => read({ ...TARGET, ...differences })).toThrow(
      `The embedded platform does not know a rule's ${unknown}.`,
    );
  });
});

describe('a schedule', () => {
  const SCHEDULE = {
    Description: 'Looks at orders',
    ScheduleExpression: 'rate(1 minute)',
    ScheduleExpressionTimezone: 'Etc/UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    State: 'ENABLED',
  };
  const TARGET = {
    Arn: 'arn:function',
    Input: '{"cluster":"orders"}',
    RoleArn: 'arn:role',
    RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
  };
  const read = (differences: object = {}, target: object = {}) =>
    readSchedule({ ...SCHEDULE, Target: { ...TARGET, ...target }, ...differences }, asItIs);

  it('invokes a function each minute, with its input', () => {
    expect(read()).toEqual({ functionArn: 'arn:function', input: { cluster: 'orders' } });
  });

  it('starts a state machine at a time of some days', () => {
    const start = { Arn: 'arn:aws:states:local:000000000000:stateMachine:etcd-remediation' };
    expect(read({ ScheduleExpression: 'cron(5 2 ? * SUN,WED *)' }, start)).toEqual({
      stateMachineArn: start.Arn,
      at: { days: ['Sun', 'Wed'], from: '02:05' },
      input: { cluster: 'orders' },
    });
    for (const [differences, unknown] of [
      [{ ScheduleExpression: 'cron(5 2 1 * ? *)' }, 'cron(5 2 1 * ? *)'],
      [{ ScheduleExpression: 'cron(5 2 ? * SUN *)', ScheduleExpressionTimezone: 'Europe/Berlin' }, 'Europe/Berlin'],
    ] as const) {
      expect(() => read(differences, start)).toThrow(
        `The embedded platform does not know a schedule that is ${unknown}.`,
      );
    }
    expect(() => read({ ScheduleExpression: 'cron(5 2 ? * SUN *)' })).toThrow('a schedule that is cron(5 2 ? * SUN *)');
  });

  it.each<[string, object, object, string]>([
    ['comes in another time', { ScheduleExpression: 'rate(5 minutes)' }, {}, 'a schedule that is rate(5 minutes)'],
    ['is disabled', { State: 'DISABLED' }, {}, 'a schedule that is DISABLED'],
    ['may be late', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } }, {}, 'a schedule that is flexible'],
    [
      'may be late by so much',
      { FlexibleTimeWindow: { Mode: 'OFF', MaximumWindowInMinutes: 5 } },
      {},
      "a schedule's FlexibleTimeWindow.MaximumWindowInMinutes",
    ],
    ['ends', { EndDate: '2027-01-01' }, {}, "a schedule's EndDate"],
    ['has a queue for what could not be delivered', {}, { DeadLetterConfig: {} }, "a schedule's DeadLetterConfig"],
    ['retries in another way', {}, { RetryPolicy: { Backoff: 1 } }, "a schedule's RetryPolicy.Backoff"],
  ])('is refused that %s', (_, differences, target, unknown) => {
    expect(() => read(differences, target)).toThrow(`The embedded platform does not know ${unknown}.`);
  });
});

describe('an alarm', () => {
  const ALARM = {
    AlarmName: 'etcd-remediation/orders/space-exceeded',
    AlarmDescription: 'It is full.',
    AlarmActions: ['arn:topic'],
    OKActions: ['arn:topic'],
    Namespace: 'EtcdRemediation',
    MetricName: 'NoSpace',
    Dimensions: [{ Name: 'cluster', Value: 'orders' }],
    Statistic: 'Maximum',
    Period: 60,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Threshold: 1,
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    TreatMissingData: 'missing',
  };

  it('watches the extreme of one metric in each minute', () => {
    expect(readAlarm(ALARM, asItIs)).toEqual({
      name: 'etcd-remediation/orders/space-exceeded',
      description: 'It is full.',
      actions: ['arn:topic'],
      okActions: ['arn:topic'],
      namespace: 'EtcdRemediation',
      metricName: 'NoSpace',
      dimensions: { cluster: 'orders' },
      statistic: 'Maximum',
      comparison: 'GreaterThanOrEqualToThreshold',
      threshold: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: 'missing',
    });
  });

  it('may tell nobody', () => {
    expect(readAlarm({ ...ALARM, AlarmActions: undefined }, asItIs).actions).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['another statistic', { Statistic: 'Average' }, "an alarm's Statistic Average"],
    ['a percentile', { ExtendedStatistic: 'p99' }, "an alarm's ExtendedStatistic"],
    ['metric math', { Metrics: [] }, "an alarm's Metrics"],
    [
      'another comparison',
      { ComparisonOperator: 'LessThanOrEqualToThreshold' },
      "an alarm's ComparisonOperator LessThan",
    ],
    ['another period', { Period: 300 }, "an alarm's period of 300 s"],
    ['another treatment of missing data', { TreatMissingData: 'evaluate' }, "an alarm's TreatMissingData evaluate"],
    ['no treatment of missing data', { TreatMissingData: undefined }, "an alarm's TreatMissingData undefined"],
    [
      'who is told when nothing is known',
      { InsufficientDataActions: ['arn:topic'] },
      "an alarm's InsufficientDataActions",
    ],
    ['whether anybody is told', { ActionsEnabled: false }, "an alarm's ActionsEnabled"],
  ])('is refused for %s', (_, differences, unknown) => {
    expect(() => readAlarm({ ...ALARM, ...differences }, asItIs)).toThrow(
      `The embedded platform does not know ${unknown}`,
    );
  });
});
