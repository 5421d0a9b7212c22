import * as z from 'zod';
import { type Cluster, clusterSchema } from '../cluster/clusters.ts';
import { placeOf } from '../hosts/host-place.ts';
import { type HostCommand, hostCommandSchema, runHostCommandsInput } from '../hosts/run-host-commands.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { backupRecordSchema } from './record.ts';

/** What the steps receive and return by which the host of a member goes on with a backup that takes a function too long. */

const MIB = 1024 * 1024;
/** Each part is cut out on the host's own disk, so it is small... */
const LEAST_PART_BYTES = 128 * MIB;
/** ...and there are no more of them than a state has room for. */
const MOST_PARTS = 200;

/** What is known of it before it is in the bucket. */
const draftSchema = backupRecordSchema.omit({ tookMs: true });

/** A part of the upload, as the host sends it: its URL is made when its command is sent. */
const partSchema = hostCommandSchema.extend({
  object: z.strictObject({
    bucket: z.string().min(1),
    key: z.string().min(1),
    uploadId: z.string().min(1),
    partNumber: z.int().min(1).max(10_000),
  }),
});
export type BackupPart = z.output<typeof partSchema>;

/** copy-database */
export const copyDatabaseInput = z.strictObject({
  cluster: clusterSchema,
  /** Whose database it is. */
  member: z.string(),
  execution: textSchema(TEXT_RULES.execution),
  /** When the execution entered this state: what it has sent since then is its own. */
  visit: z.iso.datetime(),
  /** How often it was tried before. */
  attempt: z.int().min(0),
});
export interface CopiedDatabase {
  draft: z.output<typeof draftSchema>;
  uploadId: string;
  parts: BackupPart[];
}
export interface CopyDatabaseEnd {
  /** `Postpone`: another backup works on the host. */
  action: 'Copied' | 'Postpone';
  /** Null for `Postpone`. */
  copied: CopiedDatabase | null;
  summary: string;
}

/** send-backup: as run-host-commands. */
export const sendBackupInput = runHostCommandsInput.extend({
  command: z.literal('send-snapshot'),
  commands: z.array(partSchema),
});

const copiedSchema = z.object({ draft: draftSchema, uploadId: z.string() });
/** Why it came to nothing. */
const failureSchema = z.strictObject({ error: z.string(), cause: z.string() });
/** What stands before the reason. */
export const COPY_LEFT = ' The copy on the host could not be removed; the next backup there removes it: ';
/** complete-backup */
export const completeBackupInput = z.intersection(
  z.object({
    cluster: clusterSchema,
    /** S3's receipts, in the order of the parts. */
    etags: z.array(z.string()),
    /** Why the copy could not be removed on the host; empty where it was. */
    copyLeft: z.string(),
  }),
  z.union([
    z.object({ copied: copiedSchema, failure: z.null() }),
    z.object({ copied: copiedSchema.nullable(), failure: failureSchema }),
  ]),
);

/** The parts, from the first byte to the last. @param sizeBytes of the object */
export function partsOf(
  cluster: Cluster,
  {
    member,
    execution,
    sizeBytes,
    object,
  }: {
    member: string;
    execution: string;
    sizeBytes: number;
    object: Omit<BackupPart['object'], 'partNumber'>;
  },
): BackupPart[] {
  const { host, layout } = placeOf(cluster, member);
  const partBytes = Math.max(LEAST_PART_BYTES, Math.ceil(sizeBytes / MOST_PARTS / MIB) * MIB);
  return Array.from({ length: Math.max(1, Math.ceil(sizeBytes / partBytes)) }, (_, index) => ({
    member,
    host,
    parameters: {
      dataDir: layout.dataDir,
      execution,
      source: 'data',
      offsetBytes: String(index * partBytes),
      lengthBytes: String(Math.min(partBytes, sizeBytes - index * partBytes)),
    },
    object: { ...object, partNumber: index + 1 },
  }));
}

/** mark-recovery, which removes the execution's folder on the host. */
export function removalOf(cluster: Cluster, member: string, execution: string): HostCommand {
  const { host, layout } = placeOf(cluster, member);
  const { dataDir, walDir } = layout;
  return { member, host, parameters: { dataDir, walDir: walDir ?? '', outcome: 'undo', execution } };
}

/** copy-database, but for what tells one moment of the database from another. */
export function copyOf(
  cluster: Cluster,
  member: string,
  { execution, clusterId, memberId }: Record<'execution' | 'clusterId' | 'memberId', string>,
): HostCommand {
  const { host, layout } = placeOf(cluster, member);
  const { dataDir, walDir } = layout;
  return { member, host, parameters: { dataDir, walDir: walDir ?? '', execution, clusterId, memberId } };
}
