import type { Context } from 'aws-lambda';
import { orderSources } from '../../core/backups/choose-source.ts';
import {
  type BackedUp,
  backUpClusterInput,
  backupMade,
  ownBackupsOf,
  summarizeBackup,
} from '../../core/backups/contracts.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { parse } from '../../core/text/parse.ts';
import { withBackups } from '../backups/bucket.ts';
import { type TakenBackup, takeBackup } from '../backups/take-backup.ts';
import { whileItServes } from '../backups/while-it-serves.ts';
import { logMetrics } from '../embedded-metrics.ts';
import { connect, type EtcdCluster } from '../etcd/cluster.ts';

/** To take back what was uploaded, and to say so. */
const LAMBDA_RESERVE_MS = 20_000;

/**
 * Backs a cluster up: the database of a member that has least to do, from the member through this process into the bucket. Where a member gives out, the
 * next one is asked. Nothing changes in etcd.
 * @throws PreconditionFailed where S3 refuses it, or the time of a function does not do for it; InvalidInput where no backups are to be made;
 *   UnsafeToProceed, EtcdUnavailable, AwsUnavailable
 */
export async function handler(event: unknown, context: Context): Promise<BackedUp> {
  const { cluster } = parse(backUpClusterInput, event, "The step's input");
  const { bucket } = ownBackupsOf(cluster);
  const endsAt = Date.now() + context.getRemainingTimeInMillis() - LAMBDA_RESERVE_MS;
  const etcd = await connect(cluster, 'backing-up');
  try {
    const { name, key, record } = await firstThatServes(etcd, cluster, endsAt);
    logMetrics([backupMade(cluster.name)]);
    return { name, place: `s3://${bucket}/${key}`, record, summary: summarizeBackup(record) };
  } finally {
    etcd.close();
  }
}

async function firstThatServes(etcd: EtcdCluster, cluster: Cluster, endsAt: number): Promise<TakenBackup> {
  let failure: unknown;
  for (const { member: name } of orderSources(cluster, await etcd.observe())) {
    const member = etcd.member(name);
    try {
      return await whileItServes(member, (serving) =>
        withBackups(cluster, 'backing-up', (client) => inTime(cluster, { member, client, serving, endsAt })),
      );
    } catch (error) {
      if (!(error instanceof EtcdUnavailable)) throw error;
      failure = error;
    }
  }
  throw failure;
}

interface Taking {
  member: Parameters<typeof takeBackup>[1];
  client: Parameters<typeof takeBackup>[2];
  serving: AbortSignal;
  endsAt: number;
}

async function inTime(cluster: Cluster, { member, client, serving, endsAt }: Taking): Promise<TakenBackup> {
  const leftMs = Math.max(0, endsAt - Date.now());
  const tooLate = new PreconditionFailed(
    `The backup of ${member.name} was not done within the ${Math.round(leftMs / 1000)} s that a function has for it, and was thrown away. Make a ` +
      "snapshot on its host instead (etcdctl snapshot save), and look what is slow: the member's disk, or the way from it to S3.",
  );
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tooLate), leftMs);
  try {
    // etcd's own deadline comes after ours, so that it is ours that is told.
    const limits = { signal: AbortSignal.any([serving, late.signal]), deadlineMs: leftMs + LAMBDA_RESERVE_MS };
    return await takeBackup(cluster, member, client, limits);
  } catch (error) {
    throw late.signal.aborted ? tooLate : error;
  } finally {
    clearTimeout(timer);
  }
}
