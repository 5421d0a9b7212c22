import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { ownBackupsOf } from '../../core/backups/contracts.ts';
import { keysOfCluster } from '../../core/backups/names.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';

/** The keys that a cluster's own backups may have; others may begin the same. */
export async function listOwnKeys(client: S3Client, cluster: Cluster): Promise<string[]> {
  const { bucket } = ownBackupsOf(cluster);
  const keys: string[] = [];
  const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: keysOfCluster(cluster) });
  for await (const { Contents = [] } of pages) keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
  return keys;
}
