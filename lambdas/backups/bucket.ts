import type { S3Client } from '@aws-sdk/client-s3';
import { type OwnBackups, ownBackupsOf } from '../../core/backups/contracts.ts';
import type { ClusterAccess } from '../../core/cluster/cluster-role.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { sessionOf } from '../cluster-session.ts';
import { withS3 } from '../staging/s3.ts';

const OF_THE_KEY =
  'Look at the KMS key that encrypts the bucket or that "kmsKey" in "backups" names, and at its policy.';

/** What S3 refuses a cluster's own backups with, and what that means to a responder. */
const PLACE_REFUSALS = {
  NoSuchBucket:
    'There is no such bucket. Make it, or correct "backups" of the cluster in clusters.json, and, with AWS, deploy again.',
  AccessDenied:
    'The role of the cluster may not do so. Either it was deployed before "backups" was as it is now: deploy the cluster\'s stack again. Or the bucket\'s ' +
    'policy, or the policy of the KMS key that encrypts it, keeps the role out.',
  InvalidPart: 'The parts in the bucket are not those that were sent, so no backup is made of them. Back up again.',
  NoSuchUpload:
    'The upload was ended before it was complete: by a lifecycle rule of the bucket that ends uploads in less than a day, or by another person or program. ' +
    'Back up again.',
  PermanentRedirect: 'The bucket is in another region. Name one of this region under "backups".',
  'KMS.NotFoundException': OF_THE_KEY,
  'KMS.DisabledException': OF_THE_KEY,
  'KMS.KMSInvalidStateException': OF_THE_KEY,
} as const;

/**
 * Runs calls of S3 as the cluster's role, for its own backups.
 * @throws PreconditionFailed, AwsUnavailable, InvalidInput where none are to be made
 */
export async function withBackups<Result>(
  cluster: Cluster,
  access: ClusterAccess,
  run: (client: S3Client) => Promise<Result>,
): Promise<Result> {
  const { bucket, prefix } = ownBackupsOf(cluster);
  return withS3(`s3://${bucket}/${prefix}`, run, PLACE_REFUSALS, await sessionOf(cluster.name, access));
}

/** As what S3 stores an object, where the configuration says so. */
export function encryptionOf({ kmsKey }: OwnBackups): {
  ServerSideEncryption?: 'aws:kms';
  SSEKMSKeyId?: string;
} {
  return kmsKey === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey };
}
