import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleSteps, type StepBundles } from '../../lib/bundles/bundle-steps.ts';
import { functionOf, STEPS_OF, type StepName } from '../../lib/steps.ts';
import { FUNCTIONS, STEPS, STEPS_WITHOUT_ETCD } from './stacks.ts';

const ROOT = join(import.meta.dirname, '../..');
const WITH_ETCD = [...new Set(STEPS.filter((step) => !STEPS_WITHOUT_ETCD.includes(step)).map(functionOf))] as string[];
const WITHOUT_ETCD = FUNCTIONS.filter((name) => !WITH_ETCD.includes(name));
const MAX_BYTES = 750_000;
/** These bring the clients of etcd and of S3. */
const WITH_BOTH = ['backing-up', 'diagnosis', 'detector'];
const MAX_BYTES_OF_BOTH = 1_200_000;
/** Nothing listens at port 1. */
const CLUSTER = {
  name: 'orders',
  members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
  quotaBackendBytes: 1,
};

let directory: string;
let bundles: StepBundles;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundles-test-'));
  bundles = await bundleSteps(join(directory, 'bundles'));
});
afterAll(() => rm(directory, { recursive: true }));

function textOf(name: string): Promise<string> {
  return readFile(join(bundles[name] ?? '', 'index.cjs'), 'utf8');
}

/** The expression that runs a step. */
function handlerOn(step: StepName, input: object): string {
  return `handler(${JSON.stringify({ step, input })}, {})`;
}

/** Evaluates `expression` with the bundle's `handler`, where nothing but Node and the AWS SDK is around, as in Lambda. */
async function deployed(name: string, expression: string): Promise<unknown> {
  const folder = await mkdtemp(join(directory, 'deployed-'));
  await cp(bundles[name] ?? '', folder, { recursive: true });
  await mkdir(join(folder, 'opt'));
  await symlink(join(ROOT, 'node_modules/@aws-sdk'), join(folder, 'opt/@aws-sdk'));
  const script = `const { handler } = require('./index.cjs');
    const end = (result) => { console.log('\\n' + JSON.stringify(result)); process.exit(); };
    (async () => ${expression})().then(end, ({ name, message }) => end({ name, message }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script], {
    cwd: folder,
    env: { NODE_PATH: join(folder, 'opt'), AWS_REGION: 'local' },
  });
  // Before it stands the function's log.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('the bundles', () => {
  it('are one for each set of permissions, one for the API and one for the reports', () => {
    expect(Object.keys(bundles).toSorted()).toEqual([...FUNCTIONS, 'api', 'reports'].toSorted());
  });

  it('hold every step, each in one of them', () => {
    expect(Object.values(STEPS_OF).flat().toSorted()).toEqual(STEPS.toSorted());
  });

  it.each(
    [...FUNCTIONS, 'api'].map((name) => [name, WITH_BOTH.includes(name) ? MAX_BYTES_OF_BOTH : MAX_BYTES] as const),
  )('%s is one file of less than %d bytes', async (name, most) => {
    expect(await readdir(bundles[name] ?? '')).toEqual(['index.cjs']);
    expect(Buffer.byteLength(await textOf(name))).toBeLessThan(most);
  });

  it('reports brings what draws with it, and needs nothing but Node and the AWS SDK', async () => {
    expect(await readdir(bundles.reports ?? '')).toEqual(['index.cjs']);
    expect(Buffer.byteLength(await textOf('reports'))).toBeLessThan(2 * MAX_BYTES);
    expect(await deployed('reports', 'handler({}, {})')).toMatchObject({ name: 'InvalidInput' });
  });

  it.each(FUNCTIONS)(
    '%s needs nothing but Node and the AWS SDK, and each of its steps refuses an empty input by a name that minifying keeps',
    async (name) => {
      const steps = STEPS_OF[name as keyof typeof STEPS_OF];
      const call = `Promise.all(${JSON.stringify(steps)}.map((step) => handler({ step, input: {} }, {}).catch(({ name, message }) => ({ name, message }))))`;
      const refusals = await deployed(name, call);
      expect(refusals).toEqual(
        steps.map(() => ({
          name: 'InvalidInput',
          message: expect.stringMatching(/input.* has \d+ problem|execution has/i),
        })),
      );
    },
  );

  it('refuse a step of another function, and what names no step', async () => {
    expect(await deployed('transfers', "handler({ step: 'run-host-commands', input: {} }, {})")).toEqual({
      name: 'InvalidInput',
      message: 'This function does not run the step "run-host-commands", but stage-snapshot, transfer-snapshots.',
    });
    expect(await deployed('transfers', "handler({ action: 'Begin' }, {})")).toMatchObject({ name: 'InvalidInput' });
  });

  it.each(WITH_ETCD)('%s understands the status of etcd 3.6', async (name) => {
    const text = await textOf(name);
    expect(text).toMatch(/case 11:\{\w+\.storageVersion=\w+\.string\(\)/);
    expect(text).toMatch(/case 12:\{\w+\.dbSizeQuota=\w+\.int64\(\)/);
  });

  it.each(WITH_ETCD)('%s has what gRPC needs for one channel to one address, and no more of it', async (name) => {
    const text = await textOf(name);
    const has = (words: string[]) => words.filter((word) => text.includes(word));
    expect(has(['grpc.initial_reconnect_backoff_ms', 'pick_first'])).toHaveLength(2);
    expect(has(['bindAsync', 'rpc.proto', 'round_robin', 'outlier_detection', 'UserGrantRole'])).toEqual([]);
  });

  it.each(WITH_ETCD)("%s has etcd3's typed clients and neither its pool nor its circuit breaker", async (name) => {
    const text = await textOf(name);
    expect(text).toContain('"Maintenance","defragment"');
    expect(text).not.toMatch(/deterministicOrder|BrokenCircuit/);
  });

  it.each(WITHOUT_ETCD)('%s talks to no member, and has no client for it', async (name) => {
    expect(await textOf(name)).not.toMatch(/grpc-js|etcdserverpb/);
  });

  it('transfers brings the client of S3 with it, for what presigns URLs has to fit it, and takes the others of the runtime', async () => {
    const text = await textOf('transfers');
    expect(text.includes('X-Amz-SignedHeaders')).toBe(true);
    // In brackets it is advice in an error's text.
    const required = [...text.matchAll(/(?<!\[)require\("(@[^"]+)"\)/g)].map(([, name]) => name);
    expect([...new Set(required)].toSorted()).toEqual(['@aws-sdk/client-ssm', '@aws-sdk/client-sts']);
  });

  it('bring a gRPC failure back as an error of the taxonomy', async () => {
    const input = { cluster: CLUSTER, member: 'node1', transferee: 'node1' };
    expect(await deployed('etcd-long', handlerOn('move-leadership', input))).toMatchObject({
      name: 'EtcdUnavailable',
      message: expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:1: Nothing listens .*ECONNREFUSED .*Maintenance\/status, gRPC code 14\)\.$/,
      ),
    });
  });

  it('find a member by its name', async () => {
    const [member] = CLUSTER.members;
    const named = { ...CLUSTER, members: [{ ...member, clientUrl: 'http://localhost:1' }] };
    const input = { cluster: named, member: 'node1', transferee: 'node1' };
    expect(await deployed('etcd-long', handlerOn('move-leadership', input))).toMatchObject({
      name: 'EtcdUnavailable',
      message: expect.stringMatching(/^http:\/\/localhost:1: Nothing listens .*ECONNREFUSED /),
    });
  });

  it('find the AWS SDK that they load later', async () => {
    const input = { cluster: { ...CLUSTER, auth: { secret: 'etcd/root' } }, execution: 'run-1' };
    // Without credentials the SDK refuses before it calls anyone.
    const outcome = await deployed(
      'etcd',
      `(process.env.AWS_EC2_METADATA_DISABLED = 'true', process.env.CLUSTER_ROLES = 'arn:aws:iam::1:role/x-*', ${handlerOn('prove-writes', input)})`,
    );
    expect(outcome).toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(
        /^SSM, asked for the parameter \/etcd-remediation\/clusters\/[\w-]+, was not answered: CredentialsProviderError: .*NAT gateway, or VPC endpoints/,
      ),
    });
  });
});
