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
const POLICIES: readonly string[] = ['inlinePolicyChars', 'managedPolicyChars'];
const EMPTY = 'empty CDK app and bundling';

/** `cdk synth` of fleets, as it is typed, against an app that has an empty stack and bundles the same steps. */
export const synth: Part = {
  name: 'synth',
  summary: 'cdk synth of 1 to 1,000 clusters: time, memory, and the largest policy',
  isApart: true,
  measure,
};

interface Run {
  tookMs: number;
  /** The command line's and the app's, each at its most. */
  memoryMiB: number;
  policyChars: number;
  /** The template of the platform's stack; undefined where there is none. */
  platform: string | undefined;
}

async function measure({ quick, rounds, progress }: Bench): Promise<Findings> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-synth-'));
  try {
    const app = await emptyApp(directory);
    const contenders = [{ name: EMPTY, run: () => synthesize(directory, '--app', `node ${app}`) }];
    for (const count of quick ? QUICK_FLEETS : FLEETS) {
      const config = join(directory, `${count}.json`);
      await writeFile(config, JSON.stringify(fleetOf(count)));
      const name = `${count.toLocaleString('en')} clusters`;
      contenders.push({ name, run: () => synthesize(directory, '-c', `config=${config}`) });
    }
    const runs = await takeTurns('cdk synth', contenders, rounds, progress);
    const fleets = new Map([...runs].filter(([name]) => name !== EMPTY));
    const platforms = new Set([...fleets.values()].flat().map(({ platform }) => platform));
    if (platforms.size !== 1)
      throw new Error(`There are ${platforms.size} templates of the platform, not one for all.`);
    const compared = 'clusters of 3 and 5 members with TLS, auth, hosts, spare hosts and backups';
    const of = (
      measured: string,
      unit: Comparison['unit'],
      figure: (run: Run) => number,
      all: ReadonlyMap<string, Run[]> = runs,
    ): Comparison => ({ compared, measured, unit, values: figures(all, figure) });
    return {
      comparisons: [
        of('time of cdk synth', 'ms', ({ tookMs }) => tookMs),
        of('memory of the command line and the app together', 'MiB', ({ memoryMiB }) => memoryMiB),
        of(
          'largest policy, in the region with the longest name',
          'characters',
          ({ policyChars }) => policyChars,
          fleets,
        ),
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
    `import { App, Stack } from '${ROOT}/node_modules/aws-cdk-lib/index.js';
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
async function synthesize(directory: string, ...options: string[]): Promise<Run> {
  const output = await mkdtemp(join(directory, 'cdk-'));
  const memoryFile = join(output, 'memory');
  const atExit =
    `import { appendFileSync } from 'node:fs'; process.on('exit', () => ` +
    `appendFileSync(${JSON.stringify(memoryFile)}, process.resourceUsage().maxRSS + '\\n'));`;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [CDK, 'synth', '--quiet', '--no-notices', '--output', output, ...options], {
    cwd: ROOT,
    env: {
      ...process.env,
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
  const peaks = (await readFile(memoryFile, 'utf8')).trim().split('\n').map(Number);
  const files = (await readdir(output)).filter((file) => file.endsWith('.template.json'));
  let policyChars = 0;
  let platform: string | undefined;
  for (const file of files) {
    const text = await readFile(join(output, file), 'utf8');
    const stackName = file.replace('.template.json', '');
    if (stackName === 'EtcdRemediation') platform = text;
    for (const { limit, figure } of figuresOf({ stackName, template: JSON.parse(text), sizeBytes: text.length })) {
      if (POLICIES.includes(limit)) policyChars = Math.max(policyChars, figure);
    }
  }
  await rm(output, { recursive: true });
  return { tookMs, memoryMiB: peaks.reduce((sum, kib) => sum + kib, 0) / 1024, policyChars, platform };
}

/** Every second cluster has five members. */
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
  const numbers = Array.from({ length: index % 2 === 0 ? 3 : 5 }, (_, at) => at);
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
