import * as z from 'zod';
import { type Cluster, clusterSchema } from '../cluster/clusters.ts';
import type { Measurement } from '../cluster/metrics.ts';
import { InvalidInput } from '../errors.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { formatBytes, START_AGAIN } from '../text/format.ts';
import { ENTRY_STATE_MACHINE } from '../text/names.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { type BackupRecord, backupRecordSchema } from './record.ts';
import { rehearsalsSchema } from './rehearsal.ts';

/** Its state machine: makes one backup of one cluster. */
export const BACKUP_STATE_MACHINE = `${ENTRY_STATE_MACHINE}-backup`;

/** The error of a backup or a rehearsal that was put off: it says nothing of a backup. */
export const POSTPONED = 'Postponed';

/** back-up-cluster */
export const backUpClusterInput = z.strictObject({
  cluster: clusterSchema,
  execution: textSchema(TEXT_RULES.execution),
});
export interface BackedUp {
  name: string;
  /** `s3://bucket/key` of the snapshot. */
  place: string;
  record: BackupRecord;
}
export interface BackUpEnd {
  /** `GoOnByHost`: it would not be done in the time of a function, and the host of its member may go on. */
  action: 'BackedUp' | 'GoOnByHost';
  /** Null for `GoOnByHost`. */
  backup: BackedUp | null;
  /** Whose database it is. */
  member: string;
  /** mark-recovery for `GoOnByHost`, whatever comes of it; else empty. */
  remove: HostCommand[];
  summary: string;
}

/** complete-backup */
export interface CompletedBackup {
  /** Null where it came to nothing, and nothing is left of it. */
  backup: BackedUp | null;
  /** Why; empty where it is whole. */
  error: string;
  cause: string;
  summary: string;
}

/** prune-backups */
export const pruneBackupsInput = z.strictObject({ cluster: clusterSchema });
export interface PrunedBackups {
  /** What was removed, the newest first. */
  removed: string[];
  /** How many are left that can be restored. */
  kept: number;
  summary: string;
}

/** Of a cluster's own backups, as many as were asked for. */
export const foundBackupsSchema = z.strictObject({
  /** How many there are that can be restored. */
  count: z.int().min(0),
  /** The newest first. */
  backups: z.array(
    z.strictObject({
      name: z.string(),
      /** Of the snapshot. */
      key: z.string(),
      /** ISO 8601 */
      takenAt: z.string(),
      /** Null where it cannot be read. */
      record: backupRecordSchema.nullable(),
      /** Why not; empty where it can. */
      problem: z.string(),
    }),
  ),
  /** Why nobody could look; empty where somebody has. */
  problem: z.string(),
  /** What is known of their rehearsals: null where there were none, and not there where that cannot be read. */
  rehearsed: rehearsalsSchema.nullable().optional(),
});
export type FoundBackups = z.output<typeof foundBackupsSchema>;

/** What the state machine ends with, where it does not fail. */
export interface BackupReport {
  outcome: 'BackedUp';
  cluster: string;
  backup: BackedUp;
  removed: string[];
  kept: number;
}
/** The same of one that gave way to another backup: it has made none, and failed at none. */
export interface PostponedBackup {
  outcome: 'Postponed';
  cluster: string;
  summary: string;
}

export type OwnBackups = NonNullable<Cluster['backups']>;

/** Where this cluster's own backups go. @throws InvalidInput where none are to be made */
export function ownBackupsOf({ name, backups }: Cluster): OwnBackups {
  if (backups?.everyMinutes !== undefined) return backups;
  throw new InvalidInput(
    `clusters.json asks for no backups of the cluster ${name}: ` +
      (backups
        ? `its "backups" have no "everyMinutes", so ${backups.bucket} is only read. Add it, such as "everyMinutes": 60. `
        : 'add "backups": {"bucket": "...", "prefix": "...", "everyMinutes": 60} to it. ') +
      START_AGAIN,
  );
}

/** What is measured where a backup has become whole. */
export function backupMade(cluster: string): Measurement {
  return { dimensions: { cluster }, values: { BackupsMade: 1 } };
}

/** What a summary is made of: also of one that is not in the bucket yet. */
type Summarizable = Pick<
  BackupRecord,
  'member' | 'revision' | 'revisionAtMost' | 'sizeBytes' | 'compressedBytes' | 'way'
>;

export function summarizeBackup({
  member,
  revision,
  revisionAtMost,
  sizeBytes,
  compressedBytes,
  way,
}: Summarizable): string {
  const at = revision === revisionAtMost ? `revision ${revision}` : `revision ${revision} to ${revisionAtMost}`;
  const byHost = way === 'host' ? ', copied and sent by its host' : '';
  return `${member}'s database at ${at}, ${formatBytes(sizeBytes)} in ${formatBytes(compressedBytes)}${byHost}`;
}
