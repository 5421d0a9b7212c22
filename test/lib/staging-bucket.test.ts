import { describe, expect, it } from 'vitest';
import { clusterSchema } from '../../core/contracts/clusters.ts';
import { documentName } from '../../core/contracts/host-commands.ts';
import { TRANSFERS } from '../../core/contracts/recovery.ts';
import {
  FLEET,
  functionOf,
  INSTANCES,
  MANAGED_NODES,
  NETWORK,
  PLAIN,
  permissionsOf,
  resourcesOf,
  STEPS,
  synthesizeStacks,
} from './stacks.ts';

const backups = (bucket: string, prefix?: string) => ({ bucket, ...(prefix && { prefix }) });
const clusters = FLEET.clusters.map((cluster) =>
  clusterSchema.parse({
    ...cluster,
    ...(cluster.name === 'orders' && { backups: backups('all-backups', 'orders/') }),
    ...(cluster.name === 'billing' && { backups: backups('billing.backups') }),
    ...(cluster.name === 'public' && { backups: backups('billing.backups') }),
  }),
);
const { platform } = synthesizeStacks({ ...FLEET, clusters });
const [[bucketId, bucket] = ['', undefined], ...others] = Object.entries(resourcesOf(platform, 'AWS::S3::Bucket'));

/** What a step may do with these services, each as `action resource`. */
function permissionsOn(template: typeof platform, step: string, service: string): string[] {
  const role = functionOf(template, step)[1].Role['Fn::GetAtt'][0];
  return permissionsOf(template, role).filter((permission) => permission.startsWith(`${service}:`));
}

describe('the staging bucket', () => {
  it('is one, without a name of its own, encrypted and closed to the public', () => {
    expect(others).toEqual([]);
    expect(bucket?.Properties).not.toHaveProperty('BucketName');
    expect(bucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
  });

  it('keeps an object for a day, and half an upload as well', () => {
    expect(bucket?.Properties.LifecycleConfiguration).toEqual({
      Rules: [{ Status: 'Enabled', ExpirationInDays: 1, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }],
    });
  });

  it('goes with the stack, for nothing in it is worth keeping', () => {
    expect(bucket).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
  });

  it('answers nobody without TLS, and its policy lets nobody in', () => {
    const policies = Object.values(resourcesOf(platform, 'AWS::S3::BucketPolicy'));
    expect(policies).toHaveLength(1);
    expect(policies[0]?.Properties.PolicyDocument.Statement).toEqual([
      {
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: 's3:*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        Resource: [
          { 'Fn::GetAtt': [bucketId, 'Arn'] },
          { 'Fn::Join': ['', [{ 'Fn::GetAtt': [bucketId, 'Arn'] }, '/*']] },
        ],
      },
    ]);
  });
});

describe('the environment', () => {
  it('tells the name of the bucket to the two steps that use it', () => {
    for (const step of ['stage-snapshot', 'transfer-snapshots']) {
      expect(functionOf(platform, step)[1].Environment).toEqual({ Variables: { STAGING_BUCKET: { Ref: bucketId } } });
    }
  });
});

describe('permissions', () => {
  it('let stage-snapshot begin, complete, look at and discard uploads, and nothing else', () => {
    expect(permissionsOn(platform, 'stage-snapshot', 's3')).toEqual([
      `s3:AbortMultipartUpload <${bucketId}.Arn>/*`,
      `s3:DeleteObject <${bucketId}.Arn>/*`,
      `s3:GetObject <${bucketId}.Arn>/*`,
      `s3:PutObject <${bucketId}.Arn>/*`,
    ]);
    expect(permissionsOn(platform, 'stage-snapshot', 'ssm')).toEqual([]);
  });

  it('let transfer-snapshots sign URLs for the bucket, and read each backup below its prefix', () => {
    expect(permissionsOn(platform, 'transfer-snapshots', 's3')).toEqual([
      `s3:GetObject <${bucketId}.Arn>/*`,
      's3:GetObject arn:<AWS::Partition>:s3:::all-backups/orders/*',
      's3:GetObject arn:<AWS::Partition>:s3:::billing.backups/*',
      `s3:PutObject <${bucketId}.Arn>/*`,
    ]);
  });

  it('let list-backups list the buckets of backups, and read nothing in them', () => {
    expect(permissionsOn(platform, 'list-backups', 's3')).toEqual([
      's3:ListBucket arn:<AWS::Partition>:s3:::all-backups',
      's3:ListBucket arn:<AWS::Partition>:s3:::billing.backups',
    ]);
  });

  it('let transfer-snapshots send the documents that take a URL, and only those', () => {
    const here = '<AWS::Region>:<AWS::AccountId>';
    const sends = permissionsOn(platform, 'transfer-snapshots', 'ssm').filter((each) => each.includes('SendCommand'));
    expect(sends).toEqual(
      [
        ...TRANSFERS.map((name) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:document/${documentName(name)}`),
        ...INSTANCES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ec2:${here}:instance/${id}`),
        ...MANAGED_NODES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:managed-instance/${id}`),
      ].toSorted(),
    );
  });

  it('let no other step near S3', () => {
    for (const step of STEPS.filter(
      (name) => !['list-backups', 'stage-snapshot', 'transfer-snapshots'].includes(name),
    )) {
      expect(permissionsOn(platform, step, 's3'), step).toEqual([]);
    }
  });

  it('let nobody read a backup where no cluster has one', () => {
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [PLAIN] });
    const read = permissionsOn(stacks.platform, 'transfer-snapshots', 's3').filter((each) =>
      each.includes('GetObject'),
    );
    expect(read).toEqual([expect.stringMatching(/^s3:GetObject <\w+\.Arn>\/\*$/)]);
  });
});
