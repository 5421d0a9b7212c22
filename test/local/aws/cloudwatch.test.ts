import { describe, expect, it } from 'vitest';
import type { MetricAlarm } from '../../../local/aws/alarm-state.ts';
import { CloudWatch } from '../../../local/aws/cloudwatch.ts';

const ALARM: MetricAlarm = {
  name: 'etcd-remediation/orders/quorum-lost',
  description: 'There is no quorum.',
  actions: ['arn:aws:sns:local:000000000000:pages'],
  okActions: [],
  namespace: 'EtcdRemediation',
  metricName: 'HasLeader',
  dimensions: { cluster: 'orders' },
  statistic: 'Minimum',
  comparison: 'LessThanThreshold',
  threshold: 1,
  evaluationPeriods: 1,
  datapointsToAlarm: 1,
  treatMissingData: 'missing',
};

function line(values: Record<string, unknown>, dimensions: Record<string, string> = { cluster: 'orders' }): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: 'Count' }));
  const directive = { Namespace: 'EtcdRemediation', Dimensions: [Object.keys(dimensions)], Metrics };
  return JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [directive] }, ...dimensions, ...values });
}

/** The states that the alarm goes to, minute by minute; empty where it stays. */
function states(alarm: MetricAlarm, ...minutes: string[][]): string[] {
  const cloudWatch = new CloudWatch([alarm]);
  return minutes.map((lines) => {
    for (const each of lines) cloudWatch.put(each);
    const [change] = cloudWatch.endMinute();
    return change ? Object(change.event.detail).state.value : '';
  });
}

describe('CloudWatch, embedded,', () => {
  it('tells each change of an alarm once', () => {
    const [up, down] = [[line({ HasLeader: 1 })], [line({ HasLeader: 0 })]];
    expect(states(ALARM, up, up, down, down, up)).toEqual(['OK', '', 'ALARM', '', 'OK']);
  });

  it('tells it once more where it could not be read in between', () => {
    const down = [line({ HasLeader: 0 })];
    expect(states(ALARM, down, [], [], [], down)).toEqual(['ALARM', '', '', 'INSUFFICIENT_DATA', 'ALARM']);
  });

  it('takes the worst of a minute, and nothing of another cluster, member, metric or namespace', () => {
    expect(states(ALARM, [line({ HasLeader: 1 }), line({ HasLeader: 0 }), line({ HasLeader: 1 })])).toEqual(['ALARM']);
    expect(states({ ...ALARM, statistic: 'Maximum' }, [line({ HasLeader: 1 }), line({ HasLeader: 0 })])).toEqual([
      'OK',
    ]);
    const others = [
      line({ HasLeader: 0 }, { cluster: 'billing' }),
      line({ HasLeader: 0 }, { cluster: 'orders', member: 'm1' }),
      line({ Corrupt: 0 }),
      line({ HasLeader: 0 }).replace('"EtcdRemediation"', '"Other"'),
    ];
    expect(states(ALARM, [line({ HasLeader: 1 }), ...others])).toEqual(['OK']);
  });

  it('tells of a change as AWS does', () => {
    const cloudWatch = new CloudWatch([ALARM]);
    cloudWatch.put(line({ HasLeader: 0 }));
    const [{ event, pages } = { event: {}, pages: [] }] = cloudWatch.endMinute();
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    expect(event).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'CloudWatch Alarm State Change',
      source: 'aws.cloudwatch',
      account: '000000000000',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'local',
      resources: ['arn:aws:cloudwatch:local:000000000000:alarm:etcd-remediation/orders/quorum-lost'],
      detail: {
        alarmName: 'etcd-remediation/orders/quorum-lost',
        configuration: {
          description: 'There is no quorum.',
          metrics: [
            {
              id: expect.any(String),
              metricStat: {
                metric: { namespace: 'EtcdRemediation', name: 'HasLeader', dimensions: { cluster: 'orders' } },
                period: 60,
                stat: 'Minimum',
              },
              returnData: true,
            },
          ],
        },
        previousState: {
          value: 'INSUFFICIENT_DATA',
          reason: 'Unchecked: Initial alarm creation',
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/),
        },
        state: { value: 'ALARM', reason: expect.stringContaining('[0]'), timestamp: expect.any(String) },
      },
    });
    expect(pages).toEqual([
      {
        subject: 'ALARM: "etcd-remediation/orders/quorum-lost" in local',
        message: expect.stringMatching(/^There is no quorum\.\nThreshold Crossed/),
      },
    ]);
  });

  it('pages when it is raised, and when it is well again, only where somebody is to be told', () => {
    const cloudWatch = new CloudWatch([
      { ...ALARM, okActions: ALARM.actions },
      { ...ALARM, name: 'other' },
      { ...ALARM, name: 'silent', actions: [] },
    ]);
    const pagesOf = (value: number) => {
      cloudWatch.put(line({ HasLeader: value }));
      return cloudWatch.endMinute().map(({ pages }) => pages.map(({ subject }) => subject));
    };
    // What was not raised before is no news.
    expect([pagesOf(1), pagesOf(0), pagesOf(1)]).toEqual([
      [[], [], []],
      [[`ALARM: "${ALARM.name}" in local`], ['ALARM: "other" in local'], []],
      [[`RESOLVED: "${ALARM.name}" in local`], [], []],
    ]);
  });

  it('pages when it is well again although nothing was known of it in between', () => {
    const cloudWatch = new CloudWatch([{ ...ALARM, okActions: ALARM.actions }]);
    const subjectsOf = (value?: number) => {
      if (value !== undefined) cloudWatch.put(line({ HasLeader: value }));
      return cloudWatch
        .endMinute()
        .flatMap(({ event, pages }) => [
          Object(event.detail).state.value,
          ...pages.map(({ subject }) => subject.split(':')[0]),
        ]);
    };
    const none = [undefined, undefined, undefined, undefined];
    expect([1, ...none, 1, 0, ...none, 1, ...none, 1].flatMap(subjectsOf)).toEqual([
      ...['OK', 'INSUFFICIENT_DATA', 'OK'],
      ...['ALARM', 'ALARM', 'INSUFFICIENT_DATA', 'OK', 'RESOLVED'],
      ...['INSUFFICIENT_DATA', 'OK'],
    ]);
  });

  it.each([
    ['is no JSON', 'START RequestId: 1', /JSON/],
    ['has no metrics', '{"level":"INFO"}', 'No metrics are in {"level":"INFO"}.'],
    ['has a metric without its value', line({ HasLeader: undefined }), /^A metric has no value in /],
    ['has a metric that is no number', line({ HasLeader: '1' }), /^A metric has no value in /],
  ])('refuses a line that %s', (_, text, message) => {
    expect(() => new CloudWatch([ALARM]).put(text)).toThrow(message);
  });
});
