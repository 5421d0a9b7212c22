import type { Context } from 'aws-lambda';
import { removalOf } from '../../core/backups/by-host.ts';
import { orderSources } from '../../core/backups/choose-source.ts';
import {
  type BackUpEnd,
  backUpClusterInput,
  backupMade,
  ownBackupsOf,
  summarizeBackup,
} from '../../core/backups/contracts.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import { parse } from '../../core/text/parse.ts';
import { withBackups } from '../backups/bucket.ts';
import { inTimeOrByHost } from '../backups/in-time.ts';
import { whileItServes } from '../backups/while-it-serves.ts';
import { logMetrics } from '../embedded-metrics.ts';
import { connect } from '../etcd/cluster.ts';

/** To take back what was uploaded, and to say so. */
const LAMBDA_RESERVE_MS = 20_000;

/**
 * Backs a cluster up: the database of a member that has least to do, from the member through this process into the bucket. Where a member gives out, the
 * next one is asked. Where it takes longer than a function may, and the member's host would not refuse, it ends early: that host goes on with it. Nothing
 * changes in etcd.
 * @throws PreconditionFailed where S3 refuses it, or the time of a function does not do for it; InvalidInput where no backups are to be made;
 *   UnsafeToProceed, EtcdUnavailable, AwsUnavailable
 */
export async function handler(event: unknown, context: Context): Promise<BackUpEnd> {
  const { cluster, execution } = parse(backUpClusterInput, event, "The step's input");
  ownBackupsOf(cluster);
  const endsAt = Date.now() + context.getRemainingTimeInMillis() - LAMBDA_RESERVE_MS;
  const etcd = await connect(cluster, 'backing-up');
  try {
    let failure: unknown;
    for (const { member: name } of orderSources(cluster, await etcd.observe())) {
      const member = etcd.member(name);
      try {
        const taken = await whileItServes(member, (serving) =>
          withBackups(cluster, 'backing-up', (client) =>
            inTimeOrByHost(cluster, { member, client, execution, serving, endsAt }),
          ),
        );
        if ('outgrown' in taken) {
          const remove = [removalOf(cluster, name, execution)];
          return { action: 'GoOnByHost', backup: null, member: name, remove, summary: taken.outgrown };
        }
        const { backup } = taken;
        logMetrics([backupMade(cluster.name)]);
        return { action: 'BackedUp', backup, member: name, remove: [], summary: summarizeBackup(backup.record) };
      } catch (error) {
        if (!(error instanceof EtcdUnavailable)) throw error;
        failure = error;
      }
    }
    throw failure;
  } finally {
    etcd.close();
  }
}
