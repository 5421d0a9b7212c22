import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ENTRY_STATE_MACHINE, parseStart } from '../../core/contracts/remediation.ts';
import { CloudWatch, type MetricAlarm } from '../../local/aws/cloudwatch.ts';
import { deliveriesOf } from '../../local/aws/events.ts';
import { FLEET, permissionsOf, render, resourcesOf, synthesizeStacks } from './stacks.ts';

/** What an alarm starts, by the synthesized rules. */

const stacks = synthesizeStacks(FLEET);
const NAMES = FLEET.clusters.map(({ name }) => name);
const HERE = '<AWS::Region>:<AWS::AccountId>';
const ENTRY = `arn:<AWS::Partition>:states:${HERE}:stateMachine:${ENTRY_STATE_MACHINE}`;

function stackOf(cluster: string): Template {
  const template = stacks.clusters[cluster];
  if (!template) throw new Error(`There is no stack of ${cluster}.`);
  return template;
}

/** An alarm that is raised as soon as it is looked at: what is missing is bad. */
function raised(name: string): MetricAlarm {
  const [first] = stacks.alarms;
  if (!first) throw new Error('There is no alarm.');
  return { ...first, name, evaluationPeriods: 1, datapointsToAlarm: 1, treatMissingData: 'breaching' };
}

/** What the rules of all clusters start when this alarm goes to ALARM, or to OK. */
function startedBy(name: string, state: 'ALARM' | 'OK' = 'ALARM') {
  const alarm = raised(name);
  const [change] = new CloudWatch([
    state === 'ALARM' ? alarm : { ...alarm, treatMissingData: 'notBreaching' },
  ]).endMinute();
  if (!change) throw new Error('It has not changed.');
  return deliveriesOf(stacks.rules, change.event);
}

describe('an alarm that is raised', () => {
  it.each(stacks.alarms.filter(({ name }) => name.startsWith('etcd-remediation/')).map(({ name }) => name))(
    '%s starts the entry workflow once, for its cluster, with an input that it takes',
    (name) => {
      const [, cluster, kind] = name.split('/');
      expect(startedBy(name)).toEqual([
        {
          arn: `arn:aws:states:local:000000000000:stateMachine:${ENTRY_STATE_MACHINE}`,
          input: {
            cluster,
            ...(kind === 'nearly-full' && { incident: 'space-exceeded' }),
            alarm: name,
          },
        },
      ]);
      expect(parseStart(startedBy(name)[0]?.input)).toMatchObject({
        request: { cluster, dryRun: false, reason: `alarm ${name}`, requestedBy: 'cloudwatch' },
        alarm: name,
      });
      expect(startedBy(name, 'OK')).toEqual([]);
    },
  );

  it('may be one of whoever runs the cluster, by its name', () => {
    for (const name of ['etcd-remediation/orders/slow writes', 'etcd-remediation/orders/team-a/nearly-full']) {
      expect(startedBy(name)).toEqual([{ arn: expect.any(String), input: { cluster: 'orders', alarm: name } }]);
    }
  });

  it.each([
    ...stacks.alarms.map(({ name }) => name).filter((name) => !name.startsWith('etcd-remediation/')),
    'etcd-remediation/nobody/space-exceeded',
    'etcd-remediation/orders-2/space-exceeded',
    'etcd-remediation/order',
    'etcd-remediation/orders',
    'my/etcd-remediation/orders/space-exceeded',
    'space-exceeded',
  ])('%s starts nothing', (name) => {
    expect(startedBy(name)).toEqual([]);
  });
});

describe('the rules', () => {
  const rulesOf = (name: string) => Object.entries(resourcesOf(stackOf(name), 'AWS::Events::Rule'));

  it.each(NAMES)('of %s try for an hour, and keep what could not be delivered', (name) => {
    const [queue] = Object.keys(resourcesOf(stackOf(name), 'AWS::SQS::Queue'));
    const targets = rulesOf(name).flatMap(([, { Properties }]) => Properties.Targets);
    expect(targets).toHaveLength(2);
    for (const target of targets) {
      expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 });
      expect(target.DeadLetterConfig).toEqual({ Arn: { 'Fn::GetAtt': [queue, 'Arn'] } });
      expect(render(target.Arn)).toBe(ENTRY);
    }
  });

  it.each(NAMES)('of %s may start the entry workflow, and nothing else', (name) => {
    const template = stackOf(name);
    const roles = rulesOf(name).map(([, { Properties }]) => Properties.Targets[0].RoleArn['Fn::GetAtt'][0]);
    expect(new Set(roles).size).toBe(1);
    expect(permissionsOf(template, roles[0])).toEqual([`states:StartExecution ${ENTRY}`]);
    const { Statement } = resourcesOf(template, 'AWS::IAM::Role')[roles[0]]?.Properties.AssumeRolePolicyDocument ?? {};
    expect(Statement.map(({ Principal }: { Principal: unknown }) => Principal)).toEqual([
      { Service: 'events.amazonaws.com' },
    ]);
  });

  it.each(NAMES)(
    'of %s may put into the queue, which is encrypted, and nobody may without encryption on the way',
    (name) => {
      const template = stackOf(name);
      const [[queueId, queue] = ['', undefined], ...others] = Object.entries(resourcesOf(template, 'AWS::SQS::Queue'));
      expect(others).toEqual([]);
      expect(queue?.Properties).toEqual({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 });
      const [policy] = Object.values(resourcesOf(template, 'AWS::SQS::QueuePolicy'));
      expect(policy?.Properties.Queues).toEqual([{ Ref: queueId }]);
      const statements = policy?.Properties.PolicyDocument.Statement;
      expect(statements).toEqual([
        expect.objectContaining({
          Effect: 'Deny',
          Action: 'sqs:*',
          Principal: { AWS: '*' },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        ...rulesOf(name).map(([ruleId]) =>
          expect.objectContaining({
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Principal: { Service: 'events.amazonaws.com' },
            Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [ruleId, 'Arn'] } } },
          }),
        ),
      ]);
    },
  );
});
