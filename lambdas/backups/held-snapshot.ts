import { type MetaPages, metaPagesBytes, parseMetaPages } from '../../core/backups/meta-pages.ts';
import { SENT_AHEAD_BYTES } from '../../core/backups/pace.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import type { SnapshotPiece } from '../etcd/connection.ts';

/** No page of a database is larger, so no more than this is read of one that cannot be understood. */
const MOST_BEGINNING_BYTES = 2 * (1024 << 14);

/**
 * A snapshot that was begun to be read, and is read no further. Its member keeps the moment that it is of: as long as it has not sent the last byte, it
 * writes into no page that this moment reaches.
 */
export class HeldSnapshot {
  readonly metas: MetaPages;
  readonly #pieces: AsyncGenerator<SnapshotPiece>;
  readonly #of: string;

  private constructor(metas: MetaPages, pieces: AsyncGenerator<SnapshotPiece>, of: string) {
    this.metas = metas;
    this.#pieces = pieces;
    this.#of = of;
  }

  /** @param of whose it is, for the messages @throws EtcdUnavailable, PreconditionFailed where it does not begin as one of etcd */
  static async open(pieces: AsyncGenerator<SnapshotPiece>, of: string): Promise<HeldSnapshot> {
    let beginning = Buffer.alloc(0);
    let announcedBytes = 0;
    do {
      const { blob, remaining_bytes } = await nextOf(pieces, of);
      beginning = Buffer.concat([beginning, blob]);
      announcedBytes = beginning.length + Number(remaining_bytes);
    } while (
      beginning.length < Math.min(MOST_BEGINNING_BYTES, announcedBytes) &&
      (beginning.length < 64 || beginning.length < metaPagesBytes(beginning))
    );
    const metas = parseMetaPages(beginning);
    if (metas?.sizeBytes === announcedBytes) return new HeldSnapshot(metas, pieces, of);
    await pieces.return(undefined);
    throw new PreconditionFailed(
      `The snapshot of ${of} does not begin as those of etcd 3.4 to 3.7 do, so no host can go on with it. Report it, with the release and the platform of ` +
        'etcd. Until then make a snapshot on its host by hand (etcdctl snapshot save).',
    );
  }

  /**
   * Shows that the moment was kept until now. What is read here first may have been on its way before; what comes behind it etcd reads only now, in the
   * same read transaction.
   * @throws EtcdUnavailable where it was not
   */
  async requireKept(): Promise<void> {
    for (let passedBytes = 0; passedBytes < SENT_AHEAD_BYTES; ) {
      const { blob, remaining_bytes } = await nextOf(this.#pieces, this.#of);
      passedBytes += blob.length;
      if (remaining_bytes === '0') throw ended(this.#of);
    }
  }

  /** Gives the moment up. */
  async close(): Promise<void> {
    await this.#pieces.return(undefined).catch(() => undefined);
  }
}

async function nextOf(pieces: AsyncGenerator<SnapshotPiece>, of: string): Promise<SnapshotPiece> {
  const { done, value } = await pieces.next();
  if (done) throw ended(of);
  return value;
}

function ended(of: string): EtcdUnavailable {
  return new EtcdUnavailable(
    `The snapshot of ${of} ended while its host copied the database, so the copy may hold pages of later writes. It was thrown away.`,
  );
}
