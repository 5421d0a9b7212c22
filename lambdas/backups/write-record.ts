import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type BackedUp, ownBackupsOf } from '../../core/backups/contracts.ts';
import { backupKeys } from '../../core/backups/names.ts';
import type { BackupRecord } from '../../core/backups/record.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { encryptionOf } from './bucket.ts';

/** Writes what is known of a backup beside it: from then on it is one. Whatever S3 refuses with goes through. */
export async function writeRecord(client: S3Client, cluster: Cluster, record: BackupRecord): Promise<BackedUp> {
  const place = ownBackupsOf(cluster);
  const { name, snapshot, record: Key } = backupKeys(cluster, new Date(record.takenAt));
  await client.send(
    new PutObjectCommand({
      Bucket: place.bucket,
      Key,
      Body: `${JSON.stringify(record, null, 2)}\n`,
      ContentType: 'application/json',
      ...encryptionOf(place),
    }),
  );
  return { name, place: `s3://${place.bucket}/${snapshot}`, record };
}
