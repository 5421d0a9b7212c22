import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleSteps, type StepBundles } from '../../lib/bundles/bundle-steps.ts';
import { etcdClient } from '../../lib/bundles/etcd-client.ts';
import { STEPS_WITHOUT_ETCD } from './stacks.ts';

const ROOT = join(import.meta.dirname, '../..');
const STEPS = (await readdir(join(ROOT, 'lambdas/steps'))).map((file) => file.replace(/\.ts$/, ''));
const ETCD_STEPS = STEPS.filter((step) => !STEPS_WITHOUT_ETCD.includes(step));
const MAX_BYTES = 600_000;
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

function textOf(step: string): Promise<string> {
  return readFile(join(bundles[step] ?? '', 'index.cjs'), 'utf8');
}

/** Evaluates `expression` with the bundle's `handler`, where nothing but Node and the AWS SDK is around, as in Lambda. */
async function deployed(step: string, expression: string): Promise<unknown> {
  const folder = await mkdtemp(join(directory, 'deployed-'));
  await cp(bundles[step] ?? '', folder, { recursive: true });
  await mkdir(join(folder, 'opt'));
  await symlink(join(ROOT, 'node_modules/@aws-sdk'), join(folder, 'opt/@aws-sdk'));
  const script = `const { handler } = require('./index.cjs');
    const end = (result) => { console.log(JSON.stringify(result)); process.exit(); };
    (async () => ${expression})().then(end, ({ name, message }) => end({ name, message }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script], {
    cwd: folder,
    env: { NODE_PATH: join(folder, 'opt'), AWS_REGION: 'local' },
  });
  return JSON.parse(stdout);
}

describe('the bundles', () => {
  it('are one for each step, and one for the API', () => {
    expect(Object.keys(bundles).toSorted()).toEqual([...STEPS, 'api'].toSorted());
  });

  it.each([...STEPS, 'api'])('%s is one file of less than 600 KB', async (step) => {
    expect(await readdir(bundles[step] ?? '')).toEqual(['index.cjs']);
    expect(Buffer.byteLength(await textOf(step))).toBeLessThan(MAX_BYTES);
  });

  it.each(STEPS)(
    '%s needs nothing but Node and the AWS SDK, and refuses an empty event by a name that minifying keeps',
    async (step) => {
      expect(await deployed(step, 'handler({})')).toMatchObject({
        name: 'InvalidInput',
        message: expect.stringMatching(/has \d+ problem/),
      });
    },
  );

  it.each(ETCD_STEPS)('%s understands the status of etcd 3.6', async (step) => {
    const text = await textOf(step);
    expect(text).toMatch(/storageVersion:\{type:"string",id:11\}/);
    expect(text).toMatch(/dbSizeQuota:\{type:"int64",id:12\}/);
  });

  it.each(ETCD_STEPS)('%s has the client of gRPC and not its server', async (step) => {
    const text = await textOf(step);
    expect(text).toContain('grpc.initial_reconnect_backoff_ms');
    expect(text).not.toContain('bindAsync');
  });

  it.each(STEPS.filter((step) => !ETCD_STEPS.includes(step)))(
    '%s talks to no member, and has no client for it',
    async (step) => {
      expect(await textOf(step)).not.toMatch(/grpc-js|etcdserverpb/);
    },
  );

  it.each(['stage-snapshot', 'transfer-snapshots'])(
    '%s brings the client of S3 with it, for what presigns URLs has to fit it, and takes the others of the runtime',
    async (step) => {
      const text = await textOf(step);
      expect(text.includes('X-Amz-SignedHeaders')).toBe(true);
      // In brackets it is advice in an error's text.
      const required = [...text.matchAll(/(?<!\[)require\("(@[^"]+)"\)/g)].map(([, name]) => name);
      expect(required).toEqual(step === 'transfer-snapshots' ? ['@aws-sdk/client-ssm'] : []);
    },
  );

  it('bring a gRPC failure back as an error of the taxonomy', async () => {
    const event = { cluster: CLUSTER, member: 'node1', transferee: 'node1' };
    expect(await deployed('move-leadership', `handler(${JSON.stringify(event)}, {})`)).toMatchObject({
      name: 'EtcdUnavailable',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 Maintenance\/status: .*ECONNREFUSED/),
    });
  });

  it('find the AWS SDK that they load later', async () => {
    const event = { cluster: { ...CLUSTER, auth: { secret: 'etcd/root' } }, execution: 'run-1' };
    // Without credentials the SDK refuses before it calls anyone.
    const outcome = await deployed(
      'prove-writes',
      `(process.env.AWS_EC2_METADATA_DISABLED = 'true', handler(${JSON.stringify(event)}, {}))`,
    );
    expect(outcome).toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(
        /^Secrets Manager, asked for "etcd\/root", was not answered: CredentialsProviderError: .*NAT gateway, or VPC endpoints/,
      ),
    });
  });
});

describe('the esbuild plugin for the etcd client', () => {
  /** Bundles a copy of etcd3 whose connection-pool.js went through `edit`. */
  async function bundleCopy(edit: (source: string) => string): Promise<string> {
    const copy = join(await mkdtemp(join(directory, 'etcd3-')), 'etcd3');
    for (const folder of ['lib', 'proto']) {
      await cp(join(ROOT, 'node_modules/etcd3', folder), join(copy, folder), { recursive: true });
    }
    const entry = join(copy, 'lib/connection-pool.js');
    const source = await readFile(entry, 'utf8');
    await writeFile(entry, edit(source));
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      packages: 'external',
      platform: 'node',
      write: false,
      logLevel: 'silent',
      plugins: [etcdClient()],
    });
    return outputFiles[0]?.text ?? '';
  }

  it('puts the proto in instead of its path', async () => {
    const text = await bundleCopy((source) => source);
    expect(text).toContain('dbSizeQuota');
    expect(text).not.toContain('rpc.proto');
  });

  it.each([
    ['from another file', (source: string) => source.replace('rpc.proto', 'etcd.proto')],
    ['by another function', (source: string) => source.replace('.loadSync)', '.loadFileDescriptorSetFromBuffer)')],
    ['not at all', () => 'module.exports = {};'],
  ])('fails the build of an etcd3 that loads its proto %s', async (_, edit) => {
    await expect(bundleCopy(edit)).rejects.toThrow(/connection-pool\.js does not load rpc\.proto as expected/);
  });
});
