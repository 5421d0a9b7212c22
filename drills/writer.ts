import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdUnavailable } from '../core/errors.ts';
import { type ClientTls, Connection, type Login } from '../lambdas/etcd/connection.ts';
import { hasReason } from '../lambdas/etcd/errors.ts';
import { writtenValue } from './object-text.ts';
import type { Acknowledged } from './witness.ts';

const DEADLINE_MS = 5_000;
const FLOOD_LANES = 8;
/** Between two tries of a lane that got no answer. */
const PAUSE_MS = 10;
/** Without an answer for longer it is no election any more. */
const ELECTION_MS = 2_000;
/** Of a write that tries whether a member lets the writer in again: how long it may take, and how long after the last. */
const TRIAL = { deadlineMs: 2_000, intervalMs: 50 };
/** Small writes that go on, one each interval. */
const TRICKLE = { prefix: 'drill/trickle/', keys: 1_000, valueBytes: 128, intervalMs: 25, maxUnderWay: 500 };

/** What is counted together. */
const SLICE_MS = 500;

/** Writes that ended in each slice of time since the measurement of stalls began. */
export interface WriteSlices {
  /** Milliseconds since 1970. */
  from: number;
  sliceMs: number;
  accepted: number[];
  refused: number[];
  unanswered: number[];
}

export interface WriterOptions {
  endpoints: readonly string[];
  tls?: ClientTls | undefined;
  login?: Login | undefined;
  /** How many different keys a flood writes, over and over: what is in use of the database. */
  keys: number;
  valueBytes: number;
  /** How long a write waits for its answer: 5 s, if not said. */
  deadlineMs?: number;
}

interface Load {
  prefix: string;
  keys: number;
  valueBytes: number;
}

/**
 * Writes without pause, and remembers each write that etcd acknowledged.
 *
 * First a flood, until etcd refuses a write for lack of space. Then a trickle of small writes, as of many independent clients: each
 * is sent at its time whether or not earlier ones were answered. So the cluster's stall is measured, and not
 * the queue behind one lost request. Each write goes to the next member in turn.
 */
export class Writer {
  /** When etcd first refused a write for want of space; undefined as long as it has not. */
  refusedAt: number | undefined;
  ackedWrites = 0;
  /** When the first write was accepted since the measurement of stalls began; undefined as long as none was. */
  firstAckAt: number | undefined;
  /** Writes without an answer, or with one that says nothing about them: cut off, timed out, no leader. */
  unansweredWrites = 0;
  /** Longest time between two accepted writes. */
  maxWriteStallMs = 0;
  /** Longest time between two answers of any kind: a refusal is an answer. */
  maxSilenceMs = 0;
  /** Longest time from one write to its answer, or to its end without one. */
  maxWaitMs = 0;
  #slices = newSlices();
  readonly #flood: Load;
  readonly #connections: Connection[];
  readonly #retired: Connection[] = [];
  readonly #connect: (endpoint: string) => Connection;
  readonly #endpoints: readonly string[];
  readonly #hasLogin: boolean;
  readonly #deadlineMs: number;
  /** By the member's place among the endpoints: when to try next whether it lets the writer in again. */
  readonly #shutOut = new Map<number, number>();
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #underWay = new Set<Promise<unknown>>();
  #trickle: NodeJS.Timeout | undefined;
  /** What ended a lane for good: not an outage, but a mistake. */
  #failure: unknown;
  #sequence = 0;
  #lastAckAt = Date.now();
  #lastAnswerAt = Date.now();
  #measuredFrom = Date.now();
  #stopped = false;

  constructor(options: WriterOptions) {
    const { endpoints, tls, login, keys, valueBytes, deadlineMs = DEADLINE_MS } = options;
    this.#hasLogin = login !== undefined;
    this.#deadlineMs = deadlineMs;
    this.#flood = { prefix: 'drill/flood/', keys, valueBytes };
    this.#endpoints = endpoints;
    this.#connect = (endpoint) => new Connection({ endpoint, tls, login, deadlineMs });
    this.#connections = endpoints.map(this.#connect);
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

  /** Starts the measurement of stalls again. */
  forgetStalls(): void {
    this.#lastAckAt = this.#lastAnswerAt = this.#measuredFrom = Date.now();
    this.maxWriteStallMs = this.maxSilenceMs = this.maxWaitMs = this.unansweredWrites = 0;
    this.firstAckAt = undefined;
    this.#slices = newSlices();
  }

  get slices(): WriteSlices {
    const { accepted, refused, unanswered, ...when } = this.#slices;
    const length = Math.max(accepted.length, refused.length, unanswered.length);
    const whole = (counts: number[]) => Array.from({ length }, (_, at) => counts[at] ?? 0);
    return { ...when, accepted: whole(accepted), refused: whole(refused), unanswered: whole(unanswered) };
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

  /** The last acknowledged write of each key. */
  get acknowledged(): ReadonlyMap<string, Acknowledged> {
    return this.#acknowledged;
  }

  close(): void {
    for (const connection of [...this.#connections, ...this.#retired]) connection.close();
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
    const index = sequence % this.#connections.length;
    const value = writtenValue(sequence, valueBytes);
    const connection = this.#connections[index] as Connection;
    const nextTrialAt = this.#shutOut.get(index);
    if (nextTrialAt !== undefined) return Date.now() >= nextTrialAt && this.#tryToComeIn(index, key, value, sequence);
    const acknowledged = await this.#send(connection, key, value, sequence, this.#deadlineMs);
    const isOutage = acknowledged === undefined && Date.now() - this.#lastAckAt > ELECTION_MS;
    const isInUse = connection === this.#connections[index] && !this.#shutOut.has(index);
    if (this.#hasLogin && isOutage && isInUse) this.#shutOut.set(index, 0);
    return acknowledged ?? false;
  }

  /**
   * With authentication an outage ends with a new login, as of a restarted client, and one write at a time tries it. A login costs
   * etcd about a tenth of a second of computing (bcrypt), so hundreds at once would be an outage of their own. A token from
   * before a restore is not refused at once: it holds a raft index, and a member that is not there yet waits for it.
   */
  async #tryToComeIn(index: number, key: string, value: Buffer, sequence: number): Promise<boolean> {
    this.#shutOut.set(index, Number.POSITIVE_INFINITY);
    const connection = this.#connect(this.#endpoints[index] as string);
    const acknowledged = await this.#send(connection, key, value, sequence, TRIAL.deadlineMs);
    if (acknowledged !== undefined) {
      // Writes may still be under way through the old one.
      this.#retired.push(this.#connections[index] as Connection);
      this.#connections[index] = connection;
      this.#shutOut.delete(index);
    } else {
      connection.close();
      this.#shutOut.set(index, Date.now() + TRIAL.intervalMs);
    }
    return acknowledged ?? false;
  }

  /** @returns whether it was acknowledged; undefined without an answer. Throws what is neither a refusal nor an outage */
  async #send(
    connection: Connection,
    key: string,
    value: Buffer,
    sequence: number,
    deadlineMs: number,
  ): Promise<boolean | undefined> {
    const sentAt = Date.now();
    try {
      const deadline = sentAt + deadlineMs;
      const { header } = await connection.kv.put({ key: Buffer.from(key), value }, { deadline });
      this.#acknowledge(key, { revision: BigInt(header.revision), sequence });
      return true;
    } catch (error) {
      if (hasReason(error, 'NoSpace')) {
        this.refusedAt ??= Date.now();
        this.#count('refused');
        this.#answered();
        this.slowDown();
        return false;
      }
      // Authentication was just disabled or enabled, and the login before this write is worth nothing any more.
      const isLoginOutdated = this.#hasLogin && hasReason(error, 'TokenRejected', 'LoginRequired', 'PermissionDenied');
      if (isLoginOutdated || hasReason(error, 'Corrupt')) {
        this.#count('refused');
        this.#answered();
        return false;
      }
      if (!(error instanceof EtcdUnavailable)) throw error;
      this.unansweredWrites++;
      this.#count('unanswered');
      return undefined;
    } finally {
      this.maxWaitMs = Math.max(this.maxWaitMs, Date.now() - Math.max(sentAt, this.#measuredFrom));
    }
  }

  #acknowledge(key: string, write: Acknowledged): void {
    const now = Date.now();
    this.ackedWrites++;
    this.#count('accepted');
    this.firstAckAt ??= now;
    this.maxWriteStallMs = Math.max(this.maxWriteStallMs, now - this.#lastAckAt);
    this.#lastAckAt = now;
    this.#answered();
    // Writes of the same key may be under way at once: the later revision is what must be found.
    const known = this.#acknowledged.get(key);
    if (!known || write.revision > known.revision) this.#acknowledged.set(key, write);
  }

  #count(end: 'accepted' | 'refused' | 'unanswered'): void {
    const { from, [end]: counts } = this.#slices;
    const at = Math.floor((Date.now() - from) / SLICE_MS);
    counts[at] = (counts[at] ?? 0) + 1;
  }

  #answered(): void {
    const now = Date.now();
    this.maxSilenceMs = Math.max(this.maxSilenceMs, now - this.#lastAnswerAt);
    this.#lastAnswerAt = now;
  }
}

function newSlices(): WriteSlices {
  return { from: Date.now(), sliceMs: SLICE_MS, accepted: [], refused: [], unanswered: [] };
}
