import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { StoredObject } from '../../core/quorum-recovery/staging-contracts.ts';
import { sessionOf } from '../cluster-session.ts';
import { readFirstByte, stagingBucket, withS3 } from './s3.ts';

/**
 * A URL is on the host's disk in plain text, so it lives no longer than its transfer needs. That is until the last try of
 * the host begins. The command waits a minute for its delivery, and for other commands of the host. Five tries, each given up
 * after a minute without data, are 5 x 70 s + 15 s. A transfer that has begun may take longer.
 */
export const EXPIRES_SECONDS = 15 * 60;

const LOOK_AT_KEY = 'Look at "key" of parameters.snapshot, and at "backups" of the cluster in clusters.json.';

/** What S3 says of a backup that cannot be restored. */
const BACKUP_REFUSALS = {
  NoSuchKey: `There is no such object. ${LOOK_AT_KEY}`,
  NoSuchBucket:
    'The bucket does not exist. Correct "backups" of the cluster in clusters.json, and, with AWS, deploy again.',
  AccessDenied:
    'It is not there, for so S3 answers too; or it is outside of the bucket and prefix that "backups" of the cluster in clusters.json had ' +
    "when it was deployed; or the bucket's policy, or the policy of the KMS key that it is encrypted with, does not let the role of " +
    `the cluster read it. ${LOOK_AT_KEY}`,
  PermanentRedirect:
    'The bucket is in another region. Copy the backup into a bucket of this one, and name that under "backups".',
  InvalidObjectState: 'It is archived. Restore it from its storage class first.',
  InvalidRange: 'It is empty, so it is no snapshot. Name another one.',
};

/**
 * A URL by which a host, which has no credentials, may read or write one object for a while. Anyone who knows it may: it belongs into the command that
 * is sent, and nowhere else. SSM Agent writes the whole command to the host's disk, where root may read it, and keeps it there for two weeks. That of
 * a backup is signed as the cluster's role, so that it is one of this cluster.
 * @throws PreconditionFailed where a backup cannot be read, AwsUnavailable, InvalidInput where there is no such cluster
 */
export async function presignedUrl(object: StoredObject, cluster: string): Promise<string> {
  const Bucket = object.access === 'read-backup' ? object.bucket : stagingBucket();
  const named = { Bucket, Key: object.key };
  const subject = object.access === 'read-backup' ? `the backup "${object.key}" in ${Bucket}` : object.key;
  return withS3(
    subject,
    async (client) => {
      if (object.access === 'read-backup') await readFirstByte(client, named);
      const options = { expiresIn: EXPIRES_SECONDS };
      if (object.access === 'write') return getSignedUrl(client, new PutObjectCommand(named), options);
      if (object.access !== 'write-part') return getSignedUrl(client, new GetObjectCommand(named), options);
      const part = { UploadId: object.uploadId, PartNumber: object.partNumber };
      return getSignedUrl(client, new UploadPartCommand({ ...named, ...part }), options);
    },
    object.access === 'read-backup' ? BACKUP_REFUSALS : {},
    // A URL ends with the session that has signed it.
    object.access === 'read-backup' ? await sessionOf(cluster, 'transfers', { anew: true }) : undefined,
  );
}
