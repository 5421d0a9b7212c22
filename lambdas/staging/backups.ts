import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { Backups } from '../../core/diagnosis/check.ts';
import { RemediationError } from '../../core/errors.ts';
import { findBackups } from '../backups/find-backups.ts';
import { sessionOf } from '../cluster-session.ts';
import { withS3 } from './s3.ts';

/** A thousand each: who keeps more below one prefix has the newest somewhere else, as S3 lists by name. */
const MAX_PAGES = 20;

/** Of those that are made here. */
const MOST_TOLD = 100;

/** The newest of the cluster's backups. What S3 refuses is a part of the answer. */
export async function findNewestBackup(cluster: Cluster): Promise<Backups | null> {
  const { name, backups } = cluster;
  if (!backups) return null;
  const place = `s3://${backups.bucket}/${backups.prefix}`;
  const own = backups.everyMinutes === undefined ? null : await findBackups(cluster, MOST_TOLD);
  const found = { place, newestKey: '', newestAt: '', problem: '', own };
  try {
    const look = async (client: S3Client) => {
      let pages = 0;
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client },
        { Bucket: backups.bucket, Prefix: backups.prefix },
      )) {
        for (const { Key = '', LastModified } of Contents) {
          const at = LastModified?.toISOString() ?? '';
          if (at > found.newestAt) Object.assign(found, { newestKey: Key, newestAt: at });
        }
        pages += 1;
        if (pages === MAX_PAGES) break;
      }
    };
    await withS3(place, look, {}, await sessionOf(name, 'backups'));
    return found;
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { ...found, problem: error.message };
  }
}
