import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/** The services through which the key is used, by callers who may use these services. */
const SERVICES = ['dynamodb', 's3', 'sns'];
const USE = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];

/**
 * Encrypts what is below a construct so far with one key of KMS that is made for it: the topic, the bucket, the table and every log. The key's policy
 * leaves it to each service who may read: so has no role a right to the key besides.
 */
export function encryptWithOwnKey(scope: Construct): void {
  const stack = Stack.of(scope);
  const key = new Key(scope, 'Key', {
    description: 'etcd-remediation: the topic, the buckets, the table and the logs',
    enableKeyRotation: true,
  });
  const { keyArn } = key;
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new AnyPrincipal()],
      actions: [...USE, 'kms:CreateGrant'],
      resources: ['*'],
      conditions: {
        StringEquals: {
          'kms:CallerAccount': stack.account,
          'kms:ViaService': SERVICES.map((service) => `${service}.${stack.region}.amazonaws.com`),
        },
      },
    }),
  );
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  const logs = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  key.addToResourcePolicy(
    new PolicyStatement({
      // As its page has it: of the region.
      principals: [new ServicePrincipal(`logs.${stack.region}.${stack.urlSuffix}`)],
      actions: USE,
      resources: ['*'],
      conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logs } },
    }),
  );
  // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  for (const resource of scope.node.findAll()) {
    if (resource instanceof CfnLogGroup) resource.kmsKeyId = keyArn;
    if (resource instanceof CfnTopic) resource.kmsMasterKeyId = keyArn;
    if (resource instanceof CfnTable) {
      resource.sseSpecification = { sseEnabled: true, sseType: 'KMS', kmsMasterKeyId: keyArn };
    }
    if (resource instanceof CfnBucket) {
      const byKey = { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn };
      resource.bucketEncryption = {
        serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: byKey, bucketKeyEnabled: true }],
      };
    }
  }
}
