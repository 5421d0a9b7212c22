import type { Journal } from './journal.ts';
import { type Exit, exitWords, launch, type MainProcess, type Result, resultOf } from './process.ts';
import { type Account, title, type Unit } from './unit.ts';

/** systemd's SubState, and its ActiveState by that. */
const ACTIVE_STATES = {
  dead: 'inactive',
  start: 'activating',
  running: 'active',
  'stop-sigterm': 'deactivating',
  'stop-sigkill': 'deactivating',
  'auto-restart': 'activating',
  failed: 'failed',
} as const;
type State = keyof typeof ACTIVE_STATES;

export type JobKind = 'start' | 'stop' | 'restart';
type JobResult = 'done' | 'failed' | 'canceled';

/** What a service is asked for and has not yet come to; it has one job at most. */
interface Job {
  /** A restart is a start from its second half on. */
  kind: JobKind;
  /** Whether the service is being started for it. */
  isBegun: boolean;
  readonly promise: Promise<JobResult>;
  finish(result: JobResult): void;
}

function newJob(kind: JobKind): Job {
  const { promise, resolve } = Promise.withResolvers<JobResult>();
  return { kind, isBegun: false, promise, finish: resolve };
}

const REMAINS_INTERVAL_MS = 20;

/** One service's life: what is asked of it, what becomes of its process, and what its unit says to do then. */
export class Service {
  /** As last read; what it says of a start counts from the next one on. */
  unit: Unit;
  readonly #journal: Journal;
  readonly #account: Account;
  #interval = { beganMs: Number.NEGATIVE_INFINITY, starts: 0 };
  #state: State = 'dead';
  #result: Result = 'success';
  #process: MainProcess | undefined;
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the question whether the service is ready. */
  #starting = new AbortController();
  #stopRequested = false;
  #restarts = 0;
  #restartsAreOver = false;
  #startedAt: Date | undefined;
  #exit: (Exit & { pid: number; at: Date }) | undefined;
  #problem = '';
  /** Once it is closed, for whom waits for its process to be gone. */
  #closed: (() => void) | undefined;

  constructor(unit: Unit, journal: Journal, account: Account) {
    this.unit = unit;
    this.#journal = journal;
    this.#account = account;
  }

  get status() {
    return {
      activeState: ACTIVE_STATES[this.#state],
      subState: this.#state,
      result: this.#result,
      mainPid: this.#exit === undefined ? (this.#process?.pid ?? 0) : 0,
      restarts: this.#restarts,
      startedAt: this.#startedAt,
      exit: this.#exit,
      /** Why it could not even be tried to start it. */
      problem: this.#problem,
    };
  }

  /** Resolves when it is done, has failed, or was canceled by a later request. */
  request(kind: JobKind): Promise<JobResult> {
    // A job that does not contradict this request serves it too.
    if (this.#job === undefined || (this.#job.kind === 'stop') !== (kind === 'stop')) {
      this.#job?.finish('canceled');
      this.#job = newJob(kind);
    } else if (kind === 'restart') Object.assign(this.#job, { kind, isBegun: false });
    const { promise } = this.#job;
    this.#work();
    return promise;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  resetFailed(): void {
    this.#interval.beganMs = Number.NEGATIVE_INFINITY;
    this.#restarts = 0;
    this.#result = 'success';
    if (this.#state === 'failed') this.#enter('dead');
  }

  /** Ends all of it at once, and for good. */
  async close(): Promise<void> {
    this.#job?.finish('canceled');
    this.#job = undefined;
    clearTimeout(this.#timer);
    this.#starting.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = resolve;
    // The process that is known may have ended already and have left others behind.
    if (this.#process === undefined || this.#exit !== undefined) resolve();
    this.#process?.kill('SIGKILL');
    await promise;
  }

  /** Does what the pending job asks for, as far as it can be done in this state; later states go on with it. */
  #work(): void {
    const job = this.#job;
    const isDown = this.#state === 'dead' || this.#state === 'failed';
    const isUp = this.#state === 'start' || this.#state === 'running';
    if (job === undefined) return;
    if (job.kind === 'start') {
      if (this.#state === 'running') this.#finishJob('done');
      else if (isDown) this.#start(job);
      return;
    }
    this.#stopRequested = true;
    if (isUp) {
      if (this.#state === 'running') this.#log(`Stopping ${title(this.unit)}...`);
      this.#terminate();
      return;
    }
    if (this.#state === 'auto-restart') {
      this.#enter('dead');
      this.#log(`Stopped ${title(this.unit)}.`);
    } else if (!isDown) return;
    if (job.kind === 'restart') this.#start(job);
    else this.#finishJob('done');
  }

  #start(job: Job): void {
    Object.assign(job, { kind: 'start', isBegun: true });
    if (!this.#mayStart()) {
      this.#log(`${this.unit.id}: Start request repeated too quickly.`);
      this.#fail('start-limit-hit');
      this.#stopRequested = true;
      this.#die();
      return;
    }
    if (this.#restartsAreOver) this.#restarts = 0;
    this.#restartsAreOver = false;
    this.#stopRequested = false;
    this.#result = 'success';
    this.#problem = '';
    this.#exit = undefined;
    this.#startedAt = undefined;
    this.#enter('start');
    this.#starting = new AbortController();
    if (this.unit.type === 'notify') this.#after(this.unit.timeoutStartMs, () => this.#onStartTimeout());
    const { signal } = this.#starting;
    launch(this.unit, this.#account, this.#journal, signal, {
      prepared: () => {
        if (this.unit.type === 'notify') this.#log(`Starting ${title(this.unit)}...`);
      },
      spawned: (started) => {
        this.#process = started;
        this.#startedAt = new Date();
      },
      isUp: () => this.#isUp(),
      ended: (exit) => this.#onExit(exit),
    }).catch((error: unknown) => {
      if (!signal.aborted) this.#onProblem(error);
    });
  }

  #onProblem(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#log(`${this.unit.id}: Failed to run 'start' task: ${this.#problem}`);
    this.#fail('resources');
    this.#die();
  }

  #isUp(): void {
    if (this.#state !== 'start') return;
    this.#enter('running');
    this.#log(`Started ${title(this.unit)}.`);
    this.#finishJob('done');
  }

  #onStartTimeout(): void {
    this.#log(`${this.unit.id}: start operation timed out. Terminating.`);
    this.#fail('timeout');
    this.#terminate();
  }

  #onExit(exit: Exit): void {
    this.#exit = { ...exit, pid: this.#process?.pid ?? 0, at: new Date() };
    const result = resultOf(exit);
    if (exit.code === 'exited' && exit.failedStep !== undefined) this.#log(`${this.unit.id}: ${exit.failedStep}`);
    if (result !== 'success') this.#log(`${this.unit.id}: Main process exited, ${exitWords(exit)}`);
    const brokeItsWord = this.#state === 'start' && this.unit.type === 'notify' && result === 'success';
    this.#fail(brokeItsWord ? 'protocol' : result);
    const remains = this.#process;
    if (this.#closed) {
      remains?.kill('SIGKILL');
      this.#closed();
    } else if (remains?.hasRemains()) {
      if (this.#state === 'start' || this.#state === 'running') this.#terminate();
      this.#awaitRemains(remains);
    } else this.#die();
  }

  #awaitRemains(remains: MainProcess): void {
    setTimeout(() => {
      if (this.#process !== remains || this.#closed) return;
      if (remains.hasRemains()) this.#awaitRemains(remains);
      else this.#die();
    }, REMAINS_INTERVAL_MS);
  }

  #terminate(): void {
    this.#enter('stop-sigterm');
    if (this.#process === undefined) {
      this.#die();
      return;
    }
    this.#process.kill('SIGTERM');
    // A stopped process cannot end.
    this.#process.kill('SIGCONT');
    this.#after(this.unit.timeoutStopMs, () => {
      this.#log(`${this.unit.id}: State 'stop-sigterm' timed out. Killing.`);
      this.#fail('timeout');
      this.#enter('stop-sigkill');
      this.#process?.kill('SIGKILL');
      this.#after(this.unit.timeoutStopMs, () => {
        this.#log(`${this.unit.id}: Processes still around after SIGKILL. Ignoring.`);
        this.#die();
      });
    });
  }

  /** Nothing of the service runs any more. */
  #die(): void {
    const { id, restart, restartMs } = this.unit;
    const failed = this.#result !== 'success';
    this.#process = undefined;
    this.#log(failed ? `${id}: Failed with result '${this.#result}'.` : `${id}: Deactivated successfully.`);
    this.#enter(failed ? 'failed' : 'dead');
    const restarts = !this.#stopRequested && (restart === 'always' || (restart === 'on-failure' && failed));
    if (this.#job?.kind === 'start' && this.#job.isBegun) {
      this.#log(`Failed to start ${title(this.unit)}.`);
      this.#finishJob('failed');
    } else if (this.#job !== undefined && this.#job.kind !== 'start') this.#log(`Stopped ${title(this.unit)}.`);
    if (restarts) {
      this.#enter('auto-restart');
      this.#after(restartMs, () => this.#restart());
    } else {
      this.#restartsAreOver = true;
      this.#work();
    }
  }

  #restart(): void {
    this.#restarts += 1;
    this.#log(`${this.unit.id}: Scheduled restart job, restart counter is at ${this.#restarts}.`);
    this.#log(`Stopped ${title(this.unit)}.`);
    this.#job ??= newJob('start');
    this.#start(this.#job);
  }

  #mayStart(): boolean {
    const now = performance.now();
    const { intervalMs, burst } = this.unit.startLimit;
    if (now - this.#interval.beganMs > intervalMs) this.#interval = { beganMs: now, starts: 0 };
    this.#interval.starts += 1;
    return this.#interval.starts <= burst;
  }

  /** The first failure counts: how a process ends that is then terminated says nothing. */
  #fail(result: Result): void {
    if (this.#result === 'success') this.#result = result;
  }

  #enter(state: State): void {
    clearTimeout(this.#timer);
    this.#starting.abort();
    this.#state = state;
  }

  /** Until it enters another state. The time may be infinite, which Node's timers would take for none. */
  #after(timeMs: number, callback: () => void): void {
    clearTimeout(this.#timer);
    if (Number.isFinite(timeMs)) this.#timer = setTimeout(callback, timeMs);
  }

  #finishJob(result: JobResult): void {
    this.#job?.finish(result);
    this.#job = undefined;
  }

  #log(line: string): void {
    this.#journal.log(this.unit.id, line);
  }
}
