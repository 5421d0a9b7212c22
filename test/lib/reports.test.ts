import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { ENTRY, FLEET, functionOf, permissionsOf, ROOT, render, resourcesOf, synthesizeStacks } from './stacks.ts';

const { platform, definitions } = synthesizeStacks(FLEET);
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

  const rules = Object.entries(resourcesOf(platform, 'AWS::Events::Rule')).flatMap(([id, { Properties }]) =>
    id.startsWith('Reports') ? [Properties] : [],
  );
  const [[queueId] = ['']] = Object.entries(resourcesOf(platform, 'AWS::SQS::Queue')).filter(([id]) =>
    id.startsWith('Reports'),
  );
  const queue = { 'Fn::GetAtt': [queueId, 'Arn'] };

  it('are made of each remediation, however it has ended, by a function that nobody waits for', () => {
    expect(rules.map(({ EventPattern }) => EventPattern.detail)).toEqual([
      // How long an alarm took is measured there too.
      { state: { value: ['ALARM'] } },
      {
        stateMachineArn: [{ Ref: expect.stringContaining('Remediation') }],
        status: ['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'],
      },
    ]);
    for (const { Targets } of rules) {
      expect(Targets.map(({ Arn }: { Arn: unknown }) => render(Arn))).toEqual([`<${functionId}.Arn>`]);
    }
  });

  it('that are lost on any way are kept as the event that asked for them, and a person is called', () => {
    for (const { Targets } of rules) {
      expect(Targets[0]).toMatchObject({
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 },
        DeadLetterConfig: { Arn: queue },
      });
    }
    const asked = Object.values(resourcesOf(platform, 'AWS::Lambda::EventInvokeConfig')).find(
      ({ Properties }) => Properties.FunctionName.Ref === functionId,
    );
    expect(asked?.Properties).toMatchObject({
      ...{ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3600 },
      DestinationConfig: { OnFailure: { Destination: queue } },
    });
    const alarm = Object.values(resourcesOf(platform, 'AWS::CloudWatch::Alarm')).find(
      ({ Properties }) => Properties.AlarmName === 'etcd-remediation-reports',
    );
    const incoming = [{ Ref: expect.stringMatching(/^PagesIncoming/) }];
    expect(alarm?.Properties).toMatchObject({
      ...{ MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1, TreatMissingData: 'notBreaching' },
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queueId, 'QueueName'] } }],
      ...{ AlarmActions: incoming, OKActions: incoming },
      AlarmDescription: expect.stringMatching(/What to do: docs\/runbooks\.md#alarm-reports$/),
    });
    expect(readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8')).toContain('\n### Alarm reports\n');
  });

  it('are made by who may read executions and write below one prefix, and nothing else', () => {
    const own = permissionsOf(platform, properties.Role['Fn::GetAtt'][0]).filter((each) => !/^(logs|xray):/.test(each));
    const machines = [ENTRY, ...Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName)];
    const reads = machines.flatMap((name) =>
      ['DescribeExecution', 'GetExecutionHistory'].map(
        (action) => `states:${action} arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${name}:*`,
      ),
    );
    const queued = ['GetQueueAttributes', 'GetQueueUrl', 'SendMessage'].map(
      (action) => `sqs:${action} <${queueId}.Arn>`,
    );
    expect(own.toSorted()).toEqual([...reads, ...queued, `s3:PutObject <${bucketId}.Arn>/remediations/*`].toSorted());
    expect(properties).not.toHaveProperty('VpcConfig');
  });

  it('are named to whoever asks the API, in the pages of what has ended, and on the dashboard', () => {
    const [, api] = functionOf(platform, 'api');
    expect(render(api.Environment.Variables.REPORTS)).toBe(`s3://<${bucketId}>/remediations/`);
    const named = Object.values(definitions).flatMap((definition) => {
      const { States } = JSON.parse(definition);
      return Object.keys(States).filter((name) =>
        JSON.stringify(States[name].Arguments ?? '').includes(
          `/s3/object/<${bucketId}>?region=REGION&prefix=remediations/`,
        ),
      );
    });
    expect(named.toSorted()).toEqual([
      'Page that it has failed',
      'Page that it is resolved',
      'Page that it was cut off',
    ]);
    const [dashboard] = Object.values(resourcesOf(platform, 'AWS::CloudWatch::Dashboard'));
    expect(JSON.stringify(dashboard?.Properties.DashboardBody)).toContain(`{"Ref":"${bucketId}"}`);
  });
});
