import type { BackupRecord } from '../../core/backups/record.ts';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { RemediationError } from '../../core/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';

const COUNT_MS = 30_000;
/**
 * A member applies no write, and begins no read behind one, while it makes the hash of its keys: for 130 ms at 385 MiB, and for 330 ms where the
 * machine was busy (3.5.35). A client is not to wait longer for it than for a slow disk.
 */
const MOST_HASHED_BYTES = 256 * 1024 * 1024;

/** What is known of a member before its snapshot begins: so much that holds at least. */
export type KnownBefore = Pick<
  BackupRecord,
  'clusterId' | 'etcdVersion' | 'storageVersion' | 'revision' | 'raftTerm' | 'raftIndex'
>;
/** What is asked once its snapshot has begun. */
export type KnownAfter = Pick<BackupRecord, 'revisionAtMost' | 'keys'> & { hash: RecordedHash };

type RecordedHash = NonNullable<BackupRecord['hash']> | null;

export async function knownBefore(member: EtcdMember): Promise<{ status: AnsweringMember; known: KnownBefore }> {
  const [status, raftTerm] = await Promise.all([member.status(), member.raftTerm()]);
  const { clusterId, version: etcdVersion, storageVersion, revision, raftAppliedIndex: raftIndex } = status;
  return { status, known: { clusterId, etcdVersion, storageVersion, revision, raftTerm, raftIndex } };
}

/** @param before of {@link knownBefore} */
export async function knownAfter(member: EtcdMember, before: AnsweringMember): Promise<KnownAfter> {
  const [{ revision: revisionAtMost }, keys, hash] = await Promise.all([
    member.status(),
    countKeys(member, before.revision),
    hashOf(member, before),
  ]);
  return { revisionAtMost, keys, hash };
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
