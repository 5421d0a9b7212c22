import { App } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { type Cluster, clusterSchema } from '../../core/cluster/clusters.ts';
import { defineClusterAlone } from '../../lib/app.ts';
import { figuresOf, QUOTAS, requireWithinLimits, type SynthesizedStack, synthesizedStack } from '../../lib/limits.ts';
import { FLEET, LAYOUT, NETWORK, PLAIN, render, settingsOfCdk, synthesizeStacks } from './stacks.ts';

/** What is deployed of a fleet: a platform, and a stack for each cluster. */

const URLS = { clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380' };

/** With everything that a cluster can have. */
function clusterOf(name: string, more: Partial<Cluster> = {}): Cluster {
  return clusterSchema.parse({
    name,
    members: [{ name: 'node1', ...URLS, host: 'i-0a1b2c3d4e5f60001' }],
    quotaBackendBytes: 1,
    layout: LAYOUT,
    auth: { secret: `etcd/${name}/root` },
    backups: { bucket: 'all-backups', prefix: `${name}/` },
    ...more,
  });
}

/** The templates of a fleet, by the names of their stacks. */
function templatesOf(clusters: Cluster[]): Map<string, string> {
  const { names, texts } = synthesizeStacks({ network: NETWORK, clusters });
  return new Map(names.map((name, index) => [name, texts[index] ?? '']));
}

describe('the platform', () => {
  const platformOf = (clusters: Cluster[]) => templatesOf(clusters).get('EtcdRemediation');

  it('is byte for byte the same for one cluster and for many, whatever they are', () => {
    const one = platformOf([PLAIN]);
    expect(one).toBeDefined();
    expect(platformOf(FLEET.clusters) === one).toBe(true);
    expect(platformOf(Array.from({ length: 30 }, (_, index) => clusterOf(`c${index}`))) === one).toBe(true);
  });
});

/** What constructs there are, and where in the sources they are made: nothing of it is deployed. */
const ABOUT_CONSTRUCTS = /^tree\.json$|\.metadata\.json$/;

describe('a change of one cluster', () => {
  const before = [clusterOf('orders'), clusterOf('billing'), PLAIN];
  const assembly = synthesizeStacks({ network: NETWORK, clusters: before });

  /** The stacks of which anything is not the same, or not there, in one of the two assemblies. */
  function changedBy(after: Cluster[]): string[] {
    const [one, other] = [assembly, synthesizeStacks({ network: NETWORK, clusters: after })].map(({ parts }) => parts);
    const names = [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])].filter(
      (name) => !ABOUT_CONSTRUCTS.test(name),
    );
    const changed = names.filter((name) => one?.get(name) !== other?.get(name));
    expect(changed.length).toBeLessThan(names.length / 3);
    return [...new Set(changed.map((name) => name.split(/[. ]/)[0] ?? ''))];
  }

  it.each<[string, Partial<Cluster>]>([
    ['secret', { auth: { secret: 'another' } }],
    ['host', { members: [{ name: 'node1', ...URLS, host: 'i-0a1b2c3d4e5f60009' }] }],
    ['place of backups', { backups: { bucket: 'another', prefix: '' } }],
    ['quota', { quotaBackendBytes: 2 }],
  ])('that has another %s touches its stack alone', (_, more) => {
    expect(changedBy([clusterOf('orders', more), ...before.slice(1)])).toEqual(['EtcdRemediation-orders']);
  });

  it('that comes or goes touches its stack alone', () => {
    expect(changedBy([...before, clusterOf('new')])).toEqual(['EtcdRemediation-new']);
    expect(changedBy(before.slice(1))).toEqual(['EtcdRemediation-orders']);
  });

  it('is synthesized alone where its name is given, as it is among the others', () => {
    const app = new App({ context: settingsOfCdk(), builtinCloudFormationValidation: false });
    defineClusterAlone(app, { network: NETWORK, clusters: before }, 'billing');
    const { stacks } = app.synth();
    expect(stacks.map(({ stackName }) => stackName)).toEqual(['EtcdRemediation-billing']);
    const alone = JSON.stringify(stacks[0]?.template);
    expect(alone).toBe(assembly.texts[assembly.names.indexOf('EtcdRemediation-billing')]);
  });

  it('cannot be synthesized alone where there is no such cluster', () => {
    expect(() => defineClusterAlone(new App(), { clusters: before }, 'nobody')).toThrow(
      'clusters.json has no cluster "nobody". Check the name after "-c cluster=", or add the cluster.',
    );
  });
});

describe('a prefix', () => {
  const clusters = [clusterOf('orders')];
  const plain = synthesizeStacks({ network: NETWORK, clusters });
  const blue = synthesizeStacks({ network: NETWORK, clusters, prefix: 'blue' });
  /** All that is deployed: the templates, and the definitions beside them. */
  const wordsOf = ({ texts, definitions }: typeof blue): string[] => [...texts, ...Object.values(definitions)];
  /** Whatever is made under a name of its own: two stacks with one of them equal do not fit beside each other. */
  const namesIn = ({ texts }: typeof blue): string[] =>
    texts
      .flatMap((text) => Object.values(JSON.parse(text).Resources as Record<string, { Properties?: object }>))
      .flatMap(({ Properties = {} }) => Object.entries(Properties))
      .filter(([field]) => /^(Name|(Role|Topic|Function|StateMachine|LogGroup|Alarm|Dashboard)Name)$/.test(field))
      .map(([, name]) => JSON.stringify(name))
      .filter((name) => /etcd-?remediation/i.test(name));

  it('is in every name, so that a second platform fits beside the first', () => {
    expect(blue.names.toSorted()).toEqual(['blue-EtcdRemediation', 'blue-EtcdRemediation-orders']);
    expect(namesIn(blue)).toHaveLength(namesIn(plain).length);
    expect(namesIn(blue).length).toBeGreaterThan(40);
    for (const name of namesIn(blue)) expect(name).toMatch(/blue-etcd-?remediation/i);
    expect(namesIn(blue).filter((name) => namesIn(plain).includes(name))).toEqual([]);
  });

  it('is in whatever is found by a name', () => {
    const found = wordsOf(blue).flatMap((text) => text.match(/[\w-]*etcd-?remediation[-/:][\w* -]*/gi) ?? []);
    // Descriptions, and what is no name in AWS.
    const isText = (name: string) => /^etcd-remediation(: |:problem|\/proof)/.test(name);
    expect(found.filter((name) => !name.startsWith('blue-') && !isText(name))).toEqual([]);
  });

  it('is told to every function, and to a person who has to type a command', () => {
    const texts = wordsOf(blue).join();
    const functions = Object.values(blue.platform.findResources('AWS::Lambda::Function'));
    for (const { Properties } of functions) {
      expect(Properties.Environment.Variables.ETCD_REMEDIATION_PREFIX).toBe('blue');
    }
    expect(texts.match(/npx --no etcd-remediation/g)?.length).toBe(texts.match(/--prefix blue/g)?.length);
  });
});

describe('a key of its own', () => {
  const { platform } = synthesizeStacks({ network: NETWORK, clusters: [PLAIN], encryption: 'customer-managed' });
  const [keyId, ...others] = Object.keys(platform.findResources('AWS::KMS::Key'));
  const key = { 'Fn::GetAtt': [keyId, 'Arn'] };

  it('encrypts the topic, the buckets, the table and every log', () => {
    expect(others).toEqual([]);
    const of = (type: string) => Object.values(platform.findResources(type)).map(({ Properties }) => Properties);
    expect(of('AWS::SNS::Topic').map(({ KmsMasterKeyId }) => KmsMasterKeyId)).toEqual([key, key]);
    expect(of('AWS::DynamoDB::Table').map(({ SSESpecification }) => SSESpecification)).toEqual([
      { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key },
    ]);
    for (const bucket of of('AWS::S3::Bucket')) {
      expect(bucket.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key } },
      ]);
    }
    const [{ KeyPolicy } = { KeyPolicy: {} }] = of('AWS::KMS::Key');
    const services = KeyPolicy.Statement.flatMap(({ Principal }: { Principal: { Service?: unknown } }) =>
      Principal.Service ? [render(Principal.Service)] : [],
    );
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    expect(services).toEqual(['logs.<AWS::Region>.<AWS::URLSuffix>', 'cloudwatch.amazonaws.com']);
    const logs = of('AWS::Logs::LogGroup');
    expect(logs).toHaveLength(3);
    for (const { KmsKeyId } of logs) expect(KmsKeyId).toEqual(key);
  });

  it('is there for whoever asks for it alone', () => {
    expect(synthesizeStacks({ network: NETWORK, clusters: [PLAIN] }).platform.findResources('AWS::KMS::Key')).toEqual(
      {},
    );
  });
});

describe('the limits of AWS', () => {
  /** As they are checked when they are synthesized. */
  function synthesize(...clusters: Cluster[]): SynthesizedStack[] {
    const app = new App({ builtinCloudFormationValidation: false });
    for (const { name } of clusters) defineClusterAlone(app, { clusters }, name);
    return app.synth().stacks.map(synthesizedStack);
  }
  const spares = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `node${index + 10}`,
      ...URLS,
      host: `i-${String(index).padStart(17, '0')}`,
    }));

  it('hold for every cluster of the fleet, and are far away', () => {
    const stacks = synthesize(...FLEET.clusters);
    expect(() => requireWithinLimits(stacks)).not.toThrow();
    const policies = stacks.flatMap(figuresOf).filter(({ limit }) => limit === 'inlinePolicyChars');
    for (const { figure } of policies) expect(figure).toBeLessThan(5_000);
  });

  it.each<[string, Cluster, RegExp]>([
    [
      'a name that is too long for its role',
      clusterOf('x'.repeat(33)),
      /^The stack EtcdRemediation-x{33} cannot be deployed: Access\w+ has 65 characters of a role's name in the region with the longest name, and AWS takes 64 \(https:.*\)\. Give the cluster a name of at most 32 characters/,
    ],
    [
      'more spare hosts than a policy takes',
      clusterOf('orders', { spareHosts: spares(70) }),
      /^The stack EtcdRemediation-orders cannot be deployed: Access\w+ has 1\d,\d{3} characters of policies in one role, and AWS takes 10,240 \(https:.*\)\. Name fewer spare hosts/,
    ],
    [
      'a configuration that is too long for its parameter',
      clusterOf('orders', {
        spareHosts: spares(30).map((spare) => ({ ...spare, layout: { dataDir: `/${'long/'.repeat(40)}dir` } })),
      }),
      /^The stack EtcdRemediation-orders cannot be deployed: Registry\w* has 1\d,\d{3} bytes of a parameter in the advanced tier, and AWS takes 8,192 \(https:.*\)\. Say a layout once/,
    ],
  ])('refuse %s, with the figure and what to do', (_, cluster, message) => {
    expect(() => requireWithinLimits(synthesize(cluster))).toThrow(
      expect.objectContaining({ name: 'InvalidInput', message: expect.stringMatching(message) }),
    );
  });

  const ids = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);

  it('count the network of each function, and the rules of IPv4 by themselves', () => {
    const clientPorts = Array.from({ length: 60 }, (_, index) => 2379 + index);
    const network = { ...NETWORK, securityGroupIds: ids(5), subnetIds: ids(17), clientPorts };
    const { platform } = synthesizeStacks({ network, clusters: [PLAIN] });
    const template = platform.toJSON() as SynthesizedStack['template'];
    const figures = figuresOf({ stackName: 'EtcdRemediation', template, sizeBytes: 0 });
    const most = (of: string) => Math.max(...figures.flatMap(({ limit, figure }) => (limit === of ? [figure] : [])));
    expect(most('functionSecurityGroups')).toBe(6);
    expect(most('functionSubnets')).toBe(17);
    // One for each port, and one for AWS's APIs.
    expect(most('securityGroupRules')).toBe(61);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['AWS::Lambda::Function', { VpcConfig: { SecurityGroupIds: ids(6) } }, /6 security groups, .* at most four/],
    ['AWS::Lambda::Function', { VpcConfig: { SubnetIds: ids(17) } }, /17 subnets, and AWS takes 16 .*"subnetIds"/],
    ['AWS::EC2::SecurityGroup', { SecurityGroupEgress: ids(61).map((CidrIpv6) => ({ CidrIpv6 })) }, /61 rules out /],
  ])('refuse a resource %s that is beyond its network: %j', (Type, Properties, message) => {
    const stack = (properties: Record<string, unknown>) => ({
      stackName: 'EtcdRemediation',
      template: { Resources: { It: { Type, Properties: properties } } },
      sizeBytes: 0,
    });
    expect(() => requireWithinLimits([stack(Properties)])).toThrow(message);
    const one = JSON.parse(JSON.stringify(Properties), (_, value) => (Array.isArray(value) ? value.slice(1) : value));
    expect(() => requireWithinLimits([stack(one)])).not.toThrow();
  });

  it('take a name of 32 characters', () => {
    expect(() => requireWithinLimits(synthesize(clusterOf('x'.repeat(32))))).not.toThrow();
  });

  describe('for a whole account', () => {
    const [stack] = synthesize(clusterOf('orders'));
    const fleetOf = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        ...(stack as SynthesizedStack),
        stackName: `stack-${index + 1}`,
      }));

    it('refuse the first cluster that has no room, and say what to ask AWS for', () => {
      expect(() => requireWithinLimits(fleetOf(454))).not.toThrow();
      expect(() => requireWithinLimits(fleetOf(455))).toThrow(
        'The stack stack-455 has no room: with it there are 5,005 alarms, and AWS takes 5,000 in an account ' +
          `(${QUOTAS.alarms.source}). Ask AWS for more under Service Quotas, and write what it has granted into clusters.json: "quotas": {"alarms": 10000}. ` +
          'Or deploy some of the clusters into another account or region.',
      );
    });

    it('are those that AWS has granted, where the configuration says so', () => {
      const granted = { alarms: 40_000, roles: 5_000 };
      expect(() => requireWithinLimits(fleetOf(2_000), granted)).not.toThrow();
      expect(() => requireWithinLimits(fleetOf(2_001), granted)).toThrow(
        /^The stack stack-2001 has no room: .*2,001 stacks/,
      );
      expect(() => requireWithinLimits(fleetOf(1_000), { alarms: 20_000, roles: 900 })).toThrow(
        /^The stack stack-901 has no room: with it there are 901 roles, and "quotas" in clusters\.json says that AWS has granted 900 /,
      );
    });
  });
});
