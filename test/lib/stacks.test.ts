import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterSchema } from '../../core/cluster/clusters.ts';
import { functionOf as functionName } from '../../lib/steps.ts';
import {
  FLEET,
  functionOf,
  NETWORK,
  PLAIN,
  ROOT,
  render,
  resourcesOf,
  STEPS,
  STEPS_WITHOUT_CLUSTER,
  synthesizeStacks,
} from './stacks.ts';

const fleet = synthesizeStacks(FLEET);
const { platform } = fleet;
const TOGGLE = 'toggle-authentication';
const CHOICE = 'choose-runbook';
/** Those that disable authentication or enable it, and those that decide: each kind is of one function. */
const ALONE = [TOGGLE, 'enable-authentication', ...STEPS.filter((step) => functionName(step) === 'decisions')];
const OUTSIDE = [
  CHOICE,
  'choose-recovery',
  'choose-rehearsal-host',
  'find-recovery-backup',
  'list-backups',
  'plan-recovery',
  'plan-rehearsal',
  'explain-changes',
  'prune-backups',
  'record-rehearsal',
  'weigh-check',
  'weigh-room',
];
const IN_VPC = STEPS.filter((step) => !OUTSIDE.includes(step));
const STAGING_STEPS = ['stage-snapshot', 'transfer-snapshots'];
const BACKING_UP = STEPS.filter((step) => functionName(step) === 'backing-up');
describe('the function of every step', () => {
  it('exists, and there is no other but that of the API and that of the reports', () => {
    const deployed = new Set([...STEPS, 'api', 'reports'].map((name) => functionOf(platform, name)[0]));
    expect(Object.keys(resourcesOf(platform, 'AWS::Lambda::Function')).toSorted()).toEqual([...deployed].toSorted());
  });

  it.each(STEPS)('%s runs on Node 24 on arm64, traced, and is told nothing but the names that it needs', (step) => {
    const [, properties] = functionOf(platform, step);
    expect(properties).toMatchObject({
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      // A backup is compressed on its way, which takes a whole processor.
      MemorySize: BACKING_UP.includes(step) ? 1_769 : 512,
      TracingConfig: { Mode: 'Active' },
    });
    expect(properties.Description).toMatch(/^[A-Z].{20}/);
    expect(Object.keys(properties.Environment?.Variables ?? {})).toEqual([
      ...(STEPS_WITHOUT_CLUSTER.includes(step) ? [] : ['CLUSTER_ROLES']),
      ...(STAGING_STEPS.includes(step) ? ['STAGING_BUCKET'] : []),
      ...(ALONE.includes(step) ? ['RUNBOOKS'] : []),
      ...(BACKING_UP.includes(step) ? ['NODE_OPTIONS'] : []),
    ]);
  });

  it('frees the buffers of a backup that have passed long before 16 MiB of objects are made', () => {
    const [, { Environment }] = functionOf(platform, 'back-up-cluster');
    expect(Environment.Variables.NODE_OPTIONS).toBe('--max-semi-space-size=2');
  });

  it('has the choice of a runbook in no VPC: subnets may have no way to Step Functions', () => {
    expect(functionOf(platform, CHOICE)[1]).not.toHaveProperty('VpcConfig');
  });

  it.each(IN_VPC)("%s is in the configured subnets with the steps' own security group", (step) => {
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

  it('logs where all functions do, so that one search finds an execution, and no workflow and no caller does', () => {
    const of = (type: string) => Object.values(resourcesOf(platform, type)).map(({ Properties }) => Properties);
    const groups = of('AWS::Lambda::Function').map(({ LoggingConfig }) => LoggingConfig.LogGroup.Ref);
    expect(new Set(groups).size).toBe(1);
    const others = JSON.stringify([of('AWS::StepFunctions::StateMachine'), of('AWS::ApiGateway::Stage')]);
    expect(others).not.toContain(groups[0]);
  });

  it('may run for five minutes; for 14 where its runbook waits for a large database, for one where it may disable authentication or enable it, or is due again by then', () => {
    const timeouts = STEPS.map((step) => [step, functionOf(platform, step)[1].Timeout]);
    expect(timeouts.filter(([, seconds]) => seconds !== 5 * 60)).toEqual([
      ['assess-data', 14 * 60],
      ['assess-space', 14 * 60],
      ['back-up-cluster', 14 * 60],
      ['choose-next-defragmentation', 14 * 60],
      ['compact-history', 14 * 60],
      ['compare-hashes', 14 * 60],
      ['complete-backup', 14 * 60],
      ['copy-database', 14 * 60],
      ['defragment-member', 14 * 60],
      ['detect-incidents', 60],
      ['disarm-alarms', 14 * 60],
      ['disarm-corruption', 14 * 60],
      ['enable-authentication', 60],
      ['move-leadership', 14 * 60],
      ['send-backup', 14 * 60],
      ['toggle-authentication', 60],
      ['try-backups', 14 * 60],
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

  it('lets steps out to HTTPS and to the client ports that are configured, over IPv4 and IPv6, each once, and nobody in', () => {
    expect(egressOf(platform)).toEqual([
      'tcp 443-443 0.0.0.0/0',
      'tcp 443-443 ::/0',
      'tcp 2379-2379 0.0.0.0/0',
      'tcp 2379-2379 ::/0',
      'tcp 23790-23790 0.0.0.0/0',
      'tcp 23790-23790 ::/0',
      'tcp 23791-23791 0.0.0.0/0',
      'tcp 23791-23791 ::/0',
    ]);
  });

  it('says the ID of the security group, for those of the members to let in', () => {
    const [securityGroup] = Object.keys(resourcesOf(platform, 'AWS::EC2::SecurityGroup'));
    expect(platform.toJSON().Outputs.SecurityGroupId.Value).toEqual({ 'Fn::GetAtt': [securityGroup, 'GroupId'] });
  });

  it('adds the configured security groups to that of the steps', () => {
    const network = { ...NETWORK, securityGroupIds: ['sg-0a1b2c3d', 'sg-1a2b3c4d'] };
    const stacks = synthesizeStacks({ network, clusters: [PLAIN] });
    for (const step of IN_VPC) {
      const [own, ...others] = functionOf(stacks.platform, step)[1].VpcConfig.SecurityGroupIds;
      expect(render(own)).toMatch(/^<SecurityGroup.*\.GroupId>$/);
      expect(others).toEqual(['sg-0a1b2c3d', 'sg-1a2b3c4d']);
    }
  });

  it('has to be configured before anything can be deployed', () => {
    expect(() => synthesizeStacks({ clusters: [PLAIN] })).toThrow(/no "network"/);
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
