import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { invocationOf } from '../core/remediation/invocation.ts';
import { bundleSteps } from '../lib/bundles/bundle-steps.ts';
import { etcdClient } from '../lib/bundles/etcd-client.ts';
import { functionOf, type StepName } from '../lib/steps.ts';
import { startCluster } from '../local/etcd/cluster.ts';
import { runProgram } from '../local/etcd/executables.ts';
import type { Bench, Comparison, Findings, Part } from './part.ts';
import { takeTurns } from './turns.ts';

/** What a step does in a fresh process on a cluster of one. */
const STEPS: { title: string; step: StepName; input: object }[] = [
  // Moving leadership from a leader to itself: its status, and a call that changes nothing.
  { title: 'first status', step: 'move-leadership', input: { member: 'm1', transferee: 'm1' } },
  {
    title: 'first assessment (a read, a status, the member list, the alarms)',
    step: 'assess-space',
    input: { parameters: {} },
  },
];

/**
 * From the start of a process until a step has its answers from etcd, against a Node process that does nothing; and against one that asks for a status
 * through the gRPC client and does nothing else, which no step can be faster than.
 */
export const coldStart: Part = {
  name: 'cold-start',
  summary: "a step's first answer from etcd in a fresh process, against a Node process that does nothing",
  measure,
};

/** Lambda compiles a bundle in each new process; the embedded platform keeps what was compiled. */
const COMPILED = [
  { kept: false, compiled: 'compiled anew, as by Lambda' },
  { kept: true, compiled: 'compiled before, as by the embedded platform' },
];

/** They are short, and vary. */
const TIMES_THE_ROUNDS = 3;

async function measure({ rounds, binaries, progress }: Bench): Promise<Findings> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-bench-'));
  const cluster = await progress.during('starting etcd', startCluster({ binaries, members: 1 }));
  try {
    const bundles = await progress.during('bundling the steps', bundleSteps(join(directory, 'bundles')));
    const client = await bundleClient(join(directory, 'client.cjs'));
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const comparisons: Comparison[] = [];
    for (const { title, step, input } of STEPS) {
      const bundle = join(bundles[functionOf(step)] as string, 'index.cjs');
      const cluster = { name: 'bench', members, quotaBackendBytes: 2 ** 31 };
      const event = invocationOf(step, { cluster, ...input });
      const { size } = await stat(bundle);
      for (const { kept, compiled } of COMPILED) {
        const environment = kept ? { NODE_COMPILE_CACHE: join(directory, 'compiled') } : {};
        const start = () => timed(scriptOf(bundle, event), environment);
        const ask = () => timed(askingScriptOf(client, members[0]?.clientUrl ?? ''), environment);
        if (kept) await Promise.all([start(), ask()]);
        const contenders = [
          { name: 'step', run: start },
          { name: 'empty Node', run: () => timed('process.exit(0)') },
          { name: 'client alone', run: ask },
        ];
        comparisons.push({
          compared: `one member, ${step} with its bundle of ${Math.round(size / 1000)} KB, ${compiled}`,
          measured: `from the start of the process to the ${title}`,
          unit: 'ms',
          values: await progress.during(title, takeTurns(title, contenders, rounds * TIMES_THE_ROUNDS, progress)),
        });
      }
    }
    return { comparisons };
  } finally {
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a step reaches one member through, bundled as the steps are. @returns the file */
async function bundleClient(outfile: string): Promise<string> {
  const contents =
    "import { Connection } from './connection.ts'; " +
    'export const ask = (endpoint) => new Connection({ endpoint, deadlineMs: 5000 }).maintenance.status();';
  await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '../lambdas/etcd'), loader: 'ts' },
    ...{ outfile, bundle: true, platform: 'node', target: 'node24', format: 'cjs', minify: true },
    mainFields: ['module', 'main'],
    plugins: [etcdClient()],
  });
  return outfile;
}

function askingScriptOf(client: string, endpoint: string): string {
  return endedBy(`require(${JSON.stringify(client)}).ask(${JSON.stringify(endpoint)})`);
}

function scriptOf(bundle: string, event: object): string {
  return endedBy(
    `require(${JSON.stringify(bundle)}).handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60000 })`,
  );
}

/** @param promise an expression */
function endedBy(promise: string): string {
  return `${promise}.then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
}

/** @returns milliseconds @throws Error with what the process said where it fails */
async function timed(script: string, environment: Readonly<Record<string, string>> = {}): Promise<number> {
  const start = performance.now();
  await runProgram(process.execPath, ['-e', script], { env: { ...process.env, ...environment } });
  return performance.now() - start;
}
