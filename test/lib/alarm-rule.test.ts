import { describe, expect, it } from 'vitest';
import { parseStart } from '../../core/remediation/remediation.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import type { MetricAlarm } from '../../local/aws/alarm-state.ts';
import { CloudWatch } from '../../local/aws/cloudwatch.ts';
import { deliveriesOf } from '../../local/aws/events.ts';
import { FLEET, permissionsOf, render, resourcesOf, synthesizeStacks } from './stacks.ts';

/** What an alarm starts, by the synthesized rule. */

const stacks = synthesizeStacks(FLEET);
const { platform } = stacks;
const [entryId] =
  Object.entries(resourcesOf(platform, 'AWS::StepFunctions::StateMachine')).find(
    ([, { Properties }]) => Properties.StateMachineName === ENTRY_STATE_MACHINE,
  ) ?? [];

/** An alarm that is raised as soon as it is looked at: what is missing is bad. */
function raised(name: string): MetricAlarm {
  const [first] = stacks.alarms;
  if (!first) throw new Error('There is no alarm.');
  return { ...first, name, evaluationPeriods: 1, datapointsToAlarm: 1, treatMissingData: 'breaching' };
}

/** What the rule starts when this alarm goes to ALARM, or to OK. */
function startedBy(name: string, state: 'ALARM' | 'OK' = 'ALARM') {
  const alarm = raised(name);
  const [change] = new CloudWatch([
    state === 'ALARM' ? alarm : { ...alarm, treatMissingData: 'notBreaching' },
  ]).endMinute();
  if (!change) throw new Error('It has not changed.');
  // What measures how long it took is a function, and no remediation waits for it.
  return deliveriesOf(stacks.rules, change.event).filter(({ arn }) => !stacks.functions.includes(arn));
}

describe('an alarm that is raised', () => {
  it.each(stacks.alarms.filter(({ name }) => name.startsWith('etcd-remediation/')).map(({ name }) => name))(
    '%s starts the entry workflow once, for its cluster, with an input that it takes',
    (name) => {
      const [, cluster, kind] = name.split('/');
      expect(startedBy(name)).toEqual([
        {
          arn: `arn:aws:states:local:000000000000:stateMachine:${ENTRY_STATE_MACHINE}`,
          input: { alarm: name },
        },
      ]);
      const started = parseStart(startedBy(name)[0]?.input);
      expect(started).toMatchObject({
        request: { cluster, dryRun: false, reason: `alarm ${name}`, requestedBy: 'cloudwatch' },
        alarm: name,
      });
      expect(Object(started.request).incident).toBe(kind === 'nearly-full' ? 'space-exceeded' : undefined);
      expect(startedBy(name, 'OK')).toEqual([]);
    },
  );

  it('may be one of whoever runs the cluster, by its name', () => {
    for (const name of ['etcd-remediation/orders/slow writes', 'etcd-remediation/orders/team-a/nearly-full']) {
      const [{ input } = { input: null }, ...others] = startedBy(name);
      expect(others).toEqual([]);
      const { request } = parseStart(input);
      expect(request).toMatchObject({ cluster: 'orders' });
      expect(request).not.toHaveProperty('incident');
    }
  });

  it.each(['etcd-remediation/orders', 'etcd-remediation/order', 'etcd-remediation//x', 'etcd-remediation/orders/'])(
    '%s starts it too, which then tells that this names no cluster',
    (name) => {
      const [{ input } = { input: null }] = startedBy(name);
      expect(() => parseStart(input)).toThrow(
        `The alarm "${name}" names no cluster: only an alarm that is called "etcd-remediation/CLUSTER/..." is about one.`,
      );
    },
  );

  it.each([
    ...stacks.alarms.map(({ name }) => name).filter((name) => !name.startsWith('etcd-remediation/')),
    'my/etcd-remediation/orders/space-exceeded',
    'space-exceeded',
  ])('%s starts nothing', (name) => {
    expect(startedBy(name)).toEqual([]);
  });
});

describe('the rule', () => {
  const rules = Object.entries(resourcesOf(platform, 'AWS::Events::Rule')).filter(([id]) => id.startsWith('AlarmRule'));
  const [[ruleId, rule] = ['', undefined]] = rules;
  const [queueId = '', queue] =
    Object.entries(resourcesOf(platform, 'AWS::SQS::Queue')).find(([id]) => id.startsWith('AlarmRule')) ?? [];

  it('is one for all clusters, tries for an hour, and keeps what could not be delivered', () => {
    expect(rules).toHaveLength(1);
    const [target, ...others] = rule?.Properties.Targets ?? [];
    expect(others).toEqual([]);
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 });
    expect(target.DeadLetterConfig).toEqual({ Arn: { 'Fn::GetAtt': [queueId, 'Arn'] } });
    expect(render(target.Arn)).toBe(`<${entryId}>`);
  });

  it('may start the entry workflow, and nothing else', () => {
    const role = rule?.Properties.Targets[0].RoleArn['Fn::GetAtt'][0];
    expect(permissionsOf(platform, role)).toEqual([`states:StartExecution <${entryId}>`]);
    const { Statement } = resourcesOf(platform, 'AWS::IAM::Role')[role]?.Properties.AssumeRolePolicyDocument ?? {};
    expect(Statement.map(({ Principal }: { Principal: unknown }) => Principal)).toEqual([
      { Service: 'events.amazonaws.com' },
    ]);
  });

  it('may put into the queue, which is encrypted, and nobody may without encryption on the way', () => {
    expect(queue?.Properties).toEqual({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 });
    const [policy, ...others] = Object.values(resourcesOf(platform, 'AWS::SQS::QueuePolicy')).filter(({ Properties }) =>
      Properties.Queues.some(({ Ref }: { Ref: string }) => Ref === queueId),
    );
    expect(others).toEqual([]);
    expect(policy?.Properties.Queues).toEqual([{ Ref: queueId }]);
    expect(policy?.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'sqs:*',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Principal: { Service: 'events.amazonaws.com' },
        Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [ruleId, 'Arn'] } } },
      }),
    ]);
  });

  it('pages where something could not be delivered', () => {
    const alarm = Object.values(resourcesOf(platform, 'AWS::CloudWatch::Alarm')).find(
      ({ Properties }) => Properties.AlarmName === 'etcd-remediation-undelivered',
    );
    expect(alarm?.Properties).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queueId, 'QueueName'] } }],
      AlarmDescription: expect.stringMatching(/What to do: docs\/runbooks\.md#alarm-undelivered$/),
      AlarmActions: [{ Ref: expect.stringMatching(/^PagesIncoming/) }],
    });
  });
});
