import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { BackupPart } from '../../core/backups/by-host.ts';
import { ownBackupsOf } from '../../core/backups/contracts.ts';
import { backupKeys } from '../../core/backups/names.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { sessionOf } from '../cluster-session.ts';
import { EXPIRES_SECONDS } from '../staging/presigned-url.ts';
import { withS3 } from '../staging/s3.ts';
import { encryptionOf, withBackups } from './bucket.ts';
import { completeUpload } from './complete-upload.ts';

/** The upload of a backup whose parts a host sends. Each throws PreconditionFailed and AwsUnavailable. */

function objectOf(cluster: Cluster, takenAt: string) {
  return { Bucket: ownBackupsOf(cluster).bucket, Key: backupKeys(cluster, new Date(takenAt)).snapshot };
}

/** One that nobody knows of any more is ended by the bucket's lifecycle rule. @returns its ID */
export async function beginHostUpload(cluster: Cluster, takenAt: string): Promise<string> {
  return withBackups(cluster, 'backing-up', async (client) => {
    const { UploadId = '' } = await client.send(
      new CreateMultipartUploadCommand({
        ...objectOf(cluster, takenAt),
        ...encryptionOf(ownBackupsOf(cluster)),
        ContentType: 'application/gzip',
      }),
    );
    return UploadId;
  });
}

/** Makes the object of its parts. May be run twice. @param etags in their order @param sizeBytes of all */
export async function completeHostUpload(
  client: S3Client,
  cluster: Cluster,
  { takenAt, uploadId, ...of }: { takenAt: string; uploadId: string; etags: readonly string[]; sizeBytes: number },
): Promise<void> {
  await completeUpload(client, { ...objectOf(cluster, takenAt), UploadId: uploadId }, of);
}

/** Removes what was sent. May be run twice. */
export async function abortHostUpload(cluster: Cluster, takenAt: string, uploadId: string): Promise<void> {
  await withBackups(cluster, 'backing-up', async (client) => {
    const upload = { ...objectOf(cluster, takenAt), UploadId: uploadId };
    await client.send(new AbortMultipartUploadCommand(upload)).catch((error: Error) => {
      if (error.name !== 'NoSuchUpload') throw error;
    });
  });
}

/** A URL by which a host, which has no credentials, may send one part for a while: signed as the role of the cluster, so that it is one of its own. */
export async function partUrl(
  cluster: string,
  { bucket: Bucket, key: Key, uploadId: UploadId, partNumber: PartNumber }: BackupPart['object'],
): Promise<string> {
  // A URL ends with the session that has signed it.
  const session = await sessionOf(cluster, 'backing-up', { anew: true });
  const sign = (client: S3Client) =>
    getSignedUrl(client, new UploadPartCommand({ Bucket, Key, UploadId, PartNumber }), { expiresIn: EXPIRES_SECONDS });
  return withS3(Key, sign, {}, session);
}

/** The same where nobody has begun an upload. A host that gets an answer there, whatever that is, reaches the bucket. */
export function urlToReach(cluster: Cluster): Promise<string> {
  const { Bucket: bucket, Key: key } = objectOf(cluster, new Date().toISOString());
  return partUrl(cluster.name, { bucket, key, uploadId: 'none', partNumber: 1 });
}
