import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdUnavailable, RemediationError } from '../core/errors.ts';
import { type ClientTls, Connection, type Login } from '../lambdas/etcd/connection.ts';
import { hasReason } from '../lambdas/etcd/errors.ts';

const DEADLINE_MS = 10_000;
/** Between two tries of a lane whose write was refused: short, so that the end of an outage is seen at once. */
const PAUSE_AFTER_REFUSAL_MS = 10;
/** What a lane writes, and how long it rests in between, once the store was filled: an application, not a flood. */
const TRICKLE = { prefix: 'drill/trickle/', keys: 1000, valueBytes: 128, restMs: 5 };

export interface WriterOptions {
  endpoints: readonly string[];
  tls?: ClientTls | undefined;
  login?: Login | undefined;
  /** How many different keys are written, over and over: what is in use of the database. */
  keys: number;
  valueBytes: number;
  /** Writes under way at once. */
  lanes: number;
}

interface Acknowledged {
  revision: bigint;
  sequence: number;
}

/**
 * Writes without pause, and remembers each write that etcd acknowledged. A lane that gets no answer from one member goes on
 * with the next one, as a client with several endpoints does.
 */
export class Writer {
  /** When etcd first refused a write for want of space; undefined as long as it has not. */
  refusedAt: number | undefined;
  ackedWrites = 0;
  /** Longest time between two accepted writes. */
  maxWriteStallMs = 0;
  /** Longest time between two answers of any kind: a refusal is an answer. */
  maxSilenceMs = 0;
  readonly #options: WriterOptions;
  readonly #connections: Connection[];
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #lanes: Promise<void>[] = [];
  #sequence = 0;
  #lastAckAt = Date.now();
  #lastAnswerAt = Date.now();
  #stopped = false;
  #load: typeof TRICKLE;

  constructor(options: WriterOptions) {
    this.#options = options;
    const { tls, login, keys, valueBytes } = options;
    this.#load = { prefix: 'drill/fill/', keys, valueBytes, restMs: 0 };
    this.#connections = options.endpoints.map(
      (endpoint) => new Connection({ endpoint, tls, login, deadlineMs: DEADLINE_MS }),
    );
  }

  start(): void {
    this.forgetStalls();
    for (let lane = 0; lane < this.#options.lanes; lane++) this.#lanes.push(this.#write(lane));
  }

  /** From a flood that fills the store to small writes that go on. */
  slowDown(): void {
    this.#load = TRICKLE;
  }

  /** Starts the measurement of stalls anew. */
  forgetStalls(): void {
    this.#lastAckAt = this.#lastAnswerAt = Date.now();
    this.maxWriteStallMs = this.maxSilenceMs = 0;
  }

  /** Ends every lane and waits for the writes under way; a stall that lasts until now counts. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    this.maxWriteStallMs = Math.max(this.maxWriteStallMs, Date.now() - this.#lastAckAt);
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

  async #write(lane: number): Promise<void> {
    for (let turn = lane; !this.#stopped; ) {
      const { prefix, keys, valueBytes, restMs } = this.#load;
      const sequence = this.#sequence++;
      const key = `${prefix}${sequence % keys}`;
      const connection = this.#connections[turn % this.#connections.length] as Connection;
      try {
        const value = Buffer.from(`${sequence} `.padEnd(valueBytes, 'x'));
        const { header } = await connection.kv.put({ key: Buffer.from(key), value });
        this.#acknowledge(key, { revision: BigInt(header.revision), sequence });
        if (restMs > 0) await sleep(restMs);
      } catch (error) {
        if (!(error instanceof RemediationError)) throw error;
        if (hasReason(error, 'NoSpace')) {
          if (this.refusedAt === undefined) this.slowDown();
          this.refusedAt ??= Date.now();
          this.#answered();
        } else if (error instanceof EtcdUnavailable) turn++;
        else throw error;
        await sleep(PAUSE_AFTER_REFUSAL_MS);
      }
    }
  }

  #acknowledge(key: string, write: Acknowledged): void {
    const now = Date.now();
    this.ackedWrites++;
    this.maxWriteStallMs = Math.max(this.maxWriteStallMs, now - this.#lastAckAt);
    this.#lastAckAt = now;
    this.#answered();
    // Lanes may write the same key at once: the later revision is what must be found.
    const known = this.#acknowledged.get(key);
    if (!known || write.revision > known.revision) this.#acknowledged.set(key, write);
  }

  #answered(): void {
    const now = Date.now();
    this.maxSilenceMs = Math.max(this.maxSilenceMs, now - this.#lastAnswerAt);
    this.#lastAnswerAt = now;
  }
}
