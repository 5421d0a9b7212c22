import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { CLUSTER_ACCESS, type ClusterAccess } from '../../core/cluster/cluster-role.ts';
import { clusterSchema } from '../../core/cluster/clusters.ts';
import type { Role } from '../../local/aws/iam.ts';
import { type Context, isAllowed, type Statement } from '../../local/aws/policy.ts';
import { LAYOUT, NETWORK, render, resourcesOf, type Stacks, synthesizeStacks } from './stacks.ts';

/** Who may assume which role: by the synthesized trust policies, evaluated, whatever the role may do and whatever whoever asks is let. */

const HERE = '000000000000';
const ELSEWHERE = '111111111111';
const URLS = { clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380' };

/** With everything that a role is for; two of them have names of which one begins with the other. */
const clusters = ['orders', 'orders-eu'].map((name, index) =>
  clusterSchema.parse({
    name,
    members: [{ name: 'node1', ...URLS, host: `i-0a1b2c3d4e5f6000${index}` }],
    quotaBackendBytes: 1,
    layout: LAYOUT,
    auth: { secret: `etcd/${name}/root` },
    backups: { bucket: 'all-backups', prefix: `${name}/`, everyMinutes: 60 },
  }),
);
const stacks = synthesizeStacks({ network: NETWORK, clusters });
const blue = synthesizeStacks({ network: NETWORK, clusters, prefix: 'blue' });

interface Caller {
  who: string;
  /** A service of AWS; or a role or a user, by its ARN. */
  principal: { Service: string } | { AWS: string };
  context: Context;
}

/** What of a service a role may be held to. */
const SOURCES: Record<string, string> = { scheduler: 'schedule-group/default', states: 'stateMachine:any' };

function service(name: string, account: string): Caller {
  return {
    who: `${name}${account === HERE ? '' : ' for another account'}`,
    principal: { Service: `${name}.amazonaws.com` },
    context: {
      'aws:SourceAccount': account,
      'aws:SourceArn': `arn:aws:${name}:local:${account}:${SOURCES[name] ?? 'any'}`,
    },
  };
}

function principal(arn: string, session: string): Caller {
  return {
    who: `${arn} as ${session}`,
    principal: { AWS: arn },
    context: { 'aws:PrincipalArn': arn, 'sts:RoleSessionName': session },
  };
}

const SERVICES = ['lambda', 'states', 'events', 'ssm', 'scheduler', 'apigateway', 'pipes', 'ec2', 'cloudformation'];
const services = [HERE, ELSEWHERE].flatMap((account) => SERVICES.map((name) => service(name, account)));

function functionsIn({ roles }: Stacks): string[] {
  return roles.filter(({ trust }) => JSON.stringify(trust).includes('lambda')).map(({ arn }) => arn);
}

/** What a function may assume the roles of clusters for: its path says it. */
function accessOf(arn: string): ClusterAccess[] {
  if (arn.includes('/local/secrets/looking/')) return ['secrets', 'backups'];
  return CLUSTER_ACCESS.filter((access) => arn.includes(`/local/${access}/`));
}

const OTHERS = [
  'role/Admin',
  'role/etcd-remediation/clusters/etcd-remediation-local-orders',
  'role/etcd-remediation/clusters/etcd-remediation-local-orders-eu',
  'role/etcd-remediation/local/secrets',
  'role/etcd-remediation/local/secrets-of-all/step',
  'role/etcd-remediation/local/looking/step',
  'role/etcd-remediation/elsewhere/secrets/step',
  'role/mine/etcd-remediation/local/secrets/step',
  'user/etcd-remediation/local/secrets/alice',
].map((each) => `arn:aws:iam::${HERE}:${each}`);
const callers = [
  ...services,
  ...[
    ...functionsIn(stacks),
    ...functionsIn(blue),
    ...OTHERS,
    // A role of the same name and path, of somebody else.
    ...functionsIn(stacks).map((arn) => arn.replace(HERE, ELSEWHERE)),
  ].flatMap((arn) => [...CLUSTER_ACCESS, 'step'].map((session) => principal(arn, session))),
];

/** As CloudFormation makes it. */
function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value === 'string') {
    return value
      .replaceAll('<AWS::Partition>', 'aws')
      .replaceAll('<AWS::AccountId>', HERE)
      .replaceAll('<AWS::Region>', 'local');
  }
  const [key = ''] = Object.keys(value as object);
  if (key === 'Ref' || key.startsWith('Fn::')) return resolve(render(value));
  return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, resolve(each)]));
}

interface Trust extends Pick<Role, 'trust'> {
  id: string;
}

function trustsIn(template: Template): Trust[] {
  return Object.entries(resourcesOf(template, 'AWS::IAM::Role')).map(([id, { Properties }]) => ({
    id,
    trust: resolve(Properties.AssumeRolePolicyDocument.Statement) as Statement[],
  }));
}

/** Trust in an account is trust in all of it. */
function isFor(statement: Statement, caller: Caller): boolean {
  const [[kind, who] = [], ...others] = Object.entries(statement.Principal ?? {});
  if (others.length > 0 || typeof who !== 'string') throw new Error(`Look at ${JSON.stringify(statement)}.`);
  if (kind === 'Service') return 'Service' in caller.principal && caller.principal.Service === who;
  if (kind !== 'AWS' || !/^\d{12}$/.test(who)) throw new Error(`Look at ${JSON.stringify(statement)}.`);
  return 'AWS' in caller.principal && caller.principal.AWS.split(':')[4] === who;
}

function trustedBy({ trust }: Trust): string[] {
  return callers
    .filter((caller) => {
      const statements = trust.filter((statement) => isFor(statement, caller));
      return isAllowed(statements, { action: 'sts:AssumeRole' }, caller.context);
    })
    .map(({ who }) => who);
}

describe('the role of a cluster', () => {
  it.each([
    ['orders', stacks],
    ['orders-eu', stacks],
    ['orders', blue],
  ])('%s is for the functions of its own platform, each for what that one is for, and for nobody else', (name, all) => {
    const [role, ...others] = trustsIn(all.clusters[name] as Template);
    expect(others).toEqual([]);
    const expected = functionsIn(all).flatMap((arn) => accessOf(arn).map((access) => `${arn} as ${access}`));
    expect(trustedBy(role as Trust).toSorted()).toEqual(expected.toSorted());
    for (const access of CLUSTER_ACCESS) expect(expected.some((each) => each.endsWith(` as ${access}`))).toBe(true);
  });
});

describe('a role of the platform', () => {
  /** These do not say for whom they assume a role. AWS lets nobody give a service a role of another account. */
  const WITHOUT_ACCOUNT = ['lambda', 'apigateway'];

  it.each(trustsIn(stacks.platform).map((trust) => [trust.id, trust] as const))(
    '%s is for one service, which assumes it for this account alone where it says for whom',
    (_, trust) => {
      const [one = '', ...more] = trustedBy(trust);
      expect(SERVICES).toContain(one);
      expect(more).toEqual(WITHOUT_ACCOUNT.includes(one) ? [`${one} for another account`] : []);
    },
  );

  it('is for each of the services that need one', () => {
    const used = new Set(trustsIn(stacks.platform).map((trust) => trustedBy(trust)[0]));
    expect([...used].toSorted()).toEqual(['apigateway', 'events', 'lambda', 'pipes', 'scheduler', 'ssm', 'states']);
  });
});
