import type { FoundBackups } from '../../../core/backups/contracts.ts';
import type { BackupRecord } from '../../../core/backups/record.ts';

export type FoundBackup = FoundBackups['backups'][number];

/** A backup of the cluster `c1` by etcd 3.5.30. */
export function found(
  takenAt: string,
  revision: number,
  differences: Partial<BackupRecord> = {},
): FoundBackup & { record: BackupRecord } {
  const name = `orders-${takenAt}`;
  const record: BackupRecord = {
    format: 1,
    cluster: 'orders',
    clusterId: 'c1',
    member: 'node2',
    takenAt,
    tookMs: 1_000,
    etcdVersion: '3.5.30',
    storageVersion: '',
    revision: String(revision),
    revisionAtMost: String(revision),
    raftTerm: '2',
    raftIndex: '7000',
    keys: 1000,
    sizeBytes: 1_048_608,
    compressedBytes: 1000,
    databaseSha256: 'a'.repeat(64),
    sha256: 'b'.repeat(64),
    ...differences,
  };
  return { name, key: `orders/${name}.db.gz`, takenAt, record, problem: '' };
}

export function foundAll(...backups: FoundBackup[]): FoundBackups {
  return { count: backups.length, backups, problem: '' };
}
