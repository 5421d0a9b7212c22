import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ownBackupsOf } from '../../core/backups/contracts.ts';
import { rehearsalKey } from '../../core/backups/names.ts';
import { parseRehearsals, type Rehearsals } from '../../core/backups/rehearsal.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { encryptionOf } from './bucket.ts';

/** What is known of the rehearsals of a cluster's backups; null where there were none. @throws InvalidInput where it is none of ours, and what S3 refuses with */
export async function readRehearsals(client: S3Client, cluster: Cluster): Promise<Rehearsals | null> {
  const { bucket: Bucket } = ownBackupsOf(cluster);
  const Key = rehearsalKey(cluster);
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return parseRehearsals((await Body?.transformToString()) ?? '', Key);
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return null;
    throw error;
  }
}

export async function writeRehearsals(client: S3Client, cluster: Cluster, rehearsals: Rehearsals): Promise<void> {
  const place = ownBackupsOf(cluster);
  await client.send(
    new PutObjectCommand({
      Bucket: place.bucket,
      Key: rehearsalKey(cluster),
      Body: `${JSON.stringify(rehearsals, null, 2)}\n`,
      ContentType: 'application/json',
      ...encryptionOf(place),
    }),
  );
}
