import type { Catcher, Retrier } from './definition.ts';

/** Defaults of the Amazon States Language. */
const DEFAULT_INTERVAL_SECONDS = 1;
const DEFAULT_BACKOFF_RATE = 2;
const DEFAULT_MAX_ATTEMPTS = 3;

/**
 * Whether `ErrorEquals` names this error. `States.ALL` stands for every error; `States.TaskFailed` for the same ones except `States.Timeout` and
 * `States.DataLimitExceeded`. Nothing matches `States.Runtime`: it always ends the execution.
 *
 * AWS's page says that `States.ALL` does not catch `States.DataLimitExceeded`. It does so for a result of Lambda that is too large, in AWS's own histories of 2024-03-21
 * (github.com/localstack/localstack, tests/aws/services/stepfunctions, marked aws.validated), and those are followed here.
 */
export function matchesError(errorEquals: readonly string[], error: string): boolean {
  if (error === 'States.Runtime') return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (name === 'States.ALL') return true;
    return name === 'States.TaskFailed' && error !== 'States.Timeout' && error !== 'States.DataLimitExceeded';
  });
}

export function findCatcher(catchers: readonly Catcher[], error: string): Catcher | undefined {
  return catchers.find((catcher) => matchesError(catcher.ErrorEquals, error));
}

/**
 * Before retry number `retry` (0 is the first): interval x rate^retry, at most MaxDelaySeconds; `FULL` jitter then takes any
 * delay from zero up to that.
 */
export function retryDelayMs(retrier: Retrier, retry: number, random: () => number): number {
  const interval = retrier.IntervalSeconds ?? DEFAULT_INTERVAL_SECONDS;
  const grown = interval * (retrier.BackoffRate ?? DEFAULT_BACKOFF_RATE) ** retry;
  const capped = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return 1000 * (retrier.JitterStrategy === 'FULL' ? capped * random() : capped);
}

/** The retries of one visit to a state. Each retrier has its own counter, and only the first that matches is asked. */
export class RetryPolicy {
  readonly #retriers: readonly Retrier[];
  readonly #random: () => number;
  readonly #retries = new Map<Retrier, number>();

  constructor(retriers: readonly Retrier[], random: () => number) {
    this.#retriers = retriers;
    this.#random = random;
  }

  /** How long to wait before the next attempt, or undefined when the error is not to be retried (again). */
  nextDelayMs(error: string): number | undefined {
    const retrier = this.#retriers.find((candidate) => matchesError(candidate.ErrorEquals, error));
    if (!retrier) return undefined;
    const retries = this.#retries.get(retrier) ?? 0;
    if (retries >= (retrier.MaxAttempts ?? DEFAULT_MAX_ATTEMPTS)) return undefined;
    this.#retries.set(retrier, retries + 1);
    return retryDelayMs(retrier, retries, this.#random);
  }
}
