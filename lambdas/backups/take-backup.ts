import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ownBackupsOf } from '../../core/backups/contracts.ts';
import { backupKeys } from '../../core/backups/names.ts';
import type { BackupRecord } from '../../core/backups/record.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { encryptionOf } from './bucket.ts';
import { type Uploaded, uploadStream } from './upload-stream.ts';
import { type Passed, verified } from './verified.ts';

const COUNT_MS = 30_000;
/**
 * A member applies no write, and begins no read behind one, while it makes the hash of its keys: for 130 ms at 385 MiB, and for 330 ms where the
 * machine was busy (3.5.35). A client is not to wait longer for it than for a slow disk.
 */
const MOST_HASHED_BYTES = 256 * 1024 * 1024;
/** As `gzip -1`: the snapshot of a store is mostly text, and etcd sends it about as fast as this takes it. */
const COMPRESSION = { level: 1, chunkSize: 256 * 1024 };

export interface TakenBackup {
  name: string;
  key: string;
  record: BackupRecord;
}

type RecordedHash = NonNullable<BackupRecord['hash']> | null;

/** What a snapshot that begins now holds at least, or has held at most. */
interface Moment {
  revision: string;
  raftIndex: string;
}

/**
 * Streams a member's database into the bucket, and writes what is known of it beside it when it is whole there.
 * @throws EtcdUnavailable, and whatever S3 refuses with
 */
export async function takeBackup(
  cluster: Cluster,
  member: EtcdMember,
  client: S3Client,
  { signal, deadlineMs }: { signal: AbortSignal; deadlineMs: number },
): Promise<TakenBackup> {
  const place = ownBackupsOf(cluster);
  const encryption = encryptionOf(place);
  const [before, raftTerm] = await Promise.all([member.status(), member.raftTerm()]);
  const takenAt = new Date();
  const { name, snapshot, record: recordKey } = backupKeys(cluster, takenAt);
  let known: Promise<[Moment, number | null, RecordedHash]> | undefined;
  let passed: Passed | undefined;
  const passing = verified(member.snapshot(deadlineMs, signal), member.name, () => {
    known = Promise.all([momentOf(member), countKeys(member, before.revision), hashOf(member, before)]);
    known.catch(() => undefined);
  });
  async function* database(): AsyncGenerator<Buffer> {
    passed = yield* passing;
  }
  let uploaded: Uploaded | undefined;
  await pipeline(Readable.from(database()), createGzip(COMPRESSION), async (compressed: AsyncIterable<Buffer>) => {
    uploaded = await uploadStream(client, { Bucket: place.bucket, Key: snapshot }, compressed, encryption);
  });
  if (!passed || !uploaded || !known) throw new EtcdUnavailable(`${member.name} has sent nothing.`);
  const [after, keys, hash] = await known;
  const record: BackupRecord = {
    format: 1,
    cluster: cluster.name,
    clusterId: before.clusterId,
    member: member.name,
    takenAt: takenAt.toISOString(),
    tookMs: Date.now() - takenAt.getTime(),
    etcdVersion: before.version,
    storageVersion: before.storageVersion,
    revision: before.revision,
    revisionAtMost: after.revision,
    raftTerm,
    raftIndex: before.raftAppliedIndex,
    keys,
    hash,
    ...passed,
    compressedBytes: uploaded.sizeBytes,
    sha256: uploaded.sha256,
  };
  await client.send(
    new PutObjectCommand({
      Bucket: place.bucket,
      Key: recordKey,
      Body: `${JSON.stringify(record, null, 2)}\n`,
      ContentType: 'application/json',
      ...encryption,
    }),
  );
  return { name, key: snapshot, record };
}

async function momentOf(member: EtcdMember): Promise<Moment> {
  const { revision, raftAppliedIndex } = await member.status();
  return { revision, raftIndex: raftAppliedIndex };
}

/** @returns null where its database is too large for that, or it was compacted in this moment: a backup is as good without */
async function hashOf(member: EtcdMember, { revision, dbSizeInUseBytes }: AnsweringMember): Promise<RecordedHash> {
  if (dbSizeInUseBytes > MOST_HASHED_BYTES) return null;
  try {
    return await member.hashAt(revision, COUNT_MS);
  } catch (error) {
    if (error instanceof RemediationError) return null;
    throw error;
  }
}

/** @returns null where it was compacted in this moment, or takes too long: a backup is as good without */
async function countKeys(member: EtcdMember, revision: string): Promise<number | null> {
  try {
    return await member.countKeys(revision, COUNT_MS);
  } catch (error) {
    if (error instanceof RemediationError) return null;
    throw error;
  }
}
