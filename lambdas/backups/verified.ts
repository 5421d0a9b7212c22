import { createHash } from 'node:crypto';
import { EtcdUnavailable } from '../../core/errors.ts';
import type { SnapshotPiece } from '../etcd/connection.ts';

/** etcd puts the SHA-256 of the database behind it: https://github.com/etcd-io/etcd/blob/main/server/etcdserver/api/v3rpc/maintenance.go */
const TRAILER_BYTES = 32;
/** A database is made of pages, of at least this. */
const SECTOR_BYTES = 512;

/** What has passed, once all has. */
export interface Passed {
  /** The database and its SHA-256. */
  sizeBytes: number;
  databaseSha256: string;
}

/**
 * A snapshot, as it passes: piece by piece as it came, and at its end what it was.
 * @param begun called when the first piece is there, and the moment is kept in the member
 * @param of whose it is, for the message
 * @throws EtcdUnavailable, after all has passed, where it is not what etcd has sent: whatever was made of it is to be thrown away
 */
export async function* verified(
  pieces: AsyncIterable<SnapshotPiece>,
  of: string,
  begun: () => void,
): AsyncGenerator<Buffer, Passed> {
  const hash = createHash('sha256');
  let trailer: Buffer = Buffer.alloc(0);
  let sizeBytes = 0;
  let announcedBytes = 0;
  for await (const { blob, remaining_bytes } of pieces) {
    if (sizeBytes === 0) {
      announcedBytes = blob.length + Number(remaining_bytes);
      begun();
    }
    sizeBytes += blob.length;
    // Only what cannot be the trailer is hashed: that is known when as much has come after it.
    const spare = Math.max(0, trailer.length + blob.length - TRAILER_BYTES);
    hash.update(trailer.subarray(0, spare));
    hash.update(blob.subarray(0, Math.max(0, spare - trailer.length)));
    trailer = Buffer.concat([trailer.subarray(spare), blob.subarray(Math.max(0, spare - trailer.length))]);
    yield blob;
  }
  const databaseSha256 = hash.digest('hex');
  const databaseBytes = sizeBytes - TRAILER_BYTES;
  const problem =
    databaseBytes !== announcedBytes || databaseBytes % SECTOR_BYTES !== 0
      ? `${databaseBytes} bytes of a database came, and etcd had announced ${announcedBytes}`
      : trailer.toString('hex') !== databaseSha256
        ? `its SHA-256 is ${databaseSha256}, and etcd says ${trailer.toString('hex')}`
        : '';
  if (problem !== '') {
    throw new EtcdUnavailable(
      `The snapshot of ${of} did not come through whole: ${problem}. It was thrown away. If it happens again, look at the network and at what lies in between.`,
    );
  }
  return { sizeBytes, databaseSha256 };
}
