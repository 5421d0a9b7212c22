import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { type BackedUp, ownBackupsOf } from '../../core/backups/contracts.ts';
import { backupKeys } from '../../core/backups/names.ts';
import type { BackupRecord } from '../../core/backups/record.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import type { SnapshotPiece } from '../etcd/connection.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { encryptionOf } from './bucket.ts';
import { inBatches } from './in-batches.ts';
import { type KnownAfter, knownAfter, knownBefore } from './known-at.ts';
import { type Uploaded, uploadStream } from './upload-stream.ts';
import { type Passed, verified } from './verified.ts';
import { writeRecord } from './write-record.ts';

/** As `gzip -1`: the snapshot of a store is mostly text, and etcd sends it about as fast as this takes it. */
const COMPRESSION = { level: 1, chunkSize: 256 * 1024 };
/** So much is compressed at a time. */
const BATCH_BYTES = 256 * 1024;

export interface TakingOptions {
  signal: AbortSignal;
  deadlineMs: number;
  /** Told as it goes on. */
  onPassed: (passedBytes: number, totalBytes: number) => void;
}

/**
 * Streams a member's database into the bucket, and writes what is known of it beside it when it is whole there.
 * @throws EtcdUnavailable, and whatever S3 refuses with
 */
export async function takeBackup(
  cluster: Cluster,
  member: EtcdMember,
  client: S3Client,
  { signal, deadlineMs, onPassed }: TakingOptions,
): Promise<BackedUp> {
  const place = ownBackupsOf(cluster);
  const { status, known: before } = await knownBefore(member);
  const takenAt = new Date();
  const { snapshot } = backupKeys(cluster, takenAt);
  let known: Promise<KnownAfter> | undefined;
  let passed: Passed | undefined;
  const begun = () => {
    known = knownAfter(member, status);
    known.catch(() => undefined);
  };
  const passing = verified(counted(member.snapshot(deadlineMs, signal), onPassed), member.name, begun);
  async function* database(): AsyncGenerator<Buffer> {
    passed = yield* inBatches(passing, BATCH_BYTES);
  }
  let uploaded: Uploaded | undefined;
  await pipeline(Readable.from(database()), createGzip(COMPRESSION), async (compressed: AsyncIterable<Buffer>) => {
    uploaded = await uploadStream(client, { Bucket: place.bucket, Key: snapshot }, compressed, encryptionOf(place));
  });
  if (!passed || !uploaded || !known) throw new EtcdUnavailable(`${member.name} has sent nothing.`);
  const record: BackupRecord = {
    format: 1,
    cluster: cluster.name,
    member: member.name,
    takenAt: takenAt.toISOString(),
    ...before,
    ...(await known),
    ...passed,
    tookMs: Date.now() - takenAt.getTime(),
    compressedBytes: uploaded.sizeBytes,
    sha256: uploaded.sha256,
  };
  return writeRecord(client, cluster, record);
}

/** The same pieces; of each that was taken it is told. */
async function* counted(
  pieces: AsyncIterable<SnapshotPiece>,
  onPassed: TakingOptions['onPassed'],
): AsyncGenerator<SnapshotPiece> {
  let passedBytes = 0;
  for await (const piece of pieces) {
    yield piece;
    passedBytes += piece.blob.length;
    onPassed(passedBytes, passedBytes + Number(piece.remaining_bytes));
  }
}
