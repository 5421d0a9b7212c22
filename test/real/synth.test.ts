import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findOnPath, runProgram } from '../../local/etcd/executables.ts';
import { LAYOUT } from '../lib/stacks.ts';
import { HANGS_AFTER_MS } from '../run/patience.ts';

const ROOT = join(import.meta.dirname, '../..');

const STACK_TRACE = /^ +at .*:\d+:\d+\)?$/m;
const MEMBER = { name: 'node1', clientUrl: 'http://10.0.0.1:2379', peerUrl: 'http://10.0.0.1:2380' };
const NO_NETWORK = JSON.stringify({ clusters: [{ name: 'orders', members: [MEMBER], quotaBackendBytes: 1 }] });
const NO_INSTANCE = JSON.stringify({
  network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], securityGroupIds: [] },
  clusters: [
    {
      name: 'orders',
      members: [MEMBER],
      quotaBackendBytes: 1,
      layout: LAYOUT,
      spareHosts: [{ ...MEMBER, host: 'node1.local' }],
    },
  ],
});

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'synth-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** `cdk synth` as on a machine that has no AWS account: no credentials, no region, no home. */
async function synth(...options: string[]): Promise<{ status: number | null; output: string; assembly: string }> {
  const assembly = await mkdtemp(join(directory, 'cdk-'));
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const child = spawn(
    process.execPath,
    ['node_modules/.bin/cdk', 'synth', '--quiet', '--no-notices', '--output', assembly, ...options],
    {
      cwd: ROOT,
      env: {
        ...Object.fromEntries(others),
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: directory,
        NO_COLOR: '1',
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output, assembly };
}

async function templatesIn(assembly: string): Promise<string[]> {
  return (await readdir(assembly)).filter((file) => file.endsWith('.template.json')).toSorted();
}

describe('cdk synth', () => {
  it("makes the example's stacks without AWS credentials", async () => {
    const { status, output, assembly } = await synth();
    expect(output).not.toMatch(/ERROR|WARNING|[Ee]rrors/);
    expect(status, output).toBe(0);
    expect(await templatesIn(assembly)).toEqual([
      'EtcdRemediation-orders.template.json',
      'EtcdRemediation.template.json',
    ]);
  });

  let full: ReturnType<typeof synth> | undefined;
  /** Of all that a configuration can ask for: once for all tests. */
  function synthFull(): ReturnType<typeof synth> {
    full ??= writeFullConfiguration().then((file) => synth('-c', `config=${file}`));
    return full;
  }

  async function writeFullConfiguration(): Promise<string> {
    const example = JSON.parse(await readFile(join(ROOT, 'clusters.json'), 'utf8'));
    example.clusters[0].name = 'payments';
    example.clusters[0].spareHosts = [
      {
        name: 'node4',
        clientUrl: 'https://10.0.4.14:2379',
        peerUrl: 'https://10.0.4.14:2380',
        host: 'mi-0a1b2c3d4e5f60004',
        layout: { dataDir: '/data/etcd' },
      },
    ];
    example.clusters[0].backups = {
      bucket: 'my.backups',
      prefix: 'payments/',
      everyMinutes: 60,
      keep: { hourly: 48 },
      kmsKey: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    };
    example.prefix = 'blue';
    example.encryption = 'customer-managed';
    const file = join(directory, 'payments.json');
    await writeFile(file, JSON.stringify(example));
    return file;
  }

  it('reads the file that -c config= names', async () => {
    const { status, output, assembly } = await synthFull();
    expect(output).not.toMatch(/ERROR|WARNING|[Ee]rrors/);
    expect(status, output).toBe(0);
    expect(await templatesIn(assembly)).toEqual([
      'blue-EtcdRemediation-payments.template.json',
      'blue-EtcdRemediation.template.json',
    ]);
  });

  it('makes templates of which cfn-lint has nothing to say that is not acknowledged', async ({ skip }) => {
    const program = (await findOnPath('cfn-lint')) ?? skip('there is no cfn-lint on the PATH');
    const { assembly } = await synthFull();
    const templates = await templatesIn(assembly);
    const { stdout } = await runProgram(
      program,
      templates.map((file) => join(assembly, file)),
      { timeout: HANGS_AFTER_MS },
    );
    expect(stdout).toBe('');
  });

  it('makes one cluster alone where its name is given, without the steps', async () => {
    const { status, output, assembly } = await synth('-c', 'cluster=orders');
    expect(status, output).toBe(0);
    expect(await readdir(assembly)).not.toContain('bundles');
    expect(await templatesIn(assembly)).toEqual(['EtcdRemediation-orders.template.json']);
  });

  it('refuses what AWS would not take, in a line without a stack trace', async () => {
    const example = JSON.parse(await readFile(join(ROOT, 'clusters.json'), 'utf8'));
    example.clusters[0].name = 'x'.repeat(33);
    const file = join(directory, 'long.json');
    await writeFile(file, JSON.stringify(example));
    const { status, output } = await synth('-c', `config=${file}`, '-c', `cluster=${'x'.repeat(33)}`);
    expect(status).toBe(1);
    expect(output).toMatch(/^InvalidInput: The stack EtcdRemediation-x{33} cannot be deployed: .*32 characters/m);
    expect(output).not.toMatch(STACK_TRACE);
  });

  it('refuses a bad file with every problem, and makes nothing', async () => {
    const file = join(directory, 'bad.json');
    await writeFile(file, '{"network":{"vpcId":"x"},"clusters":[{"name":"a b"}]}');
    const { status, output, assembly } = await synth('-c', `config=${file}`);
    expect(status).toBe(1);
    expect(output).toContain(`InvalidInput: ${file} has 6 problems; nothing was touched.`);
    expect(output).not.toMatch(STACK_TRACE);
    for (const path of [
      'network.vpcId',
      'network.subnetIds',
      'network.securityGroupIds',
      'clusters[0].name',
      'clusters[0].members',
      'clusters[0].quotaBackendBytes',
    ]) {
      expect(output).toContain(`- ${path}: `);
    }
    expect(await templatesIn(assembly)).toEqual([]);
  });

  it.each([
    ['is not there', undefined, /^InvalidInput: .*not-there\.json cannot be read: ENOENT: no such file or directory/m],
    ['is not JSON', '{', /^InvalidInput: .*\.json has 1 problem; nothing was touched\.$/m],
    ['names no network', NO_NETWORK, /^InvalidInput: clusters\.json has no "network": /m],
    [
      'names a host that is no instance',
      NO_INSTANCE,
      /^InvalidInput: The cluster orders has the host "node1\.local": /m,
    ],
  ])('refuses a file in a line without a stack trace: it %s', async (_, content, message) => {
    const file = join(directory, content === undefined ? 'not-there.json' : 'wrong.json');
    if (content !== undefined) await writeFile(file, content);
    const { status, output, assembly } = await synth('-c', `config=${file}`);
    expect(status).toBe(1);
    expect(output).toMatch(message);
    expect(output).not.toMatch(STACK_TRACE);
    expect(await templatesIn(assembly)).toEqual([]);
  });
});
