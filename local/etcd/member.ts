import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { etcdEnvironment } from './executables.ts';
import { type ClientTls, unhealthyBecause } from './health.ts';

const STOPPED_WITHIN_MS = 15_000;

/** Where a member of a local cluster lives. `pid` is undefined while its process does not run. */
export type LocalMember = {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly pid: number | undefined;
};

type Place = Omit<LocalMember, 'pid'>;

/** One member's process, which may be started again, always with the same flags. Its log goes on in the same file. */
export class Member implements LocalMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly learner: boolean;
  readonly #etcd: string;
  readonly #flags: string[];
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #paused = false;

  constructor(place: Place, etcd: string, flags: string[], learner: boolean) {
    this.name = place.name;
    this.clientUrl = place.clientUrl;
    this.peerUrl = place.peerUrl;
    this.dataDir = place.dataDir;
    this.logFile = place.logFile;
    this.learner = learner;
    this.#etcd = etcd;
    this.#flags = flags;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get answers(): boolean {
    return this.pid !== undefined && !this.#paused;
  }

  /** @throws Error when it runs already */
  spawn(): void {
    if (this.#process !== undefined) throw new Error(`${this.name} runs already, as process ${this.pid}`);
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(this.#etcd, this.#flags, { stdio: ['ignore', log, log], env: etcdEnvironment() });
    closeSync(log);
    this.#process = child;
    this.#paused = false;
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        this.#process = undefined;
        resolve();
      };
      child.once('exit', gone);
      child.once('error', gone);
    });
  }

  /** @throws Error with the last lines of the log when the process ends first, or 300 s pass */
  async waitUntilHealthy(tls: ClientTls | undefined): Promise<void> {
    const problem = await unhealthyBecause(this.clientUrl, tls, () => this.#process !== undefined);
    if (problem) throw new Error(`${this.name} ${problem}. The end of ${this.logFile}:\n${await this.#lastLogLines()}`);
  }

  /** Ends the process and waits until it is gone. One that ignores SIGTERM for 15 s is killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#process?.kill(signal);
    this.resume();
    const patience = new AbortController();
    const impatient = sleep(STOPPED_WITHIN_MS, undefined, { signal: patience.signal }).then(
      () => this.#process?.kill('SIGKILL'),
      () => undefined,
    );
    await this.#exited;
    patience.abort();
    await impatient;
  }

  /** For the moment in which this process itself exits: nothing can be awaited any more. */
  killNow(): void {
    this.#process?.kill('SIGKILL');
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
    this.#paused = false;
  }

  async #lastLogLines(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    return log.trimEnd().split('\n').slice(-25).join('\n');
  }
}
