import { type NewestBackup, newestBackup, noBackup } from '../../core/backups/newest.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { inTime, problemOf } from '../etcd/evidence.ts';

/** What a look at a cluster may wait for it. Its members take longer where one of them does not answer. */
const LOOK_MS = 2_000;
/** One whose record cannot be read is no good; behind so many of these nobody looks. */
const MOST = 3;

/**
 * The newest backup that can be restored, of a cluster whose backups are made here; undefined of any other. What keeps it from being seen is a part of the
 * answer, and takes no longer than {@link LOOK_MS}.
 */
export async function lookForNewestBackup(cluster: Cluster): Promise<NewestBackup | undefined> {
  if (cluster.backups?.everyMinutes === undefined) return undefined;
  try {
    // S3's client costs a cold start, and is loaded only where there is something to look for.
    const { findBackups } = await import('./find-backups.ts');
    return newestBackup(await inTime(findBackups(cluster, MOST), Date.now() + LOOK_MS), Date.now());
  } catch (error) {
    return noBackup(problemOf(error));
  }
}
