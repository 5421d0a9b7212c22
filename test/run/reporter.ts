import { relative } from 'node:path';
import {
  DefaultReporter,
  type SerializedError,
  type TestModule,
  type TestRunEndReason,
  type TestSpecification,
  type Vitest,
} from 'vitest/node';
import { expectedSeconds, remember } from './estimate.ts';
import { SEED } from './seed.ts';

const EVERY_MS = 30_000;
const SLOWEST = 10;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * Tells how far a run has come: on a terminal as a bar, elsewhere a line every 30 s. What has passed is counted, what has failed is
 * printed. At the end: what was skipped and why, what passed at a second try only, the slowest files, and one line that a script can read: `123 passed, 0 failed`.
 */
export class Progress extends DefaultReporter {
  readonly #seconds = new Map<string, number>();
  readonly #running = new Map<string, number>();
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  #startedAt = 0;
  #workers = 1;
  #all: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    super({ summary: false });
  }

  override onInit(vitest: Vitest): void {
    super.onInit(vitest);
    this.#workers = Number(vitest.config.maxWorkers) || 1;
    const projects = vitest.projects.map(({ name }) => name).join(' and ');
    this.log(`Tests: ${projects}. Worlds are sampled with TEST_SEED=${SEED}.`);
  }

  override onTestRunStart(specifications: ReadonlyArray<TestSpecification>): void {
    super.onTestRunStart(specifications);
    this.#startedAt = Date.now();
    this.#all = specifications.map(({ moduleId }) => moduleId);
    this.#tell();
    this.#timer = setInterval(() => this.#tell(), this.isTTY ? 1_000 : EVERY_MS).unref();
  }

  override onTestModuleQueued(module: TestModule): void {
    super.onTestModuleQueued(module);
    this.#running.set(module.moduleId, Date.now());
  }

  override onTestModuleEnd(module: TestModule): void {
    const startedAt = this.#running.get(module.moduleId) ?? Date.now();
    this.#running.delete(module.moduleId);
    this.#seconds.set(module.moduleId, (Date.now() - startedAt) / 1_000);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state !== 'pending') this.#counts[state]++;
    }
    if (!module.ok()) super.onTestModuleEnd(module);
  }

  override onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    errors: ReadonlyArray<SerializedError>,
    reason: TestRunEndReason,
  ): void {
    clearInterval(this.#timer);
    remember(this.#seconds);
    super.onTestRunEnd(modules, errors, reason);
    this.#list('Skipped', skippedIn(modules));
    this.#list('Failed first and passed when tried again; find out why', flakyIn(modules));
    this.#list(`The ${SLOWEST} slowest files`, this.#slowest());
    const { passed, failed, skipped } = countIn(modules, errors);
    // The last of all that this process prints, whatever else is told when it ends.
    process.once('exit', () => process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`));
  }

  override log(...messages: unknown[]): void {
    if (this.isTTY) process.stdout.write(CLEAR_LINE);
    super.log(...messages);
  }

  #tell(): void {
    const { passed, failed } = this.#counts;
    const share = this.#share();
    const elapsedMs = Date.now() - this.#startedAt;
    const files = `${this.#seconds.size} of ${this.#all.length} files, ${passed} tests passed, ${failed} failed`;
    const line = `${formatTime(elapsedMs)}  ${files}; about ${formatTime(this.#leftMs(share, elapsedMs))} to go`;
    if (!this.isTTY) {
      this.log(line);
      return;
    }
    const filled = Math.round(share * BAR_WIDTH);
    process.stdout.write(`${CLEAR_LINE}${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${line}`);
  }

  /** How much of the expected work is done; a file that runs is never taken for done. */
  #share(): number {
    const total = sum(this.#all.map(expectedSeconds));
    const ended = sum([...this.#seconds.keys()].map(expectedSeconds));
    const begun = [...this.#running].map(([file, since]) =>
      Math.min((Date.now() - since) / 1_000, 0.9 * expectedSeconds(file)),
    );
    return total === 0 ? 1 : (ended + sum(begun)) / total;
  }

  /** At first nothing is known but what the files usually take. */
  #leftMs(share: number, elapsedMs: number): number {
    const usualMs = (1_000 * sum(this.#all.map(expectedSeconds))) / this.#workers;
    return share < 0.05 ? usualMs * (1 - share) : (elapsedMs * (1 - share)) / share;
  }

  #slowest(): string[] {
    return [...this.#seconds]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, SLOWEST)
      .map(([file, seconds]) => `${seconds.toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}`);
  }

  #list(title: string, lines: readonly string[]): void {
    if (lines.length > 0) this.log(`\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  }
}

function skippedIn(modules: ReadonlyArray<TestModule>): string[] {
  return modules.flatMap((module) =>
    [...module.children.allTests('skipped')].map((test) => {
      const result = test.result();
      const note =
        (result.state === 'skipped' && result.note?.replaceAll(/\s+/g, ' ')) ||
        'its file or its preparation failed, or it was not selected';
      return `${test.fullName}: ${note}`;
    }),
  );
}

/** Where tests may be tried again, as by `--retry=1`. */
function flakyIn(modules: ReadonlyArray<TestModule>): string[] {
  return modules.flatMap((module) =>
    [...module.children.allTests('passed')].filter((test) => test.diagnostic()?.flaky).map((test) => test.fullName),
  );
}

/** A file that could not be loaded, a hook that failed, or an error outside of any test is a failure without a test. */
function countIn(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<SerializedError>) {
  const states = modules.flatMap((module) => [...module.children.allTests()]).map((test) => test.result().state);
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const broken = suites.filter((suite) => suite.errors().length > 0).length + errors.length;
  const count = (state: string) => states.filter((each) => each === state).length;
  return { passed: count('passed'), failed: count('failed') + broken, skipped: count('skipped') };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** `4:05` */
function formatTime(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
