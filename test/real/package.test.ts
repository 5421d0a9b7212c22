import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { ROOT } from '../lib/stacks.ts';

/** The package in an empty folder, as npm installs it from its tarball: with what it names as its dependencies, and nothing of this clone. */

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

let directory: string;
let folder: string;

/** Runs a command there as whoever has installed it: with npm's and the system's programs, and none of this clone's. */
function type(command: readonly string[], cwd = folder, environment: Record<string, string> = {}): Promise<Ended> {
  const [program = '', ...args] = command;
  const path = (process.env.PATH ?? '').split(delimiter).filter((each) => !each.startsWith(join(ROOT, 'node_modules')));
  const others = Object.entries(process.env).filter(([name]) => !/^(npm_|AWS_|NODE_|VITEST)/.test(name));
  const child = spawn(program, args, {
    cwd,
    env: {
      ...Object.fromEntries(others),
      PATH: path.join(delimiter),
      XDG_STATE_HOME: directory,
      NO_COLOR: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended: Ended = { status: null, stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (data: string) => {
      ended[stream] += data;
    });
  }
  return new Promise((resolve) => child.once('close', (status) => resolve({ ...ended, status })));
}

async function pass(
  command: readonly string[],
  cwd = folder,
  environment: Record<string, string> = {},
): Promise<Ended> {
  const ended = await type(command, cwd, environment);
  expect(ended.status, `${command.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toBe(0);
  return ended;
}

const INSTALLED = 'node_modules/etcd-remediation';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'package-test-'));
  folder = join(directory, 'somewhere');
  await mkdir(folder);
  const { stdout } = await pass(['npm', 'pack', '--json', '--pack-destination', directory], ROOT);
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string }];
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await pass(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', join(directory, filename)]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the installed package', () => {
  it('holds what was built, what people read, and neither sources nor tests', async () => {
    const files: string[] = [];
    for await (const file of glob('**/*', { cwd: join(folder, INSTALLED), exclude: ['node_modules'] }))
      files.push(file);
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual(['examples/cdk-app/app.ts']);
    expect(files.filter((file) => /^(dist\/)?(test|bench|findings)(\/|$)/.test(file))).toEqual([]);
    for (const file of [
      'dist/cli/main.js',
      'dist/documents/parts/common.sh',
      'dist/lib/index.d.ts',
      'docs/runbooks.md',
    ]) {
      expect(files).toContain(file);
    }
  });

  it('gives whoever imports it the two constructs, and nothing of what is inside', async () => {
    const names = "console.log(Object.keys(await import('etcd-remediation')).sort().join())";
    expect((await pass(['npx', '--no', '--', 'node', '--input-type=module', '--eval', names])).stdout).toBe(
      'RemediatedCluster,RemediationPlatform\n',
    );
    const inside = "await import('etcd-remediation/dist/core/errors.js')";
    const refused = await type(['npx', '--no', '--', 'node', '--input-type=module', '--eval', inside]);
    expect(refused.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('its command', () => {
  let cluster: LocalCluster;
  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd('3.5.16'), members: 3 });
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const $schema = `./${INSTALLED}/docs/clusters.schema.json`;
    const clusters = [{ name: 'orders', members, quotaBackendBytes: 2_147_483_648 }];
    await writeFile(join(folder, 'clusters.json'), JSON.stringify({ $schema, clusters }));
    expect(existsSync(join(folder, $schema))).toBe(true);
  });
  afterAll(() => cluster?.close());

  it('diagnoses and checks a cluster, as it is typed', async () => {
    const { stdout } = await pass(['npx', '--no', 'etcd-remediation', 'diagnose']);
    expect(stdout).toMatch(/^orders: healthy$/m);
    // A release with a known defect is to be corrected, and every cluster here has one.
    const check = await type(['npx', '--no', 'etcd-remediation', 'check']);
    expect(check.stdout, check.stderr).toContain('✓ identity      m1, m2, m3 answer as themselves');
  });

  it('runs a drill to its end', async () => {
    const { stdout } = await pass(['npx', '--no', 'etcd-remediation', 'drill', '--json']);
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ outcome: 'Remediated' });
  });

  it('is found as a file, too', async () => {
    const { stdout } = await pass([process.execPath, 'node_modules/.bin/etcd-remediation', '--help']);
    expect(stdout).toContain('Usage: etcd-remediation');
  });

  it('keeps what it has compiled beside it, and writes nothing else there', async () => {
    expect(existsSync(join(folder, 'node_modules/.cache/etcd-remediation/platform'))).toBe(true);
  });
});

/** What `cdk synth` writes for an app there. */
async function synthesize(app: string, cwd: string, ...options: string[]): Promise<string> {
  const output = join(await mkdtemp(join(directory, 'synth-')), 'cdk.out');
  const cdk = [
    process.execPath,
    join(ROOT, 'node_modules/.bin/cdk'),
    'synth',
    '--quiet',
    '--no-notices',
    '--output',
    output,
  ];
  await pass([...cdk, ...(app === '' ? [] : ['--app', app]), ...options], cwd, {
    PATH: `${join(folder, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  return output;
}

async function templateOf(output: string, stack: string): Promise<{ Resources: Record<string, { Type: string }> }> {
  return JSON.parse(await readFile(join(output, `${stack}.template.json`), 'utf8'));
}

describe('its app', () => {
  it('synthesizes what a clone does', async () => {
    const config = ['-c', `config=${join(ROOT, 'clusters.json')}`];
    const own = await synthesize(`node ${INSTALLED}/dist/bin/app.js`, folder, ...config);
    const clone = await synthesize('node bin/app.ts', ROOT, ...config);
    for (const stack of ['EtcdRemediation', 'EtcdRemediation-orders']) {
      expect(withoutAssets(await templateOf(own, stack))).toEqual(withoutAssets(await templateOf(clone, stack)));
    }
  });

  /** Names of variables in what was bundled depend on how it was built. */
  function withoutAssets(template: object): unknown {
    const text = JSON.stringify(template).replaceAll(/[0-9a-f]{64}(\.zip)?/g, 'ASSET');
    return JSON.parse(text.replaceAll(/CurrentVersion[0-9A-F]{8}[0-9a-f]{32}/g, 'CurrentVersion'));
  }
});

describe('the example of an own app', () => {
  it('is compiled against the types of the package, and synthesized', async () => {
    const example = join(folder, 'example');
    await cp(join(folder, INSTALLED, 'examples/cdk-app'), example, { recursive: true });
    const tsc = [process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc')];
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', ...types];
    await pass([...tsc, ...options, 'app.ts'], example);
    const wrong = (await readFile(join(example, 'app.ts'), 'utf8')).replace(
      "'quorum-lost': 'approval'",
      "'quorum-lost': 'never'",
    );
    await writeFile(join(example, 'wrong.ts'), wrong);
    const refused = await type([...tsc, ...options, 'wrong.ts'], example);
    expect(refused.stdout).toMatch(/wrong\.ts\(\d+,\d+\): error TS2322: Type '"never"' is not assignable/);

    const output = await synthesize('', example);
    const kinds = Object.values((await templateOf(output, 'EtcdRemediation')).Resources).map(({ Type }) => Type);
    expect(kinds).toContain('AWS::StepFunctions::StateMachine');
    expect(kinds).toContain('AWS::EC2::SecurityGroupIngress');
    const orders = Object.values((await templateOf(output, 'EtcdOrders')).Resources).map(({ Type }) => Type);
    expect(orders).toContain('AWS::CloudWatch::Alarm');
  });
});
