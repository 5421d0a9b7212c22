import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject } from '../asl/json.ts';
import { type AlarmState, evaluate, type MetricAlarm } from './alarm-state.ts';
import type { Page } from './sns.ts';

/** That an alarm has changed. */
interface AlarmChange {
  /** As CloudWatch tells EventBridge. */
  event: JsonObject;
  /** What was published to each of its topics. */
  pages: Page[];
}

interface StateSince {
  value: AlarmState;
  reason: string;
  timestamp: string;
}

interface Watched {
  alarm: MetricAlarm;
  /** Oldest first; undefined where the minute had none. */
  points: (number | undefined)[];
  state: StateSince;
  /** Whether it was raised, and is not over: it may be out of sight in between. */
  isRaised: boolean;
}

/** CloudWatch looks at some more points than it needs, for some may come late. */
const SPARE_POINTS = 2;

/**
 * What the embedded platform knows of CloudWatch: metrics out of lines of embedded metric format, and the synthesized alarms that watch them,
 * minute by minute. How long a minute is, is said by the caller that ends it.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class CloudWatch {
  readonly #watched: Watched[];
  /** What this minute has had so far, by {@link keyOf}. */
  #values = new Map<string, number[]>();

  constructor(alarms: readonly MetricAlarm[]) {
    const state: StateSince = {
      value: 'INSUFFICIENT_DATA',
      reason: 'Unchecked: Initial alarm creation',
      timestamp: now(),
    };
    this.#watched = alarms.map((alarm) => ({ alarm, points: [], state, isRaised: false }));
  }

  /** Takes a line of a function's log. @throws Error where it is none of embedded metric format, or has a metric without its value */
  put(line: string): void {
    const document = JSON.parse(line) as Record<string, unknown>;
    const metadata = document._aws as { CloudWatchMetrics?: unknown } | undefined;
    if (!isObject(metadata) || !Array.isArray(metadata.CloudWatchMetrics))
      throw new Error(`No metrics are in ${line}.`);
    for (const { Namespace, Dimensions, Metrics } of metadata.CloudWatchMetrics as Directive[]) {
      for (const names of Dimensions) {
        const dimensions = Object.fromEntries(names.map((name) => [name, String(document[name])]));
        for (const { Name } of Metrics) this.#add(keyOf(Namespace, Name, dimensions), document[Name], line);
      }
    }
  }

  /** Ends the minute, and looks at each alarm. @returns those that have changed */
  endMinute(): AlarmChange[] {
    const values = this.#values;
    this.#values = new Map();
    return this.#watched.flatMap((watched) => {
      const { namespace, metricName, dimensions, statistic, evaluationPeriods } = watched.alarm;
      const seen = values.get(keyOf(namespace, metricName, dimensions));
      const point = seen && (statistic === 'Maximum' ? Math.max(...seen) : Math.min(...seen));
      watched.points = [...watched.points, point].slice(-(evaluationPeriods + SPARE_POINTS));
      const { value, reason } = evaluate(watched.alarm, watched.points, watched.state.value);
      if (value === watched.state.value) return [];
      const previous = watched.state;
      watched.state = { value, reason, timestamp: now() };
      const change = changeOf(watched, previous);
      if (value !== 'INSUFFICIENT_DATA') watched.isRaised = value === 'ALARM';
      return [change];
    });
  }

  #add(key: string, value: unknown, line: string): void {
    if (typeof value !== 'number') throw new Error(`A metric has no value in ${line}.`);
    this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
  }
}

interface Directive {
  Namespace: string;
  Dimensions: string[][];
  Metrics: { Name: string }[];
}

function keyOf(namespace: string, name: string, dimensions: Readonly<Record<string, string>>): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).toSorted()]);
}

/**
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html; `reasonData`, which says the reason once
 *   more for programs, is left out
 */
function changeOf({ alarm, state, isRaised }: Watched, previousState: StateSince): AlarmChange {
  const { name, description, actions, okActions, namespace, metricName, dimensions, statistic } = alarm;
  const metric = { namespace, name: metricName, dimensions: { ...dimensions } };
  const event: JsonObject = {
    version: '0',
    id: randomUUID(),
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: '000000000000',
    time: state.timestamp.replace(/\.\d+\+0000/, 'Z'),
    region: 'local',
    resources: [`arn:aws:cloudwatch:local:000000000000:alarm:${name}`],
    detail: {
      alarmName: name,
      configuration: {
        description,
        metrics: [{ id: randomUUID(), metricStat: { metric, period: 60, stat: statistic }, returnData: true }],
      },
      previousState: { ...previousState },
      state: { ...state },
    },
  };
  const page = (word: string, message: string) => ({ subject: `${word}: "${name}" in local`.slice(0, 99), message });
  const raised = page('ALARM', `${description}\n${state.reason}`);
  // As the pager does: that an alarm is well which was not raised before is no news.
  const isOver = state.value === 'OK' && isRaised;
  const over = page('RESOLVED', `The alarm is over: ${state.reason}`);
  return {
    event,
    pages: state.value === 'ALARM' ? actions.map(() => raised) : isOver ? okActions.map(() => over) : [],
  };
}

/** `2019-10-02T17:04:40.985+0000` */
function now(): string {
  return new Date().toISOString().replace('Z', '+0000');
}
