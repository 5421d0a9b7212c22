import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { clusterSchema, registryParameterName } from '../../core/cluster/clusters.ts';
import { serveAwsEndpoint } from '../../local/aws/endpoint.ts';
import { Iam, type Operation } from '../../local/aws/iam.ts';
import { secretsManager, systemsManager } from '../../local/aws/services.ts';
import { LAYOUT, NETWORK, synthesizeStacks } from '../lib/stacks.ts';
import { STOP_ETCD } from './hosts/support.ts';

/** What a function reaches as the role of a cluster: over HTTP, by the synthesized policies. */

const HOSTS = { orders: 'i-0a1b2c3d4e5f60001', billing: 'i-0a1b2c3d4e5f60002' };
const ROOT = { username: 'root', password: 'secret' };

function clusterOf(name: 'orders' | 'billing') {
  const member = { clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380', host: HOSTS[name] };
  const auth = { secret: `etcd/${name}/root` };
  return clusterSchema.parse({
    name,
    members: [{ name: 'node1', ...member }],
    quotaBackendBytes: 1,
    layout: LAYOUT,
    auth,
  });
}

const [orders, billing] = [clusterOf('orders'), clusterOf('billing')];
const { roles } = synthesizeStacks({ network: NETWORK, clusters: [orders, billing] });

/** What was asked for so far, by its operation. */
let asked: Record<string, number>;
let sessionOf: typeof import('../../lambdas/cluster-session.ts').sessionOf;
let readSecrets: typeof import('../../lambdas/etcd/secrets.ts').readSecrets;
beforeEach(async () => {
  asked = {};
  // A cold start: nothing is kept.
  vi.resetModules();
  ({ sessionOf } = await import('../../lambdas/cluster-session.ts'));
  ({ readSecrets } = await import('../../lambdas/etcd/secrets.ts'));
});

/** AWS for the rest of the test, with this process as the function of which the role's name begins so. */
async function serveFor(role: string, more: Record<string, Operation> = {}): Promise<void> {
  const iam = new Iam(roles, { accessKeyId: 'OWNER', secretAccessKey: '' });
  const own = roles.find(({ arn }) => arn.split('/').at(-1)?.startsWith(`${role}Role`));
  const { accessKeyId, secretAccessKey } = iam.credentialsOf(own?.arn ?? '', role);
  const operations: Record<string, Operation> = {
    ...secretsManager({ 'etcd/orders/root': ROOT, 'etcd/billing/root': ROOT }),
    ...systemsManager(
      Object.fromEntries([orders, billing].map((each) => [registryParameterName(each.name), JSON.stringify(each)])),
    ),
    'AmazonSSM.SendCommand': () => ({ Command: { CommandId: 'sent' } }),
    ...iam.sts,
    ...more,
  };
  const counted = Object.fromEntries(
    Object.entries(operations).map(([name, operation]): [string, Operation] => [
      name,
      (request, caller) => {
        asked[name] = (asked[name] ?? 0) + 1;
        return operation(request, caller);
      },
    ]),
  );
  const endpoint = await serveAwsEndpoint(counted, iam);
  onTestFinished(() => endpoint.close());
  onTestFinished(() => void vi.unstubAllEnvs());
  const environment = {
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    CLUSTER_ROLES: 'arn:aws:iam::000000000000:role/etcd-remediation/clusters/etcd-remediation-local-*',
    ...Object.fromEntries(['SSM', 'STS', 'SECRETS_MANAGER'].map((name) => [`AWS_ENDPOINT_URL_${name}`, endpoint.url])),
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}

describe('a step that reads secrets', () => {
  it('reads those of the cluster that it is given', async () => {
    await serveFor('etcd');
    expect(await readSecrets(orders)).toMatchObject({ login: ROOT });
    expect(await readSecrets(billing)).toMatchObject({ login: ROOT });
  });

  it("is refused another cluster's, whatever its input says", async () => {
    await serveFor('etcd');
    await expect(readSecrets({ ...orders, auth: billing.auth })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The secret "etcd\/billing\/root" cannot be read: AccessDeniedException: User: arn:aws:sts::\d+:assumed-role\/etcd-remediation-local-orders\/secrets is not authorized/,
      ),
    });
  });

  it('sends no command', async () => {
    await serveFor('etcd');
    await expect(send(orders.name, HOSTS.orders)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('cannot be assumed (AccessDenied'),
    });
    expect(asked).not.toHaveProperty('AmazonSSM.SendCommand');
  });
});

async function send(cluster: string, host: string) {
  const { openSsm } = await import('../../lambdas/hosts/ssm.ts');
  const { sendCommand } = await import('../../lambdas/hosts/commands.ts');
  const ssm = await openSsm({ cluster, access: 'commands' });
  onTestFinished(() => ssm.close());
  return sendCommand(ssm, { host, command: 'control-service', parameters: STOP_ETCD, clientToken: 'token' });
}

describe('a step that sends commands', () => {
  it('sends them to a host of the cluster that it is given', async () => {
    await serveFor('runcommand');
    expect(await send(orders.name, HOSTS.orders)).toMatchObject({ commandId: 'sent' });
  });

  it("is refused another cluster's host", async () => {
    await serveFor('runcommand');
    await expect(send(orders.name, HOSTS.billing)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining(
        `ssm:SendCommand on resource: arn:aws:ec2:local:000000000000:instance/${HOSTS.billing}`,
      ),
    });
    expect(asked).not.toHaveProperty('AmazonSSM.SendCommand');
  });
});

describe('the session of a cluster', () => {
  it('is kept while the function is warm, one for each cluster', async () => {
    await serveFor('etcd');
    const [first, second] = [await sessionOf('orders', 'secrets'), await sessionOf('orders', 'secrets')];
    expect(second).toEqual(first);
    expect(await sessionOf('billing', 'secrets')).not.toEqual(first);
    expect(asked).toEqual({ 'sts.AssumeRole': 2, 'AmazonSSM.GetParameter': 2 });
  });

  it('asks the registry no more where the step has read it itself', async () => {
    await serveFor('etcd');
    const { readRegistry } = await import('../../lambdas/registry.ts');
    await readRegistry('orders');
    await sessionOf('orders', 'secrets');
    expect(asked).toEqual({ 'sts.AssumeRole': 1, 'AmazonSSM.GetParameter': 1 });
  });

  it('is asked for once by those who want it at the same time', async () => {
    await serveFor('etcd');
    await Promise.all([sessionOf('orders', 'secrets'), sessionOf('orders', 'secrets')]);
    expect(asked['sts.AssumeRole']).toBe(1);
  });

  it('is a new one before it ends within a step, and where a whole hour is wanted', async () => {
    await serveFor('etcd');
    const session = await sessionOf('orders', 'secrets');
    expect((session?.expiration.getTime() ?? 0) - Date.now()).toBeGreaterThan(59 * 60_000);
    vi.setSystemTime((session?.expiration.getTime() ?? 0) - 17 * 60_000);
    onTestFinished(() => void vi.useRealTimers());
    await sessionOf('orders', 'secrets');
    expect(asked['sts.AssumeRole']).toBe(1);
    await sessionOf('orders', 'secrets', { anew: true });
    expect(asked['sts.AssumeRole']).toBe(2);
    vi.setSystemTime(Date.now() + 46 * 60_000);
    await sessionOf('orders', 'secrets');
    expect(asked['sts.AssumeRole']).toBe(3);
  });

  it('is there for a cluster of the registry alone', async () => {
    await serveFor('etcd');
    await expect(sessionOf('nobody', 'secrets')).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(/^No cluster .*"nobody"/),
    });
    await expect(sessionOf('orders/../billing', 'secrets')).rejects.toMatchObject({ name: 'InvalidInput' });
    expect(asked).not.toHaveProperty('sts.AssumeRole');
  });

  it('is asked for again where there was none, and says what to do', async () => {
    const [deployed] = roles.filter(({ arn }) => arn.endsWith('-orders'));
    let isDeployed = false;
    await serveFor('etcd', {
      'sts.AssumeRole': (request, caller) =>
        new Iam(isDeployed && deployed ? roles : roles.filter((each) => each !== deployed), {
          accessKeyId: 'OTHER',
          secretAccessKey: '',
        }).sts['sts.AssumeRole']?.(request, caller),
    });
    await expect(sessionOf('orders', 'secrets')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The role arn:.*-orders cannot be assumed \(AccessDenied: .*\)\. .*Deploy the stack of the cluster again\.$/,
      ),
    });
    isDeployed = true;
    await expect(sessionOf('orders', 'secrets')).resolves.toMatchObject({ sessionToken: expect.any(String) });
  });

  it("is nobody else's: its key is worth nothing without its token, nor after its end", async () => {
    await serveFor('etcd');
    const session = await sessionOf('orders', 'secrets');
    if (!session) throw new Error('There are roles.');
    vi.stubEnv('AWS_ACCESS_KEY_ID', session.accessKeyId);
    vi.resetModules();
    const { readRegistry } = await import('../../lambdas/registry.ts');
    await expect(readRegistry('orders')).rejects.toThrow(/UnrecognizedClientException/);
    vi.stubEnv('AWS_SESSION_TOKEN', session.sessionToken);
    await expect(readRegistry('orders')).rejects.toThrow(/AccessDeniedException: .*ssm:GetParameter/);
    vi.setSystemTime(session.expiration.getTime() + 1);
    onTestFinished(() => void vi.useRealTimers());
    await expect(readRegistry('orders')).rejects.toThrow(/ExpiredToken/);
  });
});
