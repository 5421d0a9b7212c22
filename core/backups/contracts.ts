import * as z from 'zod';
import { type Cluster, clusterSchema } from '../cluster/clusters.ts';
import type { Measurement } from '../cluster/metrics.ts';
import { InvalidInput } from '../errors.ts';
import { formatBytes, START_AGAIN } from '../text/format.ts';
import { ENTRY_STATE_MACHINE } from '../text/names.ts';
import { type BackupRecord, backupRecordSchema } from './record.ts';
import { rehearsalsSchema } from './rehearsal.ts';

/** Its state machine: makes one backup of one cluster. */
export const BACKUP_STATE_MACHINE = `${ENTRY_STATE_MACHINE}-backup`;

/** back-up-cluster */
export const backUpClusterInput = z.strictObject({ cluster: clusterSchema });
export interface BackedUp {
  name: string;
  /** `s3://bucket/key` of the snapshot. */
  place: string;
  record: BackupRecord;
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

/** What the state machine ends with. */
export interface BackupReport {
  outcome: 'BackedUp';
  cluster: string;
  backup: Omit<BackedUp, 'summary'>;
  removed: string[];
  kept: number;
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

export function summarizeBackup({
  member,
  revision,
  revisionAtMost,
  sizeBytes,
  compressedBytes,
}: BackupRecord): string {
  const at = revision === revisionAtMost ? `revision ${revision}` : `revision ${revision} to ${revisionAtMost}`;
  return `${member}'s database at ${at}, ${formatBytes(sizeBytes)} in ${formatBytes(compressedBytes)}`;
}
