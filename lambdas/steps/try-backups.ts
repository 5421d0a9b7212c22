import { AbortMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { backupKeys } from '../../core/backups/names.ts';
import { type TriedBackups, tryBackupsInput } from '../../core/diagnosis/check.ts';
import { summarizeTriedBackups } from '../../core/diagnosis/summaries.ts';
import { RemediationError } from '../../core/errors.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { parse } from '../../core/text/parse.ts';
import { encryptionOf, withBackups } from '../backups/bucket.ts';

/**
 * Whether a backup of the cluster could be written: begins an upload, which S3 lets nobody begin who could not go on with it, and ends it at once. Nothing
 * is there afterwards. What S3 refuses is the answer.
 */
export async function handler(event: unknown): Promise<TriedBackups & Summarized> {
  const { cluster } = parse(tryBackupsInput, event, "The step's input");
  const { backups } = cluster;
  if (backups?.everyMinutes === undefined)
    return { problem: '', summary: 'The configuration asks for none to be made.' };
  const upload = { Bucket: backups.bucket, Key: backupKeys(cluster, new Date()).snapshot };
  try {
    await withBackups(cluster, 'backing-up', async (client) => {
      const begun = await client.send(new CreateMultipartUploadCommand({ ...upload, ...encryptionOf(backups) }));
      await client.send(new AbortMultipartUploadCommand({ ...upload, UploadId: begun.UploadId }));
    });
    return { problem: '', summary: summarizeTriedBackups('') };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { problem: error.message, summary: summarizeTriedBackups(error.message) };
  }
}
