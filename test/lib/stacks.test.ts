import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterSchema } from '../../core/contracts/clusters.ts';
import { documentName, HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import { TRANSFERS } from '../../core/contracts/recovery.ts';
import { RUNBOOKS } from '../../lib/workflows/registry.ts';
import {
  FLEET,
  functionOf,
  GUARD,
  INSTANCES,
  MANAGED_NODES,
  NETWORK,
  PARTIAL_ARN,
  PLAIN,
  permissionsOf,
  ROOT,
  render,
  resourcesOf,
  SECRET_ARN,
  STEPS,
  STEPS_WITHOUT_ETCD,
  stateMachineOf,
  synthesizeStacks,
} from './stacks.ts';

const fleet = synthesizeStacks(FLEET);
const { platform } = fleet;
const ETCD_STEPS = STEPS.filter((step) => !STEPS_WITHOUT_ETCD.includes(step));
const TOGGLE = 'toggle-authentication';
/** Chained by no state machine. */
const DIAGNOSIS = 'diagnose-cluster';
/** Invoked by the schedules of clusters. */
const DETECTOR = 'detect-incidents';
const STAGING_STEPS = ['stage-snapshot', 'transfer-snapshot'];
/** Which steps each state machine chains. */
const STEPS_OF = {
  'etcd-remediation-space-reclaim': [
    'load-cluster',
    'assess-space',
    'compact-history',
    'choose-next-member',
    'move-leadership',
    'defragment-member',
    'disarm-alarms',
    'prove-writes',
  ],
  'etcd-remediation-auth-token-reset': [
    'load-cluster',
    'assess-tokens',
    'plan-token-cure',
    'choose-next-cure',
    'toggle-authentication',
    'enable-authentication',
    'verify-tokens',
    'run-host-command',
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
    'run-host-command',
    'compare-hashes',
    'prove-writes',
  ],
  'etcd-remediation-quorum-recovery': [
    'load-cluster',
    'assess-quorum',
    'choose-rescue',
    'wait-for-quorum',
    'plan-recovery',
    'verify-recovery',
    'run-host-command',
    'stage-snapshot',
    'transfer-snapshot',
    'compare-hashes',
    'prove-writes',
  ],
};
/** The state machines that may call a person. */
const PAGING = ['etcd-remediation-auth-token-reset', 'etcd-remediation-authentication-guard'];

/** What every step may do; the log group is its own. */
function permissionsOfAnyStep(logGroup: string): string[] {
  return [
    'ec2:AssignPrivateIpAddresses *',
    'ec2:CreateNetworkInterface *',
    'ec2:DeleteNetworkInterface *',
    'ec2:DescribeNetworkInterfaces *',
    'ec2:DescribeSubnets *',
    'ec2:UnassignPrivateIpAddresses *',
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
    `logs:CreateLogStream <${logGroup}.Arn>`,
    `logs:PutLogEvents <${logGroup}.Arn>`,
  ];
}

/** What one step may do beyond that. */
function ownPermissionsOf(template: typeof platform, step: string): string[] {
  const [, properties] = functionOf(template, step);
  const given = permissionsOf(template, properties.Role['Fn::GetAtt'][0]);
  const common = permissionsOfAnyStep(properties.LoggingConfig.LogGroup.Ref);
  expect(given).toEqual(expect.arrayContaining(common));
  return given.filter((permission) => !common.includes(permission));
}

describe('the function of every step', () => {
  it('exists, and there is no other but that of the API', () => {
    const deployed = [...STEPS, 'api'].map((name) => functionOf(platform, name)[0]).toSorted();
    expect(Object.keys(resourcesOf(platform, 'AWS::Lambda::Function')).toSorted()).toEqual(deployed);
  });

  it.each(STEPS)('%s runs on Node 24 on arm64, traced, and is told nothing but the names that it needs', (step) => {
    const [, properties] = functionOf(platform, step);
    expect(properties).toMatchObject({
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      MemorySize: 512,
      TracingConfig: { Mode: 'Active' },
    });
    expect(properties.Description).toMatch(/^[A-Z].{20}/);
    expect(Object.keys(properties.Environment?.Variables ?? {})).toEqual([
      ...(STAGING_STEPS.includes(step) ? ['STAGING_BUCKET'] : []),
      ...(step === TOGGLE ? ['RUNBOOKS'] : []),
    ]);
  });

  it.each(STEPS)("%s is in the configured subnets with the steps' own security group", (step) => {
    const [securityGroup] = Object.keys(resourcesOf(platform, 'AWS::EC2::SecurityGroup'));
    const [, { VpcConfig }] = functionOf(platform, step);
    expect(VpcConfig.SubnetIds).toEqual(NETWORK.subnetIds);
    expect(VpcConfig.SecurityGroupIds.map(render)).toEqual([`<${securityGroup}.GroupId>`]);
  });

  it.each(STEPS)('%s logs into a group that is kept for half a year, also when the stack goes', (step) => {
    const [, { LoggingConfig }] = functionOf(platform, step);
    const logGroup = resourcesOf(platform, 'AWS::Logs::LogGroup')[LoggingConfig.LogGroup.Ref];
    expect(logGroup).toMatchObject({
      Properties: { RetentionInDays: 180 },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    // A second deployment after the stack has gone would meet a group of a fixed name that is still there.
    expect(logGroup?.Properties).not.toHaveProperty('LogGroupName');
  });

  it('has a log group to itself', () => {
    const used = STEPS.map((step) => functionOf(platform, step)[1].LoggingConfig.LogGroup.Ref);
    expect(new Set(used).size).toBe(STEPS.length);
  });

  it('may run for five minutes; for 14 where it waits for a large database, for one where it may disable authentication or enable it, or is due again by then', () => {
    const timeouts = STEPS.map((step) => [step, functionOf(platform, step)[1].Timeout]);
    expect(timeouts.filter(([, seconds]) => seconds !== 5 * 60)).toEqual([
      ['compact-history', 14 * 60],
      ['compare-hashes', 14 * 60],
      ['defragment-member', 14 * 60],
      ['detect-incidents', 60],
      ['enable-authentication', 60],
      ['toggle-authentication', 60],
    ]);
  });
});

describe('a step that waits for a large database', () => {
  /** The value of `const NAME = 90_000;` in a step's source. */
  function constantOf(step: string, name: string): number {
    const source = readFileSync(join(ROOT, `lambdas/steps/${step}.ts`), 'utf8');
    return Number(new RegExp(`const ${name} = ([\\d_]+);`).exec(source)?.[1]?.replaceAll('_', ''));
  }

  it.each([
    ['defragment-member', 'WAIT_RESERVE_MS'],
    ['compact-history', 'LAMBDA_RESERVE_MS'],
    ['compare-hashes', 'LAMBDA_RESERVE_MS'],
  ])('%s leaves etcd at least 12 of its 14 minutes', (step, reserve) => {
    const timeoutMs = functionOf(platform, step)[1].Timeout * 1000;
    expect(timeoutMs - constantOf(step, reserve)).toBeGreaterThanOrEqual(12 * 60_000);
  });

  it('defragment-member keeps time to wait for the member before Lambda ends it', () => {
    const afterCallMs = constantOf('defragment-member', 'WAIT_RESERVE_MS');
    const lambdaReserveMs = constantOf('defragment-member', 'LAMBDA_RESERVE_MS');
    expect(lambdaReserveMs).toBeGreaterThan(0);
    expect(afterCallMs - lambdaReserveMs).toBeGreaterThanOrEqual(60_000);
  });
});

describe('the network', () => {
  function egressOf(template: typeof platform): string[] {
    const groups = Object.values(resourcesOf(template, 'AWS::EC2::SecurityGroup'));
    expect(groups).toHaveLength(1);
    const [{ Properties } = { Properties: {} }] = groups;
    expect(Properties).not.toHaveProperty('SecurityGroupIngress');
    expect(Object.keys(resourcesOf(template, 'AWS::EC2::SecurityGroupIngress'))).toEqual([]);
    expect(Object.keys(resourcesOf(template, 'AWS::EC2::SecurityGroupEgress'))).toEqual([]);
    return Properties.SecurityGroupEgress.map(
      ({ IpProtocol, FromPort, ToPort, CidrIp, CidrIpv6 }: Record<string, unknown>) =>
        `${IpProtocol} ${FromPort}-${ToPort} ${[CidrIp, CidrIpv6].filter((cidr) => cidr !== undefined).join(' and ')}`,
    );
  }

  it('lets steps out to HTTPS and to the client port of each member, over IPv4 and IPv6, each once, and nobody in', () => {
    expect(egressOf(platform)).toEqual([
      'tcp 443-443 0.0.0.0/0',
      'tcp 443-443 ::/0',
      'tcp 2379-2379 0.0.0.0/0',
      'tcp 2379-2379 ::/0',
      'tcp 23790-23790 0.0.0.0/0',
      'tcp 23790-23790 ::/0',
    ]);
  });

  it('knows the port that a URL need not name', () => {
    const members = [{ name: 'node1', clientUrl: 'http://10.0.0.1:80', peerUrl: 'http://10.0.0.1:2380' }];
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [{ ...PLAIN, members }] });
    expect(egressOf(stacks.platform)).toEqual([
      'tcp 443-443 0.0.0.0/0',
      'tcp 443-443 ::/0',
      'tcp 80-80 0.0.0.0/0',
      'tcp 80-80 ::/0',
    ]);
  });

  it('adds the configured security groups to that of the steps', () => {
    const network = { ...NETWORK, securityGroupIds: ['sg-0a1b2c3d', 'sg-1a2b3c4d'] };
    const stacks = synthesizeStacks({ network, clusters: [PLAIN] });
    for (const step of STEPS) {
      const [own, ...others] = functionOf(stacks.platform, step)[1].VpcConfig.SecurityGroupIds;
      expect(render(own)).toMatch(/^<SecurityGroup.*\.GroupId>$/);
      expect(others).toEqual(['sg-0a1b2c3d', 'sg-1a2b3c4d']);
    }
  });

  it('has to be configured before anything can be deployed', () => {
    expect(() => synthesizeStacks({ clusters: [PLAIN] })).toThrow(/no "network"/);
  });
});

describe('permissions', () => {
  const parameter = (name: string) =>
    `ssm:GetParameter arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/etcd-remediation/clusters/${name}`;
  const parameters = ['billing', 'orders', 'plain', 'public'].map(parameter);
  const named = (name: string) =>
    `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${name}-??????`;
  /** Each secret once, also `etcd/tls`, which two clusters share. */
  const configured = [SECRET_ARN, `${SECRET_ARN}-??????`, PARTIAL_ARN, `${PARTIAL_ARN}-??????`].concat(
    named('etcd/root'),
    named('etcd/tls'),
  );

  it("let load-cluster read the configured clusters' parameters, and no secret", () => {
    expect(ownPermissionsOf(platform, 'load-cluster')).toEqual(parameters);
  });

  /** To see whether it is alone. */
  const runbooks = Object.values(RUNBOOKS).flatMap(({ stateMachineName }) => [
    `states:ListExecutions arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:${stateMachineName}`,
    `states:DescribeExecution arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${stateMachineName}:*`,
  ]);

  const lookForHosts = 'ssm:DescribeInstanceInformation *';
  /** What is a step's own besides the secrets. */
  const ownOf: Record<string, string[]> = { [TOGGLE]: runbooks, [DIAGNOSIS]: [lookForHosts], [DETECTOR]: parameters };

  it.each(ETCD_STEPS)(
    'let %s read the configured secrets, and of parameters only the detector the registered clusters',
    (step) => {
      expect(ownPermissionsOf(platform, step)).toEqual(
        [
          ...configured.map((resource) => `secretsmanager:GetSecretValue ${resource}`),
          ...(ownOf[step] ?? []),
        ].toSorted(),
      );
    },
  );

  it.each(ETCD_STEPS)('let %s read them by one statement, as a policy may hold 10,240 characters', (step) => {
    const role = functionOf(platform, step)[1].Role['Fn::GetAtt'][0];
    const statements = Object.values(resourcesOf(platform, 'AWS::IAM::Policy'))
      .filter(({ Properties }) => Properties.Roles.some((each: { Ref: string }) => each.Ref === role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter((statement) => JSON.stringify(statement.Action).includes('secretsmanager'));
    expect(statements).toEqual([
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: expect.any(Array) },
    ]);
    expect(statements[0].Resource.map(render).toSorted()).toEqual(configured.toSorted());
  });

  const unnamedOfRunCommand = [
    'ssm:CancelCommand *',
    lookForHosts,
    'ssm:GetCommandInvocation *',
    'ssm:ListCommandInvocations *',
  ];

  it('let run-host-command send the documents without a URL to the configured hosts and to spare ones, and read no secret or parameter', () => {
    const here = '<AWS::Region>:<AWS::AccountId>';
    const commands = Object.keys(HOST_COMMANDS) as HostCommandName[];
    const documents = commands.filter((each) => !(TRANSFERS as readonly string[]).includes(each)).map(documentName);
    expect(ownPermissionsOf(platform, 'run-host-command')).toEqual(
      [
        ...documents.map((name) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:document/${name}`),
        ...INSTANCES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ec2:${here}:instance/${id}`),
        ...MANAGED_NODES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:managed-instance/${id}`),
        ...unnamedOfRunCommand,
      ].toSorted(),
    );
    const deployed = Object.values(resourcesOf(platform, 'AWS::SSM::Document'))
      .filter(({ Properties }) => Properties.DocumentType === 'Command')
      .map(({ Properties }) => Properties.Name);
    expect(deployed.toSorted()).toEqual(commands.map(documentName).toSorted());
  });

  it('let nobody send a command where no cluster has a host', () => {
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [PLAIN] });
    expect(ownPermissionsOf(stacks.platform, 'run-host-command')).toEqual(unnamedOfRunCommand);
    for (const text of stacks.texts) expect(text).not.toContain('ssm:SendCommand');
  });

  it('let no step but run-host-command and transfer-snapshot use Run Command, and the diagnosis look for hosts with it', () => {
    const runCommand = /^ssm:(?!GetParameter )/;
    const senders = ['run-host-command', 'transfer-snapshot'].map(
      (step) => functionOf(platform, step)[1].Role['Fn::GetAtt'][0],
    );
    const others = Object.keys(resourcesOf(platform, 'AWS::IAM::Role'))
      .filter((role) => !senders.includes(role))
      .flatMap((role) => permissionsOf(platform, role));
    expect(others.filter((permission) => runCommand.test(permission))).toEqual([lookForHosts]);
  });

  it('let no step read a secret where no cluster has one', () => {
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [PLAIN] });
    for (const step of ETCD_STEPS) {
      const own = step === DETECTOR ? [parameter('plain')] : (ownOf[step] ?? []);
      expect(ownPermissionsOf(stacks.platform, step), step).toEqual(own.toSorted());
    }
    for (const text of stacks.texts) expect(text).not.toContain('secretsmanager');
  });

  it.each(Object.entries(STEPS_OF))(
    'let %s invoke its own steps, page where it has to, and nothing else',
    (name, steps) => {
      const given = permissionsOf(platform, stateMachineOf(platform, name).Properties.RoleArn['Fn::GetAtt'][0]);
      const functions = steps.map((step) => functionOf(platform, step)[0]);
      const invocations = functions.flatMap((id) => [
        `lambda:InvokeFunction <${id}.Arn>`,
        `lambda:InvokeFunction <${id}.Arn>:*`,
      ]);
      expect(given).toEqual(expect.arrayContaining(invocations));
      const topics = Object.keys(resourcesOf(platform, 'AWS::SNS::Topic'));
      const paging = PAGING.includes(name) ? topics.map((topic) => `sns:Publish <${topic}>`) : [];
      expect(given.filter((permission) => permission.startsWith('sns:'))).toEqual(paging);
      const others = given.filter((permission) => ![...invocations, ...paging].includes(permission));
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
      STEPS.filter((step) => step !== DIAGNOSIS && step !== DETECTOR).toSorted(),
    );
  });

  it('let nobody page but the two state machines that may disable authentication or have to enable it', () => {
    const roleOf = (name: string) => stateMachineOf(platform, name).Properties.RoleArn['Fn::GetAtt'][0];
    const paging = Object.keys(resourcesOf(platform, 'AWS::IAM::Role')).filter((role) =>
      permissionsOf(platform, role).some((permission) => permission.startsWith('sns:')),
    );
    expect(paging.toSorted()).toEqual(PAGING.map(roleOf).toSorted());
  });

  it('let EventBridge start the guard, and nothing else', () => {
    const roles = Object.entries(resourcesOf(platform, 'AWS::IAM::Role')).filter(([, { Properties }]) =>
      JSON.stringify(Properties.AssumeRolePolicyDocument).includes('events.amazonaws.com'),
    );
    const [guard] =
      Object.entries(resourcesOf(platform, 'AWS::StepFunctions::StateMachine')).find(
        ([, { Properties }]) => Properties.StateMachineName === GUARD,
      ) ?? [];
    expect(roles.map(([role]) => permissionsOf(platform, role))).toEqual([[`states:StartExecution <${guard}>`]]);
  });

  it('name a resource wherever AWS knows one', () => {
    const unnamed = Object.keys(resourcesOf(platform, 'AWS::IAM::Role'))
      .flatMap((role) => permissionsOf(platform, role))
      .filter((permission) => permission.endsWith(' *'));
    for (const permission of unnamed) {
      expect(permission).toMatch(
        /^(ec2:\w*(NetworkInterface|Subnets|PrivateIpAddresses)\w*|xray:\w+|logs:\w*(LogDeliver|LogGroups|ResourcePolic)\w*|ssm:(CancelCommand|DescribeInstanceInformation|GetCommandInvocation|ListCommandInvocations)) /,
      );
    }
  });

  it('are given to roles that one AWS service each may assume', () => {
    const principals = Object.values(resourcesOf(platform, 'AWS::IAM::Role')).flatMap(({ Properties }) =>
      Properties.AssumeRolePolicyDocument.Statement.map(({ Principal }: { Principal: unknown }) => Principal),
    );
    expect(new Set(principals.map((each) => JSON.stringify(each)))).toEqual(
      new Set(
        ['lambda', 'states', 'events', 'ssm', 'apigateway'].map((service) =>
          JSON.stringify({ Service: `${service}.amazonaws.com` }),
        ),
      ),
    );
  });
});

describe("a cluster's stack", () => {
  it.each(FLEET.clusters.map(({ name }) => name))('registers %s as it is configured', (name) => {
    const template = fleet.clusters[name];
    if (!template) throw new Error(`There is no stack of ${name}.`);
    const [parameter] = Object.values(resourcesOf(template, 'AWS::SSM::Parameter'));
    expect(parameter?.Properties).toMatchObject({
      Name: `/etcd-remediation/clusters/${name}`,
      Type: 'String',
      Tier: 'Intelligent-Tiering',
    });
    const configured = FLEET.clusters.find((cluster) => cluster.name === name);
    expect(clusterSchema.parse(JSON.parse(parameter?.Properties.Value))).toEqual(configured);
  });

  it('can be made for every name that the configuration accepts', () => {
    const names = ['A', '0', 'my-cluster', '0-b-', 'x'.repeat(63)];
    const clusters = names.map((name) => clusterSchema.parse({ ...PLAIN, name }));
    const stacks = synthesizeStacks({ network: NETWORK, clusters });
    expect(Object.keys(stacks.clusters).toSorted()).toEqual(names.toSorted());
    expect(stacks.names.toSorted()).toEqual(
      ['EtcdRemediation', ...names.map((name) => `EtcdRemediation-${name}`)].toSorted(),
    );
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    for (const name of stacks.names) expect(name).toMatch(/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/);
  });

  it.each(['my_cluster', 'a.b', '-a', ''])('is never made for the name "%s", which CloudFormation refuses', (name) => {
    expect(clusterSchema.safeParse({ ...PLAIN, name }).error?.issues).toMatchObject([{ path: ['name'] }]);
  });
});

describe('every template', () => {
  it('names secrets and holds none', () => {
    for (const text of fleet.texts) {
      expect(text).not.toMatch(/SecretString|AWS::SecretsManager|resolve:(secretsmanager|ssm)|NoEcho|"?[Pp]assword/);
    }
  });
});
