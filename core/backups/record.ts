import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { parse } from '../text/parse.ts';

const decimal = z.string().regex(/^\d{1,20}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What is known of a backup: the object beside the snapshot, written last. Revisions and raft indexes are decimal strings. */
export const backupRecordSchema = z.looseObject({
  /** Of this shape. A later one may have more fields, and what these mean stays. */
  format: z.literal(1),
  cluster: z.string(),
  /** In hex. */
  clusterId: z.string(),
  /** Whose database it is. */
  member: z.string(),
  /** `host`: it took a function too long, so the member's host has copied and sent it. Not there: etcd has sent it to a function. */
  way: z.literal('host').optional(),
  /** When the snapshot began, ISO 8601. */
  takenAt: z.iso.datetime(),
  tookMs: z.int().min(0),
  etcdVersion: z.string(),
  /** Empty before etcd 3.6, which does not tell it. */
  storageVersion: z.string(),
  /** The snapshot holds every write up to the first, and none after the second: they differ only where the cluster was being written to. */
  revision: decimal,
  revisionAtMost: decimal,
  raftTerm: decimal,
  raftIndex: decimal,
  /** That there were at `revision`; null where the member could not count them. */
  keys: z.int().min(0).nullable(),
  /** HashKV of the member at `revision`; null, or not there, where it was not asked for it. */
  hash: z
    .strictObject({ hash: z.int().min(0), compactRevision: z.string() })
    .nullable()
    .optional(),
  /** Of the snapshot as etcd restores it, and of the object. */
  sizeBytes: z.int().min(0),
  compressedBytes: z.int().min(0),
  /** Of the database, as it stands behind it; etcd itself has put it there, or the host that has copied it. And of the object. */
  databaseSha256: sha256,
  sha256,
});
export type BackupRecord = z.output<typeof backupRecordSchema>;

/** @param key where it was read @throws InvalidInput where it is none of ours */
export function parseBackupRecord(text: string, key: string): BackupRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`${key} is no JSON: ${(error as Error).message}`);
  }
  return parse(backupRecordSchema, value, key);
}
