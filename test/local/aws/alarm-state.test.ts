import { describe, expect, it } from 'vitest';
import { type AlarmState, evaluate, type MetricAlarm } from '../../../local/aws/alarm-state.ts';

/** An alarm that wants `datapointsToAlarm` of `evaluationPeriods` points to be 1 or more. */
function alarm(
  datapointsToAlarm: number,
  evaluationPeriods: number,
  differences: Partial<MetricAlarm> = {},
): MetricAlarm {
  return {
    name: 'etcd-remediation/orders/member-failed',
    description: 'A member has failed.',
    actions: [],
    okActions: [],
    namespace: 'EtcdRemediation',
    metricName: 'FailedMembers',
    dimensions: { cluster: 'orders' },
    statistic: 'Maximum',
    comparison: 'GreaterThanOrEqualToThreshold',
    threshold: 1,
    evaluationPeriods,
    datapointsToAlarm,
    treatMissingData: 'missing',
    ...differences,
  };
}

/** `0 - X`: good, missing, bad; the newest last. */
function points(text: string): (number | undefined)[] {
  return text.split(' ').map((letter) => (letter === '-' ? undefined : Number(letter === 'X')));
}

function stateOf(sample: MetricAlarm, text: string, current: AlarmState = 'INSUFFICIENT_DATA'): AlarmState {
  return evaluate(sample, points(text), current).value;
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
describe('the examples of AWS', () => {
  it.each<[number, string, AlarmState, AlarmState, AlarmState]>([
    [3, '0 - X - X', 'OK', 'OK', 'OK'],
    [3, '- - - - 0', 'OK', 'OK', 'OK'],
    [3, '- - - - -', 'INSUFFICIENT_DATA', 'ALARM', 'OK'],
    [3, '0 X X - X', 'ALARM', 'ALARM', 'ALARM'],
    [3, '- - X - -', 'ALARM', 'ALARM', 'OK'],
    [2, '0 - X - X', 'ALARM', 'ALARM', 'ALARM'],
    [2, '0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM'],
    [2, '0 - X - -', 'OK', 'ALARM', 'OK'],
    [2, '- - - - 0', 'OK', 'ALARM', 'OK'],
    [2, '- - - X -', 'ALARM', 'ALARM', 'OK'],
  ])('%i of 3 in %s: missing is %s, breaching %s, notBreaching %s', (count, text, missing, breaching, notBreaching) => {
    expect({
      missing: stateOf(alarm(count, 3), text),
      breaching: stateOf(alarm(count, 3, { treatMissingData: 'breaching' }), text),
      notBreaching: stateOf(alarm(count, 3, { treatMissingData: 'notBreaching' }), text),
    }).toEqual({ missing, breaching, notBreaching });
  });
});

describe('an alarm', () => {
  it('is raised once as many points are bad as it wants, and is well once they are not', () => {
    expect(['X', 'X X', 'X X X', 'X X X 0', 'X X X 0 X'].map((text) => stateOf(alarm(3, 3), text, 'OK'))).toEqual([
      'OK',
      'OK',
      'ALARM',
      'OK',
      'OK',
    ]);
  });

  it('stays what it is while all that is seen is bad, and too little', () => {
    expect(stateOf(alarm(3, 3), '- - - - X', 'INSUFFICIENT_DATA')).toBe('INSUFFICIENT_DATA');
    expect(stateOf(alarm(3, 3), '- - - - X', 'ALARM')).toBe('ALARM');
  });

  it.each<[MetricAlarm['comparison'], number[]]>([
    ['GreaterThanOrEqualToThreshold', [2, 3]],
    ['GreaterThanThreshold', [3]],
    ['LessThanThreshold', [1]],
  ])('compares by %s', (comparison, expected) => {
    const sample = alarm(1, 1, { comparison, threshold: 2 });
    expect([1, 2, 3].filter((point) => evaluate(sample, [point], 'OK').value === 'ALARM')).toEqual(expected);
  });

  it('says why', () => {
    expect(evaluate(alarm(1, 1), [2], 'OK').reason).toMatch(
      /\[2\] .* were greater than or equal to the threshold \(1\)/,
    );
    expect(evaluate(alarm(1, 1), [0], 'ALARM').reason).toMatch(/\[0\] .* were not greater than/);
    expect(evaluate(alarm(1, 1), [undefined], 'OK').reason).toMatch(/^Insufficient Data/);
  });
});
