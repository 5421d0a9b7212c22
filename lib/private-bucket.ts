import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps } from 'aws-cdk-lib/aws-s3';
import { Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/**
 * A bucket that is closed to the public, encrypted, and reached by TLS alone.
 * @param noLog why no log of its accesses is kept
 */
export function privateBucket(scope: Construct, id: string, noLog: string, props: BucketProps): Bucket {
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    encryption: BucketEncryption.S3_MANAGED,
    ...props,
  });
  const reason = `${noLog} A log of accesses would need a second bucket that outlives it. Data events of CloudTrail say the same to those who enable them.`;
  Validations.of(bucket).acknowledge({ id: 'AwsSolutions-S1', reason });
  return bucket;
}
