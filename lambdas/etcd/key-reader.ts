import { EtcdUnavailable } from '../../core/errors.ts';
import type { SeenKey } from '../../core/space-reclaim/key-tally.ts';
import { Connection, type ConnectionOptions, PROBE_KEY } from './connection.ts';
import { hasReason } from './errors.ts';
import { commonPrefix } from './key-range.ts';

/** Below and above every key. */
export const ALL_KEYS = { key: Buffer.from([0]), range_end: Buffer.from([0]) };

/** A page of small keys does not wait for a long line then. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** A single value that is larger has no place in etcd, whose own limit for a request is 1.5 MiB. */
const MOST_BYTES = 64 * 1024 * 1024;
/** etcd looks ten times a second for watches that it has to end. */
const COMPACT_REVISION_MS = 2_000;

export interface KeyPage {
  keys: SeenKey[];
  bytes: number;
  /** What all of these begin with. */
  prefix: Buffer;
  /** Where the next page of the same range begins; undefined after the last. */
  next: Buffer | undefined;
}

/** From one key on to another, which is not a part of it; undefined for the first of all, and for behind the last. */
export interface KeyRange {
  from: Buffer | undefined;
  to: Buffer | undefined;
}

/** Reads the keys of one member from its own database (serializable), and nothing of their values but the size. Close it after use. */
export class KeyReader {
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection({ ...options, windowBytes: WINDOW_BYTES, mostBytes: MOST_BYTES });
  }

  /** How many keys there are now, and at which revision that is. */
  async count(): Promise<{ keys: number; revision: string }> {
    const { count, header } = await this.#connection.kv.range({ ...ALL_KEYS, serializable: true, count_only: true });
    return { keys: Number(count), revision: header.revision };
  }

  /** Up to which revision history was compacted, "0" where it never was; null where the member does not say. */
  async compactRevision(): Promise<string | null> {
    try {
      await this.#connection.kv.range({ key: Buffer.from(PROBE_KEY), serializable: true, revision: '1' });
      return '0';
    } catch (error) {
      if (!hasReason(error, 'Compacted')) throw error;
    }
    try {
      return await this.#connection.askCompactRevision(Date.now() + COMPACT_REVISION_MS);
    } catch (error) {
      if (error instanceof EtcdUnavailable) return null;
      throw error;
    }
  }

  /**
   * The first keys of a range, in their order, at one revision. etcd counts those that follow in the range, so a short one costs it less.
   * @throws PreconditionFailed with the reason `Compacted` where the revision is gone, `AnswerTooLarge` where fewer keys have to be asked for
   */
  async page(
    { from = ALL_KEYS.key, to = ALL_KEYS.range_end, limit, revision }: KeyRange & { limit: number; revision: string },
    deadlineMs: number,
  ): Promise<KeyPage> {
    const request = { key: from, range_end: to, revision, limit, serializable: true };
    const { kvs, more } = await this.#connection.kv.range(request, { deadline: Date.now() + deadlineMs });
    const keys = kvs.map(
      ({ key, value, version, create_revision, mod_revision, lease }): SeenKey => ({
        key: key.toString('latin1'),
        valueBytes: value.length,
        version: Number(version),
        createRevision: BigInt(create_revision),
        modRevision: BigInt(mod_revision),
        lease,
      }),
    );
    const [first, last] = [kvs[0]?.key, kvs.at(-1)?.key];
    return {
      keys,
      prefix: first && last ? commonPrefix(first, last) : Buffer.alloc(0),
      bytes: keys.reduce((sum, { key, valueBytes }) => sum + key.length + valueBytes, 0),
      // The smallest key behind it.
      next: more && last ? Buffer.concat([last, Buffer.from([0])]) : undefined,
    };
  }

  close(): void {
    this.#connection.close();
  }
}
