import { COPY_LEFT, completeBackupInput } from '../../core/backups/by-host.ts';
import { backupMade, type CompletedBackup, summarizeBackup } from '../../core/backups/contracts.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { parse } from '../../core/text/parse.ts';
import { withBackups } from '../backups/bucket.ts';
import { abortHostUpload, completeHostUpload } from '../backups/host-upload.ts';
import { writeRecord } from '../backups/write-record.ts';
import { logMetrics } from '../embedded-metrics.ts';

/**
 * Makes a backup of what a host has sent, and writes what is known of it beside it. Where that came to nothing, removes what was sent of it, and
 * hands the error on. So it does where S3 refuses to make a backup of it.
 * @throws PreconditionFailed, AwsUnavailable
 */
export async function handler(event: unknown): Promise<CompletedBackup> {
  const { cluster, etags, copyLeft, ...end } = parse(completeBackupInput, event, "The step's input");
  const left = copyLeft && `${COPY_LEFT}${copyLeft}`;
  if (end.failure) {
    const { copied, failure } = end;
    if (copied) await abortHostUpload(cluster, copied.draft.takenAt, copied.uploadId);
    const { error, cause } = failure;
    return {
      backup: null,
      error,
      cause: `${cause}${left}`,
      summary: `The backup by the host came to nothing: ${error}.`,
    };
  }
  const { draft, uploadId } = end.copied;
  const { takenAt } = draft;
  const record = { ...draft, tookMs: Math.max(0, Date.now() - Date.parse(takenAt)) };
  const backup = await withBackups(cluster, 'backing-up', async (client) => {
    await completeHostUpload(client, cluster, { takenAt, uploadId, etags, sizeBytes: draft.compressedBytes });
    return writeRecord(client, cluster, record);
  }).catch(async (error: Error) => {
    // What S3 has refused nobody completes any more; what it has not answered the next try does.
    if (error instanceof PreconditionFailed) await abortHostUpload(cluster, takenAt, uploadId).catch(() => undefined);
    throw error;
  });
  logMetrics([backupMade(cluster.name)]);
  return { backup, error: '', cause: '', summary: `${summarizeBackup(record)}.${left}` };
}
