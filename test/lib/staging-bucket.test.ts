import { describe, expect, it } from 'vitest';
import { FLEET, functionOf, permissionsOf, resourcesOf, STEPS, synthesizeStacks } from './stacks.ts';

const { platform } = synthesizeStacks(FLEET);
const [[bucketId, bucket] = ['', undefined], ...others] = Object.entries(
  resourcesOf(platform, 'AWS::S3::Bucket'),
).filter(([id]) => id.startsWith('Staging'));

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
    const policies = Object.values(resourcesOf(platform, 'AWS::S3::BucketPolicy')).filter(
      ({ Properties }) => Properties.Bucket.Ref === bucketId,
    );
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
      expect(functionOf(platform, step)[1].Environment.Variables.STAGING_BUCKET).toEqual({ Ref: bucketId });
    }
  });
});

describe('permissions', () => {
  it.each(['stage-snapshot', 'transfer-snapshots'])(
    'let the function of %s work with uploads, sign URLs for the bucket, and read no backup but as the role of a cluster',
    (step) => {
      expect(permissionsOn(platform, step, 's3')).toEqual([
        `s3:AbortMultipartUpload <${bucketId}.Arn>/*`,
        `s3:DeleteObject <${bucketId}.Arn>/*`,
        `s3:GetObject <${bucketId}.Arn>/*`,
        `s3:PutObject <${bucketId}.Arn>/*`,
      ]);
    },
  );

  it('let no other step near S3', () => {
    for (const step of STEPS.filter((name) => !['stage-snapshot', 'transfer-snapshots'].includes(name))) {
      expect(permissionsOn(platform, step, 's3'), step).toEqual([]);
    }
  });
});
