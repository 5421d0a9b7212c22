import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Instance, InstanceClass, InstanceSize, InstanceType, type IVpc, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ClusterConfiguration, RemediatedCluster, RemediationPlatform } from '../../lib/index.ts';
import { failureOf } from '../core/observations.ts';
import { LAYOUT, NETWORK, PLAIN, type Resource, resourcesOf, synthesizeStacks } from './stacks.ts';

const ORDERS: ClusterConfiguration = {
  name: 'orders',
  members: [
    {
      name: 'm1',
      clientUrl: 'https://10.0.1.11:2379',
      peerUrl: 'https://10.0.1.11:2380',
      host: 'i-0a1b2c3d4e5f60001',
    },
  ],
  quotaBackendBytes: 2_147_483_648,
  tls: { secret: 'etcd/orders/client-tls' },
  layout: LAYOUT,
  policy: { 'quorum-lost': 'approval' },
};

function vpcOf(stack: Stack): IVpc {
  // The CDK's own types do not fit each other where left out and undefined are told apart.
  return new Vpc(stack, 'Vpc', { maxAzs: 2 }) as IVpc;
}

/** A stack of an app of somebody's own, in which a context has the name of a setting. */
function ownStack(id = 'Own'): Stack {
  return new Stack(new App({ context: { prefix: 'theirs' }, builtinCloudFormationValidation: false }), id);
}

/** Without what the CDK makes of it: IDs, and assets. */
function kindsIn(template: Template): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { Type } of Object.values(template.toJSON().Resources as Record<string, { Type: string }>)) {
    kinds[Type] = (kinds[Type] ?? 0) + 1;
  }
  return kinds;
}

describe('a platform and a cluster in stacks of an own app', () => {
  let app: App;
  let platformStack: Stack;
  let clusterStack: Stack;
  let platform: RemediationPlatform;

  beforeAll(() => {
    app = new App({ context: { prefix: 'theirs' }, builtinCloudFormationValidation: false });
    platformStack = new Stack(app, 'Platform');
    const vpc = Vpc.fromVpcAttributes(platformStack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a'],
      privateSubnetIds: ['subnet-1'],
    });
    platform = new RemediationPlatform(platformStack, 'Remediation', { vpc, clientPorts: NETWORK.clientPorts });
    clusterStack = new Stack(app, 'Orders');
    new RemediatedCluster(clusterStack, 'Orders', { platform, cluster: ORDERS });
    app.synth();
  });

  it('are made of what clusters.json makes them of', () => {
    const stacks = synthesizeStacks({
      network: NETWORK,
      clusters: [{ ...PLAIN, ...(ORDERS as typeof PLAIN) }],
    });
    expect(kindsIn(Template.fromStack(platformStack))).toEqual(kindsIn(stacks.platform));
    expect(kindsIn(Template.fromStack(clusterStack))).toEqual(kindsIn(stacks.clusters.orders as Template));
  });

  it('have the names by which the command line finds them, whatever else the app calls "prefix"', () => {
    const names = Object.values(resourcesOf(Template.fromStack(platformStack), 'AWS::StepFunctions::StateMachine'));
    expect(names.map(({ Properties }) => Properties.StateMachineName)).toContain('etcd-remediation');
    const [parameter] = Object.values(resourcesOf(Template.fromStack(clusterStack), 'AWS::SSM::Parameter'));
    expect(parameter?.Properties.Name).toBe('/etcd-remediation/clusters/orders');
  });

  it('leave room in the stack of a platform: of its resources, and of the characters of its template', () => {
    const { Resources } = Template.fromStack(platformStack).toJSON();
    const kinds = Object.values(Resources as Record<string, Resource>).map(({ Type }) => Type);
    expect(kinds.length).toBeLessThanOrEqual(180);
    expect(kinds.filter((kind) => kind === 'AWS::Lambda::Function').length).toBeLessThanOrEqual(15);
    expect(JSON.stringify({ Resources }).length).toBeLessThanOrEqual(620_000);
    // The CDK warns from here on, where it indents a template.
    expect(JSON.stringify({ Resources }, null, 1).length).toBeLessThan(800_000);
  });

  it('are deployed one after the other, for a schedule needs its function', () => {
    expect(clusterStack.dependencies).toEqual([platformStack]);
  });

  it('keep a cluster out that is in the way of another', () => {
    const add = (cluster: ClusterConfiguration) =>
      failureOf(() => new RemediatedCluster(clusterStack, `Another${cluster.name}`, { platform, cluster })).message;
    expect(add(ORDERS)).toBe('The platform has a cluster "orders" already: give each a name of its own.');
    expect(add({ ...ORDERS, name: 'ORDERS' })).toContain('IAM does not tell their roles apart');
    const member = { name: 'm1', clientUrl: 'https://10.0.1.11:12379', peerUrl: 'https://10.0.1.11:2380' };
    expect(add({ ...ORDERS, name: 'billing', members: [member] })).toContain(
      'do not let the steps get out to its port',
    );
  });
});

describe('a platform and a cluster in one stack', () => {
  let template: Template;
  beforeAll(() => {
    const stack = ownStack();
    new Topic(stack, 'Theirs');
    const props = { vpc: vpcOf(stack), prefix: 'blue', encryption: 'customer-managed' } as const;
    const platform = new RemediationPlatform(stack, 'Remediation', props);
    const backups = { bucket: 'backups', prefix: 'orders/', everyMinutes: 60 };
    new RemediatedCluster(stack, 'Orders', { platform, cluster: { ...ORDERS, backups } });
    template = Template.fromStack(stack);
  });

  it('make the schedules after what they start and their role', () => {
    const schedules = Object.values(template.findResources('AWS::Scheduler::Schedule'));
    expect(schedules.length).toBe(3);
    for (const { DependsOn = [] } of schedules) {
      for (const needed of [
        'detectorFunction',
        'DetectorSchedulesRole',
        'BackupStateMachine',
        'RehearsalStateMachine',
      ]) {
        expect((DependsOn as string[]).some((id) => id.startsWith(`Remediation${needed}`))).toBe(true);
      }
    }
  });

  it('share their prefix in every name', () => {
    const text = JSON.stringify(template.toJSON());
    const names = text.match(/[\w/:-]*blue-etcd-remediation[\w/-]*/g) ?? [];
    expect(names).toContain('/blue-etcd-remediation/clusters/orders');
    expect(names).toContain(':function:blue-etcd-remediation-detect-incidents');
    expect(text.match(/:(function|document|stateMachine|role)[:/]etcd-remediation[\w/-]*/g) ?? []).toEqual([]);
  });

  it('encrypt with a key of their own what is theirs, and nothing else', () => {
    const topics = Object.entries(resourcesOf(template, 'AWS::SNS::Topic'));
    expect(topics.length).toBe(3);
    for (const [id, { Properties = {} }] of topics) {
      expect('KmsMasterKeyId' in Properties).toBe(!id.startsWith('Theirs'));
    }
  });
});

describe('props that are wrong', () => {
  it('are refused with every problem, as clusters.json would be', () => {
    const wrong = { ...ORDERS, quotaBackendBytes: '8 GiB', policy: { 'member-lost': 'approval' } } as unknown;
    const cluster = wrong as ClusterConfiguration;
    expect(failureOf(() => new RemediatedCluster(ownStack(), 'Orders', { platform: {}, cluster }))).toMatchObject({
      name: 'InvalidInput',
      message:
        'The RemediatedCluster Own/Orders has 2 problems; nothing was touched.\n' +
        "- quotaBackendBytes: must be etcd's --quota-backend-bytes as a whole number of bytes (etcd's own default is 2147483648)\n" +
        '- policy.member-lost: is not a known field',
    });
  });

  it('are refused where a value is known only when it is deployed', () => {
    const stack = ownStack();
    const { instanceId } = new Instance(stack, 'Host', {
      vpc: vpcOf(stack),
      instanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO),
      machineImage: MachineImage.genericLinux({ 'eu-central-1': 'ami-1' }),
    });
    const members = ORDERS.members.map((member) => ({ ...member, host: instanceId }));
    const cluster = { ...ORDERS, members };
    expect(failureOf(() => new RemediatedCluster(stack, 'Orders', { platform: {}, cluster })).message).toBe(
      'The RemediatedCluster Own/Orders has a value that is known only when it is deployed, a token of the CDK: members[0].host. What is written into ' +
        'alarms, policies and dashboards has to be known before: write the ID, the name or the address itself.',
    );
  });

  it('of a platform are refused before anything is bundled', () => {
    const stack = ownStack();
    const props = { vpc: vpcOf(stack), prefix: 'aws-etcd', clientPorts: [] };
    const { message } = failureOf(() => new RemediationPlatform(stack, 'Remediation', props));
    expect(message).toContain('The RemediationPlatform Own/Remediation has 2 problems');
    expect(message).toContain('- prefix: must be 2 to 16 small letters');
  });

  it('are not those of a platform that another app has deployed: it is known by what was said to it', () => {
    const stack = ownStack();
    new RemediatedCluster(stack, 'Orders', { platform: { prefix: 'blue', clientPorts: [2379] }, cluster: ORDERS });
    const [parameter] = Object.values(resourcesOf(Template.fromStack(stack), 'AWS::SSM::Parameter'));
    expect(parameter?.Properties.Name).toBe('/blue-etcd-remediation/clusters/orders');
  });
});
