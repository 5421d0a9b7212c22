import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ownBackupsOf } from '../../core/backups/contracts.ts';
import { rehearsalKey } from '../../core/backups/names.ts';
import { parseRehearsals, type Rehearsals } from '../../core/backups/rehearsal.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { encryptionOf } from './bucket.ts';

/** What is known of the rehearsals of a cluster's backups. @throws InvalidInput where it is none of ours, and what S3 refuses with */
export async function readRehearsals(client: S3Client, cluster: Cluster): Promise<Rehearsals> {
  const { bucket: Bucket } = ownBackupsOf(cluster);
  const Key = rehearsalKey(cluster);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return parseRehearsals((await Body?.transformToString()) ?? '', Key);
}

/**
 * The same; null where there were none. Who may not list a bucket is refused an object that is not there in the same words as one that is, so it is
 * looked for first: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export async function findRehearsals(client: S3Client, cluster: Cluster): Promise<Rehearsals | null> {
  const { bucket: Bucket } = ownBackupsOf(cluster);
  const Prefix = rehearsalKey(cluster);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
  return Contents.some(({ Key }) => Key === Prefix) ? readRehearsals(client, cluster) : null;
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
