import { describe, expect, it } from 'vitest';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { ENTRY, FLEET, functionOf, permissionsOf, render, resourcesOf, synthesizeStacks } from './stacks.ts';

const { platform } = synthesizeStacks(FLEET);
const [[bucketId, bucket] = ['', undefined]] = Object.entries(resourcesOf(platform, 'AWS::S3::Bucket')).filter(([id]) =>
  id.startsWith('Reports'),
);
const [functionId, properties] = functionOf(platform, 'reports');

describe('reports', () => {
  it('lie in a bucket of their own, encrypted and closed to the public, for a year and a month, and stay when the stack goes', () => {
    expect(bucket).toMatchObject({
      ...{ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' },
      Properties: {
        PublicAccessBlockConfiguration: {
          ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: { Rules: [{ Status: 'Enabled', ExpirationInDays: 396 }] },
      },
    });
  });

  it('are made of each remediation, however it has ended, by a function that nobody waits for', () => {
    const rules = Object.entries(resourcesOf(platform, 'AWS::Events::Rule')).filter(([id]) => id.startsWith('Reports'));
    expect(rules.map(([, { Properties }]) => Properties.EventPattern)).toEqual([
      {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [{ Ref: expect.stringContaining('Remediation') }],
          status: ['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'],
        },
      },
    ]);
    expect(
      rules.map(([, { Properties }]) => Properties.Targets.map(({ Arn }: { Arn: unknown }) => render(Arn))),
    ).toEqual([[`<${functionId}.Arn>`]]);
  });

  it('are made by who may read executions and write below one prefix, and nothing else', () => {
    const own = permissionsOf(platform, properties.Role['Fn::GetAtt'][0]).filter((each) => !/^(logs|xray):/.test(each));
    const machines = [ENTRY, ...Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName)];
    const reads = machines.flatMap((name) =>
      ['DescribeExecution', 'GetExecutionHistory'].map(
        (action) => `states:${action} arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${name}:*`,
      ),
    );
    expect(own.toSorted()).toEqual([...reads, `s3:PutObject <${bucketId}.Arn>/remediations/*`].toSorted());
    expect(properties).not.toHaveProperty('VpcConfig');
  });

  it('are named to whoever asks the API, and in the page of a failure', () => {
    const [, api] = functionOf(platform, 'api');
    expect(render(api.Environment.Variables.REPORTS)).toBe(`s3://<${bucketId}>/remediations/`);
    const entry = Object.values(resourcesOf(platform, 'AWS::StepFunctions::StateMachine')).find(
      ({ Properties }) => Properties.StateMachineName === ENTRY,
    );
    const { States } = JSON.parse(
      render(entry?.Properties.DefinitionString).replaceAll(/<[^<>"]*>/g, (each) => each.replaceAll('"', "'")),
    );
    expect(States['Page that it has failed'].Arguments.Message).toContain(`s3://<${bucketId}>/remediations/`);
  });
});
