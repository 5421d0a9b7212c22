import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figuresOf } from '../lib/limits.ts';
import type { Bench, Comparison, Findings, Part } from './part.ts';
import { figures, takeTurns } from './turns.ts';

const ROOT = join(import.meta.dirname, '..');
const CDK = join(ROOT, 'node_modules/.bin/cdk');
const FLEETS = [1, 10, 100, 1000];
const QUICK_FLEETS = [1, 10, 100];
const PLATFORM = 'EtcdRemediation';
const POLICIES: readonly string[] = ['inlinePolicyChars', 'managedPolicyChars'];
const EMPTY = 'an empty app that bundles';
const ALONE = 'cluster=cluster-0000';
const COMPARED = 'clusters of 3 and 5 members with TLS, a login, hosts, 2 spare hosts and backups';

/** `cdk synth` of fleets, as it is typed, against an app that has an empty stack and bundles the same steps. */
export const synth: Part = {
  name: 'synth',
  summary: 'cdk synth of 1 to 1,000 clusters: time, memory, and the largest policies',
  isApart: true,
  measure,
};

interface Run {
  tookMs: number;
  /** Of the command line and the app together; what esbuild computes is not counted. */
  cpuMs: number;
  /** The command line's and the app's, each at its most. */
  memoryMiB: number;
  /** The largest policies. */
  policyChars: { platform: number; cluster: number };
  /** The template of the platform's stack; undefined where there is none. */
  platform: string | undefined;
}

async function measure({ quick, rounds, progress }: Bench): Promise<Findings> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-synth-'));
  try {
    const counts = quick ? QUICK_FLEETS : FLEETS;
    const configs = new Map(counts.map((count): [number, string] => [count, join(directory, `${count}.json`)]));
    for (const [count, config] of configs) await writeFile(config, JSON.stringify(fleetOf(count)));
    const [one = 1, ...more] = counts;
    const of = (count: number) => ['-c', `config=${configs.get(count)}`];
    const named = (count: number) => count.toLocaleString('en');
    const most = Math.max(...counts);
    const contenders = [
      { name: `${named(one)} cluster`, options: of(one) },
      { name: EMPTY, options: ['--app', `node ${await emptyApp(directory)}`] },
      { name: `${named(one)} cluster, nothing kept`, options: of(one), env: { NODE_DISABLE_COMPILE_CACHE: '1' } },
      ...more.map((count) => ({ name: `${named(count)} clusters`, options: of(count) })),
      { name: `one of ${named(most)}, alone`, options: [...of(most), '-c', ALONE] },
    ].map(({ name, options, env }) => ({ name, run: () => synthesize(directory, options, env) }));
    const runs = await takeTurns('cdk synth', contenders, rounds, progress);
    const platforms = new Set([...runs.values()].flat().flatMap(({ platform }) => platform ?? []));
    if (platforms.size !== 1)
      throw new Error(`There are ${platforms.size} templates of the platform, not one for all.`);
    const compare = (measured: string, unit: Comparison['unit'], figure: (run: Run) => number): Comparison => {
      // A policy has as many characters however often it is made, and an empty app has none.
      const values = [...figures(runs, figure)].filter(([, all]) => all.some((each) => each > 0));
      return { compared: COMPARED, measured, unit, values: new Map(values) };
    };
    return {
      comparisons: [
        compare('time of cdk synth', 'ms', ({ tookMs }) => tookMs),
        compare('CPU time of the command line and the app together', 'ms', ({ cpuMs }) => cpuMs),
        compare('memory of the command line and the app together', 'MiB', ({ memoryMiB }) => memoryMiB),
        compare("largest policy of the platform's stack", 'characters', ({ policyChars }) => policyChars.platform),
        compare("largest policy of a cluster's stack", 'characters', ({ policyChars }) => policyChars.cluster),
      ],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What bundles as ours does, and has nothing in its stack. */
async function emptyApp(directory: string): Promise<string> {
  const file = join(directory, 'empty.ts');
  await writeFile(
    file,
    `import { App, Stack } from '${ROOT}/node_modules/aws-cdk-lib/core/index.js';
import { bundleSteps } from '${ROOT}/lib/bundles/bundle-steps.ts';
const app = new App();
await bundleSteps(app.outdir + '/bundles');
new Stack(app, 'Empty');
app.synth();
`,
  );
  return file;
}

/** @throws Error with what it said where it fails */
async function synthesize(directory: string, options: string[], environment: object = {}): Promise<Run> {
  const output = await mkdtemp(join(directory, 'cdk-'));
  const usageFile = join(output, 'usage');
  const atExit =
    `import { appendFileSync } from 'node:fs'; process.on('exit', () => ` +
    `appendFileSync(${JSON.stringify(usageFile)}, JSON.stringify(process.resourceUsage()) + '\\n'));`;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [CDK, 'synth', '--quiet', '--no-notices', '--output', output, ...options], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...environment,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(atExit)}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const tookMs = performance.now() - startedAt;
  if (status !== 0) throw new Error(`cdk synth ended with ${status}: ${said.slice(-2000)}`);
  const usages = (await readFile(usageFile, 'utf8')).trim().split('\n');
  const used = usages.map((line): NodeJS.ResourceUsage => JSON.parse(line));
  const sum = (figure: (usage: NodeJS.ResourceUsage) => number) =>
    used.reduce((before, usage) => before + figure(usage), 0);
  const files = (await readdir(output)).filter((file) => file.endsWith('.template.json'));
  const policyChars = { platform: 0, cluster: 0 };
  let platform: string | undefined;
  for (const file of files) {
    const text = await readFile(join(output, file), 'utf8');
    const stackName = file.replace('.template.json', '');
    if (stackName === PLATFORM) platform = text;
    // What is empty has no resources either.
    const template = { Resources: {}, ...JSON.parse(text) };
    for (const { limit, figure } of figuresOf({ stackName, template, sizeBytes: text.length })) {
      if (!POLICIES.includes(limit)) continue;
      const kind = stackName === PLATFORM ? 'platform' : 'cluster';
      policyChars[kind] = Math.max(policyChars[kind], figure);
    }
  }
  await rm(output, { recursive: true });
  return {
    tookMs,
    cpuMs: sum(({ userCPUTime, systemCPUTime }) => userCPUTime + systemCPUTime) / 1000,
    memoryMiB: sum(({ maxRSS }) => maxRSS) / 1024,
    policyChars,
    platform,
  };
}

/** Every second cluster has five members, and so has a single one. */
function fleetOf(count: number): object {
  return {
    network: { vpcId: 'vpc-0a1b2c3d4e5f60718', subnetIds: ['subnet-0a1b2c3d4e5f60711'], securityGroupIds: [] },
    quotas: { alarms: 10 * count + 5_000, roles: count + 1_000 },
    clusters: Array.from({ length: count }, (_, index) => clusterOf(index)),
  };
}

function clusterOf(index: number): object {
  const name = `cluster-${String(index).padStart(4, '0')}`;
  const member = (number: number) => ({
    name: `${name}-node${number}`,
    clientUrl: `https://${name}-node${number}.etcd.internal:2379`,
    peerUrl: `https://${name}-node${number}.etcd.internal:2380`,
    host: `i-${(index * 16 + number).toString(16).padStart(17, '0')}`,
  });
  const numbers = Array.from({ length: index % 2 === 0 ? 5 : 3 }, (_, at) => at);
  return {
    name,
    members: numbers.map(member),
    spareHosts: [member(8), member(9)],
    quotaBackendBytes: 8_589_934_592,
    auth: { secret: `etcd/${name}/root` },
    tls: { secret: `etcd/${name}/client-tls` },
    layout: {
      unit: 'etcd',
      dataDir: '/var/lib/etcd/default',
      walDir: null,
      configFile: '/etc/etcd/etcd.yaml',
      user: 'etcd',
      group: 'etcd',
      binDir: '/usr/local/bin',
    },
    backups: { bucket: 'etcd-backups', prefix: `${name}/` },
  };
}
