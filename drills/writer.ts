import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdUnavailable } from '../core/errors.ts';
import { type ClientTls, Connection, type Login } from '../lambdas/etcd/connection.ts';
import { hasReason } from '../lambdas/etcd/errors.ts';

const DEADLINE_MS = 5_000;
const FLOOD_LANES = 8;
/** Between two tries of a lane that got no answer. */
const PAUSE_MS = 10;
/** Small writes that go on, one each interval. */
const TRICKLE = { prefix: 'drill/trickle/', keys: 1_000, valueBytes: 128, intervalMs: 10, maxUnderWay: 500 };

export interface WriterOptions {
  endpoints: readonly string[];
  tls?: ClientTls | undefined;
  login?: Login | undefined;
  /** How many different keys a flood writes, over and over: what is in use of the database. */
  keys: number;
  valueBytes: number;
}

interface Load {
  prefix: string;
  keys: number;
  valueBytes: number;
}

interface Acknowledged {
  revision: bigint;
  sequence: number;
}

/**
 * Writes without pause, and remembers each write that etcd acknowledged.
 *
 * First a flood, until etcd refuses a write for want of space; then a trickle of small writes, each sent at its time whether or
 * not earlier ones were answered, as many independent clients send them: so what is measured is the cluster's stall and not
 * the queue behind one lost request. Each write goes to the next member in turn.
 */
export class Writer {
  /** When etcd first refused a write for want of space; undefined as long as it has not. */
  refusedAt: number | undefined;
  ackedWrites = 0;
  /** Writes without an answer, or with one that says nothing about them: cut off, timed out, no leader. */
  unansweredWrites = 0;
  /** Longest time between two accepted writes. */
  maxWriteStallMs = 0;
  /** Longest time between two answers of any kind: a refusal is an answer. */
  maxSilenceMs = 0;
  readonly #flood: Load;
  readonly #connections: Connection[];
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #underWay = new Set<Promise<unknown>>();
  #trickle: NodeJS.Timeout | undefined;
  /** What ended a lane for good: not an outage, but a mistake. */
  #failure: unknown;
  #sequence = 0;
  #lastAckAt = Date.now();
  #lastAnswerAt = Date.now();
  #stopped = false;

  constructor(options: WriterOptions) {
    const { endpoints, tls, login, keys, valueBytes } = options;
    this.#flood = { prefix: 'drill/flood/', keys, valueBytes };
    this.#connections = endpoints.map((endpoint) => new Connection({ endpoint, tls, login, deadlineMs: DEADLINE_MS }));
  }

  /** Floods the store. When etcd refuses a write for want of space, the trickle begins by itself. */
  start(): void {
    this.forgetStalls();
    for (let lane = 0; lane < FLOOD_LANES; lane++) this.#track(this.#floodLane());
  }

  /** Ends the flood, if it goes on, and begins the trickle. */
  slowDown(): void {
    this.#trickle ??= setInterval(() => {
      if (this.#underWay.size < TRICKLE.maxUnderWay) this.#track(this.#put(TRICKLE));
    }, TRICKLE.intervalMs);
  }

  /** Starts the measurement of stalls anew. */
  forgetStalls(): void {
    this.#lastAckAt = this.#lastAnswerAt = Date.now();
    this.maxWriteStallMs = this.maxSilenceMs = 0;
  }

  /** Ends the writing and waits for the writes under way; a stall that lasts until now counts. @throws what was no outage */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#trickle);
    this.maxWriteStallMs = Math.max(this.maxWriteStallMs, Date.now() - this.#lastAckAt);
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure;
  }

  /** Reads every acknowledged key back, through consensus. @returns how many acknowledged writes are gone */
  async countLostWrites(): Promise<number> {
    let lost = 0;
    for (const [index, [key, expected]] of [...this.#acknowledged].entries()) {
      const connection = this.#connections[index % this.#connections.length] as Connection;
      const { kvs } = await connection.kv.range({ key: Buffer.from(key) });
      const found = kvs[0];
      // A later write that was not acknowledged may have happened; an earlier one in its place is a loss.
      const kept =
        found &&
        (BigInt(found.mod_revision) > expected.revision ||
          (BigInt(found.mod_revision) === expected.revision &&
            found.value.toString().startsWith(`${expected.sequence} `)));
      if (!kept) lost++;
    }
    return lost;
  }

  get acknowledgedKeys(): number {
    return this.#acknowledged.size;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #track(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  async #floodLane(): Promise<void> {
    while (!this.#stopped && !this.#trickle) {
      if (!(await this.#put(this.#flood))) await sleep(PAUSE_MS);
    }
  }

  /** One write. @returns whether it was acknowledged; throws what is neither a refusal nor an outage */
  async #put({ prefix, keys, valueBytes }: Load): Promise<boolean> {
    const sequence = this.#sequence++;
    const key = `${prefix}${sequence % keys}`;
    const connection = this.#connections[sequence % this.#connections.length] as Connection;
    const value = Buffer.from(`${sequence} `.padEnd(valueBytes, 'x'));
    try {
      const { header } = await connection.kv.put({ key: Buffer.from(key), value });
      this.#acknowledge(key, { revision: BigInt(header.revision), sequence });
      return true;
    } catch (error) {
      if (hasReason(error, 'NoSpace')) {
        this.refusedAt ??= Date.now();
        this.#answered();
        this.slowDown();
      } else if (error instanceof EtcdUnavailable) this.unansweredWrites++;
      else throw error;
      return false;
    }
  }

  #acknowledge(key: string, write: Acknowledged): void {
    const now = Date.now();
    this.ackedWrites++;
    this.maxWriteStallMs = Math.max(this.maxWriteStallMs, now - this.#lastAckAt);
    this.#lastAckAt = now;
    this.#answered();
    // Writes of the same key may be under way at once: the later revision is what must be found.
    const known = this.#acknowledged.get(key);
    if (!known || write.revision > known.revision) this.#acknowledged.set(key, write);
  }

  #answered(): void {
    const now = Date.now();
    this.maxSilenceMs = Math.max(this.maxSilenceMs, now - this.#lastAnswerAt);
    this.#lastAnswerAt = now;
  }
}
