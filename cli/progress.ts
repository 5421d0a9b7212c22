import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type HostReports, STILL_RUNNING } from '../core/hosts/run-host-commands.ts';
import type { Invocation } from '../core/remediation/invocation.ts';
import { describeError } from '../core/text/failures.ts';
import { firstLine } from '../core/text/format.ts';
import { ExecutionError } from '../local/asl/errors.ts';
import type { JsonValue } from '../local/asl/json.ts';
import type { Observer } from '../local/executions.ts';
import type { Course } from './course.ts';
import { helperNamed } from './helper-workflows.ts';
import type { Screen } from './screen.ts';

/** Where there is no terminal, a state that takes longer says so in a line of its own, every ten seconds. */
const STILL_RUNNING_MS = 10_000;
/** Of what a step says; the whole is in the execution's report. */
const MAX_DETAIL_CHARS = 240;

interface ProgressOptions {
  stillRunningMs?: number;
  course?: Course;
}

const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };

interface RunningState {
  name: string;
  member: string;
  enteredAt: number;
  /** What its last try has failed with. */
  failure?: string;
  /** Until disposed of, it is told that it is still running. */
  running: Disposable;
}

/** Prints an execution's history as it happens: a line for each step that ended, with what it found or changed. */
export class Progress {
  readonly #screen: Screen;
  readonly #stillRunningMs: number;
  readonly #course: Course | undefined;
  /** By their last event: what runs in parallel is distinguished by which event follows which. */
  readonly #running = new Map<number | undefined, RunningState>();

  /** @param course shared by all executions of one remediation */
  constructor(screen: Screen, { stillRunningMs = STILL_RUNNING_MS, course }: ProgressOptions = {}) {
    this.#screen = screen;
    this.#stillRunningMs = stillRunningMs;
    this.#course = course;
  }

  readonly say = (line: string): void => this.#screen.print(`  ${line}`);

  /** Says what is being done. On a terminal it shows for how long already, until disposed of. */
  readonly begin = (line: string): Disposable => {
    this.say(line);
    const beganAt = Date.now();
    return this.#screen.live?.(() => `  … ${formatSeconds(Date.now() - beganAt)}  ${line}`) ?? NOTHING;
  };

  /** The same for an execution that another one, or a rule, has started. */
  readonly follow = (stateMachineName: string, input: JsonValue): Observer => {
    this.say(describeStart(stateMachineName, input));
    const { onEvent, follow } = this.#another(stateMachineName);
    return { onEvent, onNested: follow };
  };

  /** The same for work that is a part of no execution: `name` and `subject` say what it is, as those of a state do. */
  async during<Result>(
    name: string,
    subject: string,
    work: Promise<Result>,
    describe: (result: Result) => string,
  ): Promise<Result> {
    const state = this.#enter(name, subject);
    try {
      const result = await work;
      this.#line(state, '✓', describe(result));
      return result;
    } catch (thrown) {
      if (thrown instanceof ExecutionError) this.#line(state, '!', describeError(thrown.error, thrown.cause));
      throw thrown;
    } finally {
      state.running[Symbol.dispose]();
    }
  }

  readonly onEvent = (event: HistoryEvent): void => {
    const state = this.#follow(event);
    switch (event.type) {
      case 'TaskScheduled':
        if (state) state.member = this.#memberIn(event.taskScheduledEventDetails?.parameters);
        break;
      case 'TaskSubmitted':
        // What it has begun tells for itself.
        state?.running[Symbol.dispose]();
        break;
      case 'TaskFailed': {
        const { error = '', cause } = event.taskFailedEventDetails ?? {};
        // That a condition does not hold is an answer: what follows from it is reported next.
        const isAnswer = error.endsWith('ConditionalCheckFailedException');
        const [mark, detail] = isAnswer ? ['-', 'it is not free'] : ['!', describeError(error, cause)];
        // The timer says that commands still run.
        if (!state || error === STILL_RUNNING) break;
        this.#line(state, mark, detail === state.failure ? 'The same again.' : detail, event.timestamp);
        state.failure = detail;
        break;
      }
      case 'TaskStateExited':
        if (state) this.#leave(state, event);
        break;
      case 'ExecutionSucceeded':
      case 'ExecutionFailed':
      case 'ExecutionTimedOut':
      case 'ExecutionAborted':
        this.stop();
        break;
    }
  };

  /** Says nothing more of what still runs. */
  stop(): void {
    for (const { running } of this.#running.values()) running[Symbol.dispose]();
  }

  /** @returns the state that the event belongs to, if it is that of a step */
  #follow({ id, previousEventId, timestamp, type, stateEnteredEventDetails }: HistoryEvent): RunningState | undefined {
    const state =
      type === 'TaskStateEntered'
        ? this.#enter(stateEnteredEventDetails?.name ?? '', '', timestamp)
        : this.#running.get(previousEventId);
    if (!state) return undefined;
    this.#running.delete(previousEventId);
    if (type !== 'TaskStateExited') this.#running.set(id, state);
    return state;
  }

  /** @param at of an event that is read later than it happened */
  #enter(name: string, member = '', at = new Date()): RunningState {
    const state: RunningState = { name, member, enteredAt: at.getTime(), running: NOTHING };
    state.running = this.#tellThatItRuns(state);
    return state;
  }

  #leave(state: RunningState, { timestamp, stateExitedEventDetails }: HistoryEvent): void {
    state.running[Symbol.dispose]();
    // A caught error leaves the state as well; it was told when it happened.
    const result: unknown = JSON.parse(stateExitedEventDetails?.output ?? 'null');
    if (isRecord(result) && 'error' in result) return;
    for (const { members, summary, failed } of linesOf(result)) {
      this.#line({ ...state, member: members || state.member }, failed ? '!' : '✓', firstLine(summary), timestamp);
    }
  }

  #tellThatItRuns(state: RunningState): Disposable {
    const describe = this.#course?.enter(state.name) ?? (() => 'still running');
    const line = () => formatLine(state, '…', describe(Date.now() - state.enteredAt));
    if (this.#screen.live) return this.#screen.live(line);
    const timer = setInterval(() => this.#screen.print(line()), this.#stillRunningMs).unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  #line(state: RunningState, mark: string, detail: string, at = new Date()): void {
    this.#screen.print(formatLine(state, mark, detail, at));
  }

  /** An execution that only puts in order what another one has left is no part of its course. */
  #another(stateMachineName: string): Progress {
    const course = helperNamed(stateMachineName) ? undefined : this.#course;
    return new Progress(this.#screen, { stillRunningMs: this.#stillRunningMs, ...(course && { course }) });
  }

  #memberIn(parameters: string | undefined): string {
    const { Payload } = JSON.parse(parameters ?? '{}') as { Payload?: Invocation };
    const { member = '', commands = [] } = Object(Payload?.input) as {
      member?: string;
      commands?: { member: string }[];
    };
    return member || [...new Set(commands.map((each) => each.member))].join(', ');
  }
}

function formatLine({ name, member, enteredAt }: RunningState, mark: string, detail: string, at = new Date()): string {
  const subject = [name, member].filter(Boolean).join(' ').padEnd(28);
  return `  ${mark} ${formatSeconds(at.getTime() - enteredAt)}  ${subject}  ${inOneLine(detail)}`.trimEnd();
}

/** `    3.2 s` */
function formatSeconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`.padStart(7);
}

/** That an execution has begun; one that comes before an approval only looks, and another one follows that does the same in earnest. */
export function describeStart(stateMachineName: string, input: unknown): string {
  const { dryRun } = Object(input) as { dryRun?: unknown };
  return dryRun === true
    ? `Planning with ${stateMachineName} (dry run: nothing is changed)`
    : `Running ${stateMachineName}`;
}

/** What a state's output says that it has found or done; of a phase on hosts, a line for each thing that is to be said of some of them. */
function linesOf(output: unknown): HostReports['lines'] {
  const { summary = '', lines } = Object(output) as { summary?: string; lines?: HostReports['lines'] };
  return lines ?? [{ members: '', summary, failed: false }];
}

/** Messages may hold the end of a log. */
function inOneLine(text: string): string {
  const [first = '', ...others] = text.split('\n');
  return others.length === 0 && first.length <= MAX_DETAIL_CHARS ? first : `${first.slice(0, MAX_DETAIL_CHARS)} …`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
