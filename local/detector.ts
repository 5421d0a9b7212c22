import { setTimeout as sleep } from 'node:timers/promises';
import { lastBegin } from '../core/cluster/maintenance.ts';
import type { DetectedIncidents } from '../core/diagnosis/detection.ts';
import type { Invocation } from '../core/remediation/invocation.ts';
import type { JsonObject } from './asl/json.ts';
import type { MetricAlarm } from './aws/alarm-state.ts';
import { CloudWatch } from './aws/cloudwatch.ts';
import type { Page } from './aws/sns.ts';
import type { MinutelySchedule, RecurringStart } from './event-sources.ts';

export interface DetectorOptions {
  /** The synthesized schedules of all clusters. */
  schedules: readonly MinutelySchedule[];
  /** What is started every so many minutes, or at a time. */
  starts?: readonly RecurringStart[];
  /** Starts it. @returns lines of metrics, once it has ended */
  start?: (stateMachineArn: string, input: unknown) => Promise<string[]>;
  /** The synthesized alarms. */
  alarms: readonly MetricAlarm[];
  /** How long a minute is: one look at each cluster, and one point of each metric. A look that takes longer makes it longer. 60,000 if not said. */
  minuteMs?: number;
  /** By which what is started at a time is: this machine's clock, if not said. */
  now?: () => Date;
  /** Invokes a function; `signal` ends it. */
  invoke: (functionArn: string, input: unknown, signal: AbortSignal) => Promise<unknown>;
  /** Told of each alarm that has changed, as EventBridge is. */
  onAlarm: (event: JsonObject) => void;
  /** Told of each page of an alarm. */
  onPage: (page: Page) => void;
  /** Told of each look that has failed, and what it was given. It has no metrics here: to the alarms it is one that was not made. */
  onFailure: (error: unknown, input: unknown) => void;
}

/** Lets the synthesized schedules run, and the synthesized alarms watch what they measure. Close it after use. */
export class EmbeddedDetector {
  readonly #options: DetectorOptions;
  readonly #cloudWatch: CloudWatch;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(options: DetectorOptions) {
    this.#options = options;
    this.#cloudWatch = new CloudWatch(options.alarms);
    this.#ended = this.#run();
  }

  static start(options: DetectorOptions): EmbeddedDetector {
    return new EmbeddedDetector(options);
  }

  /** Ends the looks that are under way. Nothing is told afterwards. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('The detector is closed.'));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { schedules, minuteMs = 60_000, onAlarm, onPage, starts = [], start } = this.#options;
    const { now = () => new Date() } = this.#options;
    const { signal } = this.#closing;
    let before = now();
    for (let minute = 0; !signal.aborted; minute++) {
      const at = now();
      for (const each of starts) {
        const isDue = 'at' in each ? lastBegin(each.at, at) > before : minute % each.everyMinutes === 0;
        if (isDue) void start?.(each.stateMachineArn, each.input).then((lines) => this.#measure(lines));
      }
      before = at;
      const next = performance.now() + minuteMs;
      await Promise.all(schedules.map((schedule) => this.#look(schedule)));
      if (signal.aborted) return;
      for (const { event, pages } of this.#cloudWatch.endMinute()) {
        onAlarm(event);
        for (const page of pages) onPage(page);
      }
      await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => undefined);
    }
  }

  #measure(lines: readonly string[]): void {
    for (const line of lines) this.#cloudWatch.put(line);
  }

  async #look({ functionArn, input }: MinutelySchedule): Promise<void> {
    const { invoke, onFailure } = this.#options;
    const { signal } = this.#closing;
    try {
      const { lines } = (await invoke(functionArn, input, signal)) as DetectedIncidents;
      this.#measure(lines);
    } catch (error) {
      if (!signal.aborted) onFailure(error, (input as Invocation).input);
    }
  }
}
