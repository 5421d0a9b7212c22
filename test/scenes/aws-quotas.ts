import { ExecutionError } from '../../local/asl/errors.ts';
import { failure } from '../lib/execute.ts';
import type { StormClock } from './storm-clock.ts';

/**
 * How often AWS lets an account do something, in a region, as long as nobody has asked for more. Where regions differ it is the least of them.
 */
const QUOTAS = {
  // GetParameter, GetParameters and GetParametersByPath together. https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm
  parameters: { perSecond: 40, burst: 40 },
  // GetSecretValue and DescribeSecret together. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
  secrets: { perSecond: 10_000, burst: 10_000 },
  // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
  starts: { perSecond: 150, burst: 800 },
  descriptions: { perSecond: 10, burst: 250 },
  lists: { perSecond: 2, burst: 100 },
  // What a table that is paid by request takes from its first day on: 4,000 writes.
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
  items: { perSecond: 4_000, burst: 4_000 },
  // https://docs.aws.amazon.com/general/latest/gr/sns.html#limits_sns
  messages: { perSecond: 300, burst: 300 },
} as const;
export type Api = keyof typeof QUOTAS;

/** Functions of an account that run at once. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const FUNCTIONS_AT_ONCE = 1_000;

interface Bucket {
  tokens: number;
  filledAt: number;
  taken: number;
  throttled: number;
}

/** As it answers whoever asks, and what it has counted. */
export class AwsQuotas {
  readonly #clock: StormClock;
  readonly #random: () => number;
  readonly #buckets = new Map<Api, Bucket>();
  #running = 0;
  mostFunctions = 0;

  constructor(clock: StormClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A token bucket, as AWS describes its own. */
  takes(api: Api): boolean {
    const { perSecond, burst } = QUOTAS[api];
    const bucket = this.of(api);
    const now = this.#clock.now();
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    if (bucket.tokens < 1) {
      bucket.throttled += 1;
      return false;
    }
    bucket.tokens -= 1;
    bucket.taken += 1;
    return true;
  }

  of(api: Api): Bucket {
    const found = this.#buckets.get(api);
    if (found) return found;
    const bucket = { tokens: QUOTAS[api].burst, filledAt: this.#clock.now(), taken: 0, throttled: 0 };
    this.#buckets.set(api, bucket);
    return bucket;
  }

  /**
   * A request of the AWS SDK, with what it does about being throttled: it waits for anything up to half a second, then one, two, four…
   * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
   * @throws ExecutionError `AwsUnavailable`, as a step makes it of that
   */
  async request(api: Api, maxAttempts = 3): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#clock.wait(20);
      if (this.takes(api)) return;
      if (attempt === maxAttempts) throw failure('AwsUnavailable', `${api}: ThrottlingException: Rate exceeded`);
      await this.#clock.wait(this.#random() * Math.min(20_000, 500 * 2 ** (attempt - 1)));
    }
  }

  /** @throws ExecutionError as Lambda refuses to run one more */
  async run<Result>(step: () => Promise<Result>): Promise<Result> {
    if (this.#running >= FUNCTIONS_AT_ONCE) {
      throw new ExecutionError('Lambda.TooManyRequestsException', 'Rate Exceeded.');
    }
    this.#running += 1;
    this.mostFunctions = Math.max(this.mostFunctions, this.#running);
    try {
      return await step();
    } finally {
      this.#running -= 1;
    }
  }
}
