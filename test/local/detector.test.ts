import { describe, expect, it, vi } from 'vitest';
import type { MetricAlarm } from '../../local/aws/alarm-state.ts';
import type { Page } from '../../local/aws/sns.ts';
import { type DetectorOptions, EmbeddedDetector } from '../../local/detector.ts';

const alarm = (cluster: string, differences: Partial<MetricAlarm> = {}): MetricAlarm => ({
  name: `etcd-remediation/${cluster}/space-exceeded`,
  description: 'It is full.',
  actions: [],
  okActions: [],
  namespace: 'EtcdRemediation',
  metricName: 'NoSpace',
  dimensions: { cluster },
  statistic: 'Maximum',
  comparison: 'GreaterThanOrEqualToThreshold',
  threshold: 1,
  evaluationPeriods: 2,
  datapointsToAlarm: 2,
  treatMissingData: 'missing',
  ...differences,
});

/** What the detector's function returns for a cluster with so many alarms of etcd. */
function seen(cluster: string, NoSpace: number) {
  const Metrics = [{ Name: 'NoSpace', Unit: 'Count' }];
  const directive = { Namespace: 'EtcdRemediation', Dimensions: [['cluster']], Metrics };
  return { lines: [JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [directive] }, cluster, NoSpace })] };
}

/** Runs a detector of minutes that take no time, until `enough`. */
async function watch(
  options: Pick<DetectorOptions, 'alarms' | 'invoke'> & { clusters: string[] },
  enough: (told: { states: string[]; pages: Page[]; failures: unknown[] }) => boolean,
) {
  const told = { states: [] as string[], pages: [] as Page[], failures: [] as unknown[] };
  await new Promise<void>((resolve) => {
    const look = () => enough(told) && resolve();
    const detector = EmbeddedDetector.start({
      ...options,
      schedules: options.clusters.map((cluster) => ({ functionArn: 'arn:detector', input: { cluster } })),
      minuteMs: 1,
      onAlarm: ({ detail }) => {
        told.states.push(`${Object(detail).alarmName} ${Object(detail).state.value}`);
        look();
      },
      onPage: (page) => {
        told.pages.push(page);
        look();
      },
      onFailure: (error) => {
        told.failures.push(error);
        look();
      },
    });
    closing = () => detector.close();
  });
  await closing();
  return told;
}
let closing = async () => {};

describe('the detector, embedded,', () => {
  it('invokes the function of each schedule with its input, and tells of the alarms that watch what it says', async () => {
    const invoked: unknown[] = [];
    const { states } = await watch(
      {
        clusters: ['orders', 'billing'],
        alarms: [alarm('orders'), alarm('billing')],
        invoke: async (functionArn, input) => {
          invoked.push({ functionArn, input });
          return seen(Object(input).cluster, Number(Object(input).cluster === 'billing'));
        },
      },
      (told) => told.states.length === 2,
    );
    expect(invoked.slice(0, 2)).toEqual(
      ['orders', 'billing'].map((cluster) => ({ functionArn: 'arn:detector', input: { cluster } })),
    );
    expect(states).toEqual([
      'etcd-remediation/orders/space-exceeded OK',
      'etcd-remediation/billing/space-exceeded ALARM',
    ]);
  });

  it('counts one look as one minute, however long it takes', async () => {
    let looks = 0;
    const { states } = await watch(
      {
        clusters: ['orders'],
        alarms: [alarm('orders', { evaluationPeriods: 3, datapointsToAlarm: 3 })],
        invoke: async () => {
          looks += 1;
          return seen('orders', 1);
        },
      },
      (told) => told.states.length > 0,
    );
    expect(states).toEqual(['etcd-remediation/orders/space-exceeded ALARM']);
    expect(looks).toBe(3);
  });

  it('starts what is due at a time, once, when its clock has come to it', async () => {
    const started: unknown[] = [];
    const times = ['01:59:30', '02:00:10', '02:00:50', '02:01:30', '02:02:00'].map(
      (time) => new Date(`2026-11-29T${time}Z`),
    );
    let looks = 0;
    const detector = EmbeddedDetector.start({
      schedules: [],
      starts: [{ stateMachineArn: 'arn:entry', at: { days: ['Sun'], from: '02:00' }, input: { cluster: 'orders' } }],
      start: async (arn, input) => {
        started.push([arn, input, looks]);
        return [];
      },
      alarms: [],
      minuteMs: 1,
      now: () => times[Math.min(looks++, times.length - 1)] as Date,
      invoke: async () => ({}),
      onAlarm: () => undefined,
      onPage: () => undefined,
      onFailure: () => undefined,
    });
    await vi.waitUntil(() => looks > 10);
    await detector.close();
    expect(started).toEqual([['arn:entry', { cluster: 'orders' }, 2]]);
  });

  it('takes a look that fails for one that was not made, and goes on', async () => {
    const silence = alarm('orders', { treatMissingData: 'breaching', actions: ['arn:pages'] });
    const refusal = new Error('PreconditionFailed');
    const { states, pages, failures } = await watch(
      { clusters: ['orders'], alarms: [silence], invoke: () => Promise.reject(refusal) },
      (told) => told.pages.length > 0,
    );
    expect(states).toEqual(['etcd-remediation/orders/space-exceeded ALARM']);
    expect(pages).toHaveLength(1);
    expect(failures).toEqual([refusal]);
  });

  it('ends a look that is under way when it is closed, and tells nothing of it', async () => {
    const told: unknown[] = [];
    let ended: unknown;
    await new Promise<void>((begun) => {
      const detector = EmbeddedDetector.start({
        schedules: [{ functionArn: 'arn:detector', input: {} }],
        alarms: [alarm('orders', { treatMissingData: 'breaching', evaluationPeriods: 1, datapointsToAlarm: 1 })],
        minuteMs: 60_000,
        invoke: (_functionArn, _input, signal) => {
          begun();
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              ended = signal.reason;
              reject(signal.reason);
            });
          });
        },
        onAlarm: (event) => told.push(event),
        onPage: (page) => told.push(page),
        onFailure: (error) => told.push(error),
      });
      closing = () => detector.close();
    });
    await closing();
    expect(ended).toEqual(new Error('The detector is closed.'));
    expect(told).toEqual([]);
  });

  it('waits for the end of the minute no longer when it is closed', async () => {
    let looks = 0;
    const detector = EmbeddedDetector.start({
      schedules: [],
      alarms: [alarm('orders', { treatMissingData: 'breaching', evaluationPeriods: 1, datapointsToAlarm: 1 })],
      invoke: async () => undefined,
      onAlarm: () => {
        looks += 1;
      },
      onPage: () => undefined,
      onFailure: () => undefined,
    });
    await new Promise(setImmediate);
    expect(looks).toBe(1);
    const since = performance.now();
    await detector.close();
    expect(performance.now() - since).toBeLessThan(50_000);
  });
});
