import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../core/cluster/metrics.ts';
import { DETECTOR_FUNCTION, detectIncidentsInput, INCOMING_PAGES_TOPIC } from '../../core/diagnosis/detection.ts';
import { invocationSchema } from '../../core/remediation/invocation.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { FLEET, functionOf, permissionsOf, ROOT, render, resourcesOf, synthesizeStacks } from './stacks.ts';

/** How each cluster is watched: its schedule, its alarms, and its dashboard. */

const stacks = synthesizeStacks(FLEET);
const NAMES = FLEET.clusters.map(({ name }) => name);
const HERE = '<AWS::Region>:<AWS::AccountId>';
const PAGES = `arn:<AWS::Partition>:sns:${HERE}:${INCOMING_PAGES_TOPIC}`;
const DETECTOR = `arn:<AWS::Partition>:lambda:${HERE}:function:${DETECTOR_FUNCTION}`;

const [schedulerId = '', SCHEDULER] =
  Object.entries(resourcesOf(stacks.platform, 'AWS::IAM::Role')).find(([id]) => id.startsWith('DetectorSchedules')) ??
  [];

function stackOf(cluster: string): Template {
  const template = stacks.clusters[cluster];
  if (!template) throw new Error(`There is no stack of ${cluster}.`);
  return template;
}

/** `etcd-remediation/orders/...` -> `etcd-remediation/CLUSTER/...` */
function alarmsOf(cluster: string) {
  return Object.values(resourcesOf(stackOf(cluster), 'AWS::CloudWatch::Alarm')).map(({ Properties }) => ({
    ...Properties,
    name: Properties.AlarmName.replace(`/${cluster}`, '/CLUSTER'),
    pages: (Properties.AlarmActions ?? []).map(render),
  }));
}

describe("a cluster's stack", () => {
  it.each(NAMES)('holds what reaches and watches %s, and nothing of the platform: it imports nothing', (name) => {
    const { Resources, Outputs } = stackOf(name).toJSON();
    const types = Object.values(Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
    expect([...new Set(types)].toSorted()).toEqual([
      'AWS::CloudWatch::Alarm',
      'AWS::CloudWatch::Dashboard',
      ...(name === 'plain' ? [] : ['AWS::IAM::Role']),
      'AWS::SSM::Parameter',
      'AWS::Scheduler::Schedule',
    ]);
    expect(Outputs).toBeUndefined();
    expect(JSON.stringify(Resources)).not.toContain('Fn::ImportValue');
  });
});

describe('the detector', () => {
  it.each(NAMES)('looks at %s each minute, and makes up for no look that was missed', (name) => {
    const schedules = Object.values(resourcesOf(stackOf(name), 'AWS::Scheduler::Schedule'));
    expect(schedules).toHaveLength(1);
    const { Target, ...schedule } = schedules[0]?.Properties ?? {};
    expect(schedule).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      State: 'ENABLED',
    });
    expect(Target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 });
    expect(render(Target.Arn)).toBe(DETECTOR);
    const { step, input } = invocationSchema.parse(JSON.parse(Target.Input));
    expect(step).toBe('detect-incidents');
    expect(detectIncidentsInput.parse(input)).toEqual({ cluster: name });
  });

  it.each(NAMES)('is invoked for %s by the one role of all schedules, which is found by its name', (name) => {
    const [schedule] = Object.values(resourcesOf(stackOf(name), 'AWS::Scheduler::Schedule'));
    expect(render(schedule?.Properties.Target.RoleArn)).toBe(
      `arn:<AWS::Partition>:iam::<AWS::AccountId>:role/${render(SCHEDULER?.Properties.RoleName)}`,
    );
  });

  it('is invoked by a role that may do that and start backups, rehearsals and maintenance alone, for schedules of this account', () => {
    expect(permissionsOf(stacks.platform, schedulerId)).toEqual([
      `lambda:InvokeFunction ${DETECTOR}`,
      `states:StartExecution arn:<AWS::Partition>:states:${HERE}:stateMachine:etcd-remediation`,
      `states:StartExecution arn:<AWS::Partition>:states:${HERE}:stateMachine:etcd-remediation-backup`,
      `states:StartExecution arn:<AWS::Partition>:states:${HERE}:stateMachine:etcd-remediation-rehearsal`,
    ]);
    const statements = SCHEDULER?.Properties.AssumeRolePolicyDocument.Statement ?? [];
    expect(statements).toHaveLength(1);
    const { Principal, Condition } = statements[0];
    expect(Principal).toEqual({ Service: 'scheduler.amazonaws.com' });
    expect(Object.keys(Condition)).toEqual(['StringEquals']);
    expect(Condition.StringEquals['aws:SourceAccount']).toEqual({ Ref: 'AWS::AccountId' });
    expect(render(Condition.StringEquals['aws:SourceArn'])).toBe(
      `arn:<AWS::Partition>:scheduler:${HERE}:schedule-group/default`,
    );
  });

  it('is one function, which all schedules reach by its name, and the embedded platform too', () => {
    const [, { FunctionName }] = functionOf(stacks.platform, 'detect-incidents');
    expect(FunctionName).toBe(DETECTOR_FUNCTION);
    expect(stacks.schedules).toHaveLength(NAMES.length);
    expect(stacks.schedules).toEqual(
      expect.arrayContaining(
        NAMES.map((cluster) => ({
          functionArn: `arn:aws:lambda:local:000000000000:function:${DETECTOR_FUNCTION}`,
          input: { step: 'detect-incidents', input: { cluster } },
        })),
      ),
    );
  });
});

describe('the alarms', () => {
  const PAGING = [
    'etcd-remediation/CLUSTER/data-corrupt',
    'etcd-remediation/CLUSTER/member-inaccessible',
    'etcd-remediation/CLUSTER/persists',
    'etcd-remediation/CLUSTER/quorum-lost',
    'etcd-remediation/CLUSTER/space-exceeded',
    'etcd-remediation-certificate-expiring/CLUSTER',
    'etcd-remediation-detector/CLUSTER',
    'etcd-remediation-login/CLUSTER',
  ];

  it('are these, and say for how many minutes what has to be so, and what is so when nothing was read', () => {
    const table = alarmsOf('orders').map(
      ({ name, Statistic, MetricName, ComparisonOperator, Threshold, EvaluationPeriods, TreatMissingData }) =>
        `${name}: ${Statistic} ${MetricName} ${ComparisonOperator} ${Threshold} for ${EvaluationPeriods}, ${TreatMissingData}`,
    );
    expect(table.toSorted()).toEqual([
      'etcd-remediation-certificate-expiring/CLUSTER: Maximum CertificatesEnding GreaterThanOrEqualToThreshold 1 for 5, missing',
      'etcd-remediation-detector/CLUSTER: Maximum DetectorErrors GreaterThanOrEqualToThreshold 1 for 5, breaching',
      'etcd-remediation-login/CLUSTER: Maximum LoginUnfit GreaterThanOrEqualToThreshold 1 for 5, missing',
      'etcd-remediation/CLUSTER/auth-token-invalid: Maximum TokensRejected GreaterThanOrEqualToThreshold 1 for 3, missing',
      'etcd-remediation/CLUSTER/data-corrupt: Maximum Corrupt GreaterThanOrEqualToThreshold 1 for 1, missing',
      'etcd-remediation/CLUSTER/member-failed: Maximum FailedMembers GreaterThanOrEqualToThreshold 1 for 3, missing',
      'etcd-remediation/CLUSTER/member-inaccessible: Maximum InaccessibleMembers GreaterThanOrEqualToThreshold 1 for 3, missing',
      'etcd-remediation/CLUSTER/nearly-full: Maximum QuotaUsedPercent GreaterThanThreshold 80 for 5, missing',
      'etcd-remediation/CLUSTER/persists: Maximum IncidentPresent GreaterThanOrEqualToThreshold 1 for 30, missing',
      'etcd-remediation/CLUSTER/quorum-lost: Minimum HasLeader LessThanThreshold 1 for 3, missing',
      'etcd-remediation/CLUSTER/space-exceeded: Maximum NoSpace GreaterThanOrEqualToThreshold 1 for 1, missing',
    ]);
  });

  it.each(NAMES)(
    'of %s are the same, but one for tokens only where there is a login, and one for certificates where there are any',
    (name) => {
      const hasLogin = FLEET.clusters.find((cluster) => cluster.name === name)?.auth !== undefined;
      const expected = alarmsOf('orders')
        .map((alarm) => alarm.name)
        .filter((alarm) => hasLogin || !alarm.endsWith('/auth-token-invalid'))
        .filter((alarm) => name !== 'plain' || !alarm.includes('certificate'));
      expect(alarmsOf(name).map((alarm) => alarm.name)).toEqual(expected);
    },
  );

  it.each(NAMES)('of %s each watch its own metric minute by minute, and want every minute', (name) => {
    for (const alarm of alarmsOf(name)) {
      expect(alarm.Period).toBe(60);
      expect(alarm.DatapointsToAlarm).toBe(alarm.EvaluationPeriods);
      expect(alarm.Namespace).toBe('EtcdRemediation');
      expect(Object.keys(METRICS)).toContain(alarm.MetricName);
      expect(alarm.Dimensions).toEqual([{ Name: 'cluster', Value: name }]);
    }
  });

  it.each(NAMES)('of %s call for a person where nobody else would do anything, or it is grave', (name) => {
    for (const alarm of alarmsOf(name)) {
      expect(alarm.pages, alarm.name).toEqual(PAGING.includes(alarm.name) ? [PAGES] : []);
      // Whoever was called is called off.
      expect((alarm.OKActions ?? []).map(render), alarm.name).toEqual(alarm.pages);
      expect(alarm).not.toHaveProperty('ActionsEnabled');
    }
  });

  it('reach the topic by its name', () => {
    const incoming = `arn:aws:sns:local:000000000000:${INCOMING_PAGES_TOPIC}`;
    expect(stacks.topics).toContain(incoming);
    const ofClusters = stacks.alarms.filter(({ name }) => NAMES.some((cluster) => name.split('/').includes(cluster)));
    expect(new Set(ofClusters.flatMap(({ actions }) => actions))).toEqual(new Set([incoming]));
  });

  it('say what is wrong, and name the entry that says what to do', () => {
    const headings = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8').matchAll(/^#+ (.*)$/gm);
    // As GitHub makes an anchor of a heading.
    const anchors = [...headings].map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const { AlarmDescription, name } of alarmsOf('orders')) {
      expect(AlarmDescription, name).toMatch(/^[A-Z].*\borders\b.*\. What to do: docs\/runbooks\.md#[a-z-]+$/);
      expect(anchors, name).toContain(AlarmDescription.split('#')[1]);
    }
  });
});

describe('the dashboard', () => {
  it.each(NAMES)('of %s shows every alarm and every metric, of each of its members too', (name) => {
    const [dashboard, ...others] = Object.values(resourcesOf(stackOf(name), 'AWS::CloudWatch::Dashboard'));
    expect(others).toEqual([]);
    expect(dashboard?.Properties.DashboardName).toBe(`etcd-remediation-${name}`);
    const { widgets } = JSON.parse(render(dashboard?.Properties.DashboardBody));
    const shown = new Set(
      widgets.flatMap(({ properties }: { properties: { metrics?: unknown[][] } }) =>
        (properties.metrics ?? []).map((metric) => metric.filter((part) => typeof part === 'string').join(' ')),
      ),
    );
    const ofMember = ['QuotaUsedPercent', 'FragmentationPercent', 'RaftLagEntries'];
    // Of those that make backups: see backups.test.ts.
    const ofAll = Object.keys(METRICS)
      .filter((metric) => !['BackupsMade', 'BackupAgeSeconds', 'RehearsalSeconds', 'RestoreUnproven'].includes(metric))
      .filter((metric) => name !== 'plain' || !metric.startsWith('Certificate'));
    const expected = ofAll.flatMap((metric) =>
      ofMember.includes(metric)
        ? [`EtcdRemediation ${metric} cluster ${name} member node1`]
        : [`EtcdRemediation ${metric} cluster ${name}`],
    );
    expect([...shown].toSorted()).toEqual(expected.toSorted());
    const texts = widgets.flatMap(({ properties }: { properties: { markdown?: string } }) => properties.markdown ?? []);
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(
      /https:\/\/<Console>\/states\/home\?region=<AWS::Region>#\/statemachines\/view\/arn:\S+:stateMachine:etcd-remediation\)/,
    );
    expect(texts[0]).toContain(
      '[All clusters, and the reports](https://<Console>/cloudwatch/home?region=<AWS::Region>#dashboards/dashboard/etcd-remediation)',
    );
    const alarms = widgets.flatMap(({ properties }: { properties: { alarms?: string[] } }) => properties.alarms ?? []);
    const inStack = Object.keys(resourcesOf(stackOf(name), 'AWS::CloudWatch::Alarm')).map((id) => `<${id}.Arn>`);
    expect(inStack.toSorted()).toEqual(alarms.toSorted());
  });
});

describe('the dashboard of the fleet', () => {
  const [dashboard] = Object.values(resourcesOf(stacks.platform, 'AWS::CloudWatch::Dashboard'));
  const body = render(dashboard?.Properties.DashboardBody);
  const { widgets } = JSON.parse(body);
  const expressions: string[] = widgets.flatMap(({ properties }: { properties: { metrics?: unknown[][] } }) =>
    (properties.metrics ?? []).flatMap((metric) => metric.flatMap((part) => (Object(part).expression as string) ?? [])),
  );

  it('names no cluster, and no member: it is the same whatever clusters there are', () => {
    expect(dashboard?.Properties.DashboardName).toBe('etcd-remediation');
    for (const name of [...NAMES, 'node1']) expect(body).not.toContain(name);
  });

  it('counts the healthy, those with an incident, and those that wait for an approval', () => {
    const counting = expressions.filter((expression) => !expression.includes('GROUP BY'));
    expect(new Set(counting)).toEqual(
      new Set([
        'looked - incidents',
        'FILL(started, 0) - FILL(succeeded, 0) - FILL(failed, 0) - FILL(stopped, 0) - FILL(timedOut, 0)',
        ...[
          ...['COUNT(IncidentPresent)', 'SUM(IncidentPresent)', 'SUM(DetectorErrors)', 'SUM(ApprovalWanted)'],
          ...['MAX(DetectionSeconds)', 'MAX(RemediationSeconds)'],
        ].map((measure) => `SELECT ${measure} FROM SCHEMA("EtcdRemediation", cluster)`),
      ]),
    );
  });

  it("counts remediations by Step Functions' own metrics of the entry workflow, and runbooks by those of theirs", () => {
    const counted = widgets.flatMap(({ properties }: { properties: { metrics?: unknown[][] } }) =>
      (properties.metrics ?? []).flatMap(([namespace, metric, dimension, arn]) =>
        namespace === 'AWS/States' ? [`${metric} ${dimension} ${String(arn).split(':').at(-1)}`] : [],
      ),
    );
    const of = (name: string, ...metrics: string[]) => metrics.map((metric) => `${metric} StateMachineArn ${name}`);
    const ends = [
      'ExecutionsStarted',
      'ExecutionsSucceeded',
      'ExecutionsFailed',
      'ExecutionsAborted',
      'ExecutionsTimedOut',
    ];
    expect(counted).toEqual(
      expect.arrayContaining([
        ...of('etcd-remediation', ...ends, 'ExecutionThrottled'),
        ...Object.values(RUNBOOKS).flatMap(({ stateMachineName }) => of(stateMachineName, 'ExecutionsStarted')),
      ]),
    );
  });

  it('leads to what runs, and to the reports', () => {
    const texts = widgets
      .map(({ properties }: { properties: { markdown?: string } }) => properties.markdown ?? '')
      .join('\n');
    expect(texts).toMatch(
      /\(https:\/\/<Console>\/states\/home\?region=<AWS::Region>#\/statemachines\/view\/arn:\S+:stateMachine:etcd-remediation\)/,
    );
    expect(texts).toMatch(
      /\[Reports\]\(https:\/\/<Console>\/s3\/buckets\/<Reports\w+>\?region=<AWS::Region>&prefix=remediations\/\)/,
    );
  });

  it('names those that matter most, by metrics that there are, and no more than a graph can show', () => {
    const naming = expressions.filter((expression) => expression.includes('GROUP BY'));
    expect(naming.length).toBeGreaterThan(3);
    for (const expression of naming) {
      const [, how, metric = ''] =
        /^SELECT (\w+)\((\w+)\) FROM SCHEMA\("EtcdRemediation", cluster\) /.exec(expression) ?? [];
      expect(Object.keys(METRICS), expression).toContain(metric);
      expect(expression).toMatch(new RegExp(`GROUP BY cluster ORDER BY ${how}\\(\\) (ASC|DESC) LIMIT 100$`));
    }
  });
});

describe('the alarms of the pager', () => {
  it('call for a person without it, where pages are late, cannot be handed on, or are not sent', () => {
    const alarms = Object.values(resourcesOf(stacks.platform, 'AWS::CloudWatch::Alarm')).filter(({ Properties }) =>
      Properties.AlarmName.startsWith('etcd-remediation-pages/'),
    );
    const people = Object.entries(resourcesOf(stacks.platform, 'AWS::SNS::Topic')).find(
      ([, { Properties }]) => Properties.TopicName === 'etcd-remediation-pages',
    )?.[0];
    expect(alarms.map(({ Properties }) => [Properties.AlarmName, Properties.MetricName, Properties.Threshold])).toEqual(
      [
        ['etcd-remediation-pages/unsent', 'ApproximateNumberOfMessagesVisible', 1],
        ['etcd-remediation-pages/late', 'ApproximateAgeOfOldestMessage', 300],
        ['etcd-remediation-pages/failed', 'ExecutionsFailed', 1],
      ],
    );
    const runbooks = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8');
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toEqual([{ Ref: people }]);
      expect(Properties.TreatMissingData).toBe('notBreaching');
      expect(Properties.AlarmDescription).toContain('docs/runbooks.md#alarm-pages');
    }
    expect(runbooks).toContain('\n### Alarm pages\n');
  });
});
