import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { privateBucket } from './private-bucket.ts';
import type { StepFunction } from './step-function.ts';

/**
 * The bucket through which a snapshot gets from host to host, and what one function may do in it. Hosts have no permissions here: they get
 * presigned URLs, each for one object and a quarter of an hour.
 *
 * S3's own key encrypts it. With a KMS key, each presigned URL would also need the right to that key, and it would keep out no one
 * that the bucket lets in.
 */
export class StagingBucket extends Construct {
  readonly #bucket: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const noLog = 'An object is here for the minutes of a recovery, and the history of the execution says who read it.';
    this.#bucket = privateBucket(this, 'Bucket', noLog, {
      // A recovery removes its snapshot itself: this is for one that was stopped.
      lifecycleRules: [{ expiration: Duration.days(1), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      // Nothing in it is worth keeping. While something is staged, the stack cannot be deleted.
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /** To begin, complete and discard uploads, to look at what was staged, and to sign URLs by which hosts write and read here. */
  grant({ function: step }: StepFunction): void {
    const { role } = step;
    if (!role) throw new Error('A step has a role of its own.');
    step.addEnvironment('STAGING_BUCKET', this.#bucket.bucketName);
    // S3 asks for s3:PutObject to begin or complete an upload.
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    const actions = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject'];
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [this.#bucket.arnForObjects('*')] }));
    const logicalId = Stack.of(this).getLogicalId(this.#bucket.node.defaultChild as CfnBucket);
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/*]`,
      reason: 'Which object it is depends on the execution: all of the staging bucket.',
    });
  }
}
