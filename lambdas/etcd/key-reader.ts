import { EtcdUnavailable } from '../../core/errors.ts';
import type { SeenKey } from '../../core/space-reclaim/key-tally.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { hasReason } from './errors.ts';

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
  /** Where the next page begins; undefined after the last. */
  next: Buffer | undefined;
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
      await this.#connection.kv.range({ ...ALL_KEYS, serializable: true, count_only: true, revision: '1' });
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
   * The keys from one on, in their order, at one revision.
   * @param from undefined for the first page
   * @throws PreconditionFailed with the reason `Compacted` where the revision is gone, `AnswerTooLarge` where fewer keys have to be asked for
   */
  async page(
    { from = ALL_KEYS.key, limit, revision }: { from?: Buffer | undefined; limit: number; revision: string },
    deadlineMs: number,
  ): Promise<KeyPage> {
    const request = { key: from, range_end: ALL_KEYS.range_end, revision, limit, serializable: true };
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
    const last = kvs.at(-1)?.key;
    return {
      keys,
      bytes: keys.reduce((sum, { key, valueBytes }) => sum + key.length + valueBytes, 0),
      // The smallest key behind it.
      next: more && last ? Buffer.concat([last, Buffer.from([0])]) : undefined,
    };
  }

  close(): void {
    this.#connection.close();
  }
}
