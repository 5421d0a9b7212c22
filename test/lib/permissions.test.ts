import { describe, expect, it } from 'vitest';
import { INCOMING_PAGES_TOPIC, PAGES_TOPIC } from '../../core/diagnosis/detection.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import {
  BACKUP,
  CHECK,
  ENTRY,
  FLEET,
  functionOf,
  GUARD,
  PAGER,
  permissionsOf,
  REHEARSAL,
  RELEASE,
  render,
  resourcesOf,
  STEPS,
  stateMachineOf,
  synthesizeStacks,
} from './stacks.ts';

/** Which role may do what, action by action and resource by resource; what is a step's own is in step-permissions.test.ts. */

const { platform } = synthesizeStacks(FLEET);
/** Invoked by the schedules of clusters, or by who wants to know, and chained by no state machine. */
const UNCHAINED = ['detect-incidents', 'analyze-store'];
/** Which steps each state machine chains. */
const STEPS_OF = {
  'etcd-remediation-space-reclaim': [
    'load-cluster',
    'assess-space',
    'run-host-commands',
    'weigh-room',
    'compact-history',
    'choose-next-defragmentation',
    'move-leadership',
    'defragment-member',
    'disarm-alarms',
    'prove-writes',
    'count-keys',
  ],
  'etcd-remediation-auth-token-reset': [
    'load-cluster',
    'assess-tokens',
    'plan-token-reset',
    'choose-next-token-action',
    'toggle-authentication',
    'enable-authentication',
    'verify-tokens',
    'run-host-commands',
    'prove-writes',
  ],
  'etcd-remediation-authentication-guard': ['load-cluster', 'enable-authentication'],
  'etcd-remediation-member-replacement': [
    'load-cluster',
    'assess-members',
    'plan-replacement',
    'choose-next-change',
    'change-membership',
    'wait-for-member',
    'run-host-commands',
    'compare-hashes',
    'prove-writes',
    'explain-changes',
  ],
  'etcd-remediation-member-repair': [
    'load-cluster',
    'assess-data',
    'plan-replacement',
    'choose-next-change',
    'change-membership',
    'wait-for-member',
    'explain-changes',
    'move-leadership',
    'disarm-corruption',
    'run-host-commands',
    'compare-hashes',
    'prove-writes',
  ],
  'etcd-remediation-quorum-recovery': [
    'load-cluster',
    'assess-quorum',
    'choose-recovery',
    'wait-for-quorum',
    'find-recovery-backup',
    'plan-recovery',
    'verify-recovery',
    'run-host-commands',
    'stage-snapshot',
    'transfer-snapshots',
    'compare-hashes',
    'prove-writes',
  ],
  [ENTRY]: ['load-remediation', 'diagnose-cluster', 'choose-runbook'],
  [RELEASE]: [],
  [PAGER]: [],
  [CHECK]: [
    'load-remediation',
    'diagnose-cluster',
    'survey-cluster',
    'list-backups',
    'try-backups',
    'transfer-snapshots',
    'weigh-check',
  ],
  [BACKUP]: [
    'load-remediation',
    'back-up-cluster',
    'copy-database',
    'send-backup',
    'complete-backup',
    'run-host-commands',
    'prune-backups',
  ],
  [REHEARSAL]: [
    'load-remediation',
    'plan-rehearsal',
    'choose-rehearsal-members',
    'transfer-snapshots',
    'choose-rehearsal-host',
    'record-rehearsal',
  ],
};
/** The state machines that may call a person. */
const PAGING = ['etcd-remediation-auth-token-reset', GUARD, ENTRY, RELEASE];
/** To which of the topics: that of the people is the pager's. */
const [TOPIC_OF_PEOPLE, INCOMING_TOPIC] = [PAGES_TOPIC, INCOMING_PAGES_TOPIC].map(
  (name) =>
    Object.entries(resourcesOf(platform, 'AWS::SNS::Topic')).find(
      ([, { Properties }]) => Properties.TopicName === name,
    )?.[0],
);
/** By which API Gateway logs, for the whole account: it wants this one policy. */
const LOGGING_ROLE = Object.keys(resourcesOf(platform, 'AWS::IAM::Role')).find((id) =>
  id.startsWith('apiRestApiCloudWatchRole'),
);
const ROLES = Object.keys(resourcesOf(platform, 'AWS::IAM::Role')).filter((id) => id !== LOGGING_ROLE);
const [TABLE] = Object.keys(resourcesOf(platform, 'AWS::DynamoDB::Table'));
const HERE = '<AWS::Region>:<AWS::AccountId>';
const EXECUTIONS = `arn:<AWS::Partition>:states:${HERE}:execution`;
/** What a state machine may do besides running its steps and paging. */
const OWN: Record<string, string[]> = {
  [ENTRY]: [
    ...['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'].map((action) => `dynamodb:${action} <${TABLE}.Arn>`),
    // Those that may hold the lock.
    `states:DescribeExecution ${EXECUTIONS}:${ENTRY}:*`,
    // Another of its own, for an alarm that found the lock taken.
    `states:StartExecution arn:<AWS::Partition>:states:${HERE}:stateMachine:${ENTRY}`,
    ...Object.values(RUNBOOKS).flatMap(({ stateMachineName }) => [
      `states:StartExecution <${idOf(stateMachineName)}>`,
      `states:DescribeExecution ${EXECUTIONS}:<${idOf(stateMachineName)}.Name>*`,
      `states:StopExecution ${EXECUTIONS}:<${idOf(stateMachineName)}.Name>*`,
    ]),
    // By this rule Step Functions learns of the end of an execution that another one waits for.
    ...['DescribeRule', 'PutRule', 'PutTargets'].map(
      (action) =>
        `events:${action} arn:<AWS::Partition>:events:${HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`,
    ),
  ],
  // What an alarm was before it was out of sight.
  [PAGER]: [`cloudwatch:DescribeAlarmHistory arn:<AWS::Partition>:cloudwatch:${HERE}:alarm:etcd-remediation*`],
  // It looks at the lock, and does not take it.
  [REHEARSAL]: [`dynamodb:GetItem <${TABLE}.Arn>`],
  [RELEASE]: ['DeleteItem', 'GetItem', 'PutItem'].map((action) => `dynamodb:${action} <${TABLE}.Arn>`),
};

/** A state machine's logical ID. */
function idOf(stateMachineName: string): string {
  const machines = Object.entries(resourcesOf(platform, 'AWS::StepFunctions::StateMachine'));
  const [id] = machines.find(([, { Properties }]) => Properties.StateMachineName === stateMachineName) ?? [];
  if (!id) throw new Error(`There is no state machine ${stateMachineName}.`);
  return id;
}

describe('permissions', () => {
  it('let no step but those that work on hosts use Run Command, and the diagnosis look for hosts with it', () => {
    const runCommand = /^ssm:(?!GetParameter(sByPath)? )/;
    const senders = ['run-host-commands', 'transfer-snapshots', 'copy-database', 'send-backup'].map(
      (step) => functionOf(platform, step)[1].Role['Fn::GetAtt'][0],
    );
    const sending = senders.flatMap((role) => permissionsOf(platform, role)).filter((each) => /SendCommand/.test(each));
    expect(sending).toEqual([]);
    const others = ROLES.filter((role) => !senders.includes(role)).flatMap((role) => permissionsOf(platform, role));
    expect(others.filter((permission) => runCommand.test(permission))).toEqual(['ssm:DescribeInstanceInformation *']);
  });

  it.each(Object.entries(STEPS_OF))(
    'let %s invoke every version of its own steps, page where it has to, do what is its own, and nothing else',
    (name, steps) => {
      const given = permissionsOf(platform, stateMachineOf(platform, name).Properties.RoleArn['Fn::GetAtt'][0]);
      const functions = [...new Set(steps.map((step) => functionOf(platform, step)[0]))];
      const invocations = functions.map((id) => `lambda:InvokeFunction <${id}.Arn>:*`);
      expect(given).toEqual(expect.arrayContaining(invocations));
      const topics = [...(PAGING.includes(name) ? [INCOMING_TOPIC] : []), ...(name === PAGER ? [TOPIC_OF_PEOPLE] : [])];
      const paging = topics.map((topic) => `sns:Publish <${topic}>`);
      expect(given.filter((permission) => permission.startsWith('sns:'))).toEqual(paging);
      const own = OWN[name] ?? [];
      expect(given).toEqual(expect.arrayContaining(own));
      const others = given.filter((permission) => ![...invocations, ...paging, ...own].includes(permission));
      for (const permission of others)
        expect(permission).toMatch(/^(logs:\w*(LogDeliver|LogGroups|ResourcePolic)\w*|xray:\w+) \*$/);
    },
  );

  it('leave no state machine and no step out of what is said here', () => {
    const machines = Object.values(resourcesOf(platform, 'AWS::StepFunctions::StateMachine'));
    expect(machines.map(({ Properties }) => Properties.StateMachineName).toSorted()).toEqual(
      Object.keys(STEPS_OF).toSorted(),
    );
    expect([...new Set(Object.values(STEPS_OF).flat())].toSorted()).toEqual(
      STEPS.filter((step) => !UNCHAINED.includes(step)).toSorted(),
    );
  });

  it('let nobody page but the state machines that may leave something for a person to do, and what sends that on', () => {
    const roleOf = (name: string) => stateMachineOf(platform, name).Properties.RoleArn['Fn::GetAtt'][0];
    const paging = ROLES.filter((role) =>
      permissionsOf(platform, role).some((permission) => permission.startsWith('sns:')),
    );
    expect(paging.toSorted()).toEqual([...PAGING, PAGER].map(roleOf).toSorted());
  });

  it('let EventBridge start the entry workflow, the guard and what gives locks back, each by a role of its own, and nothing else', () => {
    const roles = Object.entries(resourcesOf(platform, 'AWS::IAM::Role')).filter(([, { Properties }]) =>
      JSON.stringify(Properties.AssumeRolePolicyDocument).includes('events.amazonaws.com'),
    );
    expect(roles.map(([role]) => permissionsOf(platform, role)).toSorted()).toEqual(
      [ENTRY, GUARD, RELEASE].map((name) => [`states:StartExecution <${idOf(name)}>`]).toSorted(),
    );
  });

  it('let the pipe take the pages that were collected, hand them to the pager, and do nothing else', () => {
    const [role = '', ...others] = Object.entries(resourcesOf(platform, 'AWS::IAM::Role')).flatMap(
      ([id, { Properties }]) =>
        JSON.stringify(Properties.AssumeRolePolicyDocument).includes('pipes.amazonaws.com') ? [id] : [],
    );
    expect(others).toEqual([]);
    const [queue] = Object.keys(resourcesOf(platform, 'AWS::SQS::Queue')).filter((id) => id.includes('Collected'));
    expect(permissionsOf(platform, role)).toEqual([
      ...['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map((action) => `sqs:${action} <${queue}.Arn>`),
      `states:StartExecution <${idOf(PAGER)}>`,
    ]);
  });

  it('let nobody write into the table but the entry workflow and what gives locks back; the API and rehearsals read it', () => {
    const those = (action: RegExp) =>
      ROLES.filter((role) => permissionsOf(platform, role).some((each) => action.test(each)));
    const writing = [ENTRY, RELEASE].map((name) => stateMachineOf(platform, name).Properties.RoleArn['Fn::GetAtt'][0]);
    const api = functionOf(platform, 'api')[1].Role['Fn::GetAtt'][0];
    expect(those(/^dynamodb:(?!GetItem|Query)/).toSorted()).toEqual(writing.toSorted());
    const rehearsal = stateMachineOf(platform, REHEARSAL).Properties.RoleArn['Fn::GetAtt'][0];
    expect(those(/^dynamodb:/).toSorted()).toEqual([...writing, api, rehearsal].toSorted());
  });

  it("have no policy of AWS's own but the one by which API Gateway logs", () => {
    const managed = Object.values(resourcesOf(platform, 'AWS::IAM::Role')).flatMap(
      ({ Properties }) => Properties.ManagedPolicyArns ?? [],
    );
    expect(managed.map(render)).toEqual([
      'arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs',
    ]);
  });

  it('name a resource wherever AWS knows one', () => {
    const unnamed = ROLES.flatMap((role) => permissionsOf(platform, role)).filter((permission) =>
      permission.endsWith(' *'),
    );
    for (const permission of unnamed) {
      expect(permission).toMatch(
        /^(ec2:\w*(NetworkInterface|Subnets|PrivateIpAddresses)\w*|xray:\w+|logs:\w*(LogDeliver|LogGroups|ResourcePolic)\w*|ssm:(CancelCommand|DescribeInstanceInformation|GetCommandInvocation|ListCommands|ListCommandInvocations)) /,
      );
    }
  });

  it('are given to roles that one AWS service each may assume', () => {
    const principals = Object.values(resourcesOf(platform, 'AWS::IAM::Role')).flatMap(({ Properties }) =>
      Properties.AssumeRolePolicyDocument.Statement.map(({ Principal }: { Principal: unknown }) => Principal),
    );
    expect(new Set(principals.map((each) => JSON.stringify(each)))).toEqual(
      new Set(
        ['lambda', 'states', 'events', 'ssm', 'scheduler', 'apigateway', 'pipes'].map((service) =>
          JSON.stringify({ Service: `${service}.amazonaws.com` }),
        ),
      ),
    );
  });
});
