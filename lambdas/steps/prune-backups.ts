import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { ownBackupsOf, type PrunedBackups, pruneBackupsInput } from '../../core/backups/contracts.ts';
import { backupsAmong, isWhole } from '../../core/backups/names.ts';
import { expiredBackups } from '../../core/backups/retention.ts';
import { parse } from '../../core/text/parse.ts';
import { withBackups } from '../backups/bucket.ts';
import { listOwnKeys } from '../backups/list-keys.ts';

/**
 * Removes the cluster's own backups that the configuration keeps no longer. May be run twice.
 * @throws PreconditionFailed where S3 refuses it: then nothing more is removed; AwsUnavailable, InvalidInput
 */
export async function handler(event: unknown): Promise<PrunedBackups> {
  const { cluster } = parse(pruneBackupsInput, event, "The step's input");
  const { bucket: Bucket, keep } = ownBackupsOf(cluster);
  return withBackups(cluster, 'pruning', async (client) => {
    const backups = backupsAmong(cluster, await listOwnKeys(client, cluster));
    const expired = expiredBackups(backups, keep, Date.now());
    for (const { record, snapshot } of expired) {
      // Without its record it is no backup any more, and nobody reads what is being removed.
      for (const Key of [record, snapshot]) await client.send(new DeleteObjectCommand({ Bucket, Key }));
    }
    const removed = expired.map(({ name }) => name);
    const kept = backups.filter((each) => isWhole(each) && !expired.includes(each)).length;
    return { removed, kept, summary: `${kept} kept, ${removed.length} removed` };
  });
}
