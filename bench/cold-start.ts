import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleSteps } from '../lib/bundles/bundle-steps.ts';
import { findEtcd } from '../local/etcd/binaries.ts';
import { startCluster } from '../local/etcd/cluster.ts';
import { describe, median } from './statistics.ts';

const RUNS = 15;
const run = promisify(execFile);

/** What a step does in a fresh process on a cluster of one. */
const STEPS = [
  // Moving leadership from a leader to itself: its status, and a call that changes nothing.
  { title: 'first status', step: 'move-leadership', input: { member: 'm1', transferee: 'm1' } },
  {
    title: 'first assessment (a read, a status, the member list, the alarms)',
    step: 'assess-space',
    input: { parameters: {} },
  },
];

/** From the start of a process until a step has its answers from etcd, against a Node process that does nothing. */
export async function measureColdStart(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-bench-'));
  const cluster = await startCluster({ binaries: await findEtcd('3.5'), members: 1 });
  try {
    const bundles = await bundleSteps(directory);
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    for (const { title, step, input } of STEPS) {
      const bundle = join(bundles[step] ?? '', 'index.cjs');
      const event = { cluster: { name: 'bench', members, quotaBackendBytes: 2 ** 31 }, ...input };
      const script = `
        require(${JSON.stringify(bundle)})
          .handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60000 })
          .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
      const empty: number[] = [];
      const first: number[] = [];
      for (let turn = 0; turn < RUNS; turn++) {
        empty.push(await timed(() => run(process.execPath, ['-e', 'process.exit(0)'])));
        first.push(await timed(() => run(process.execPath, ['-e', script])));
      }
      const { size } = await stat(bundle);
      console.log(`From process start to the ${title}, with ${step}'s bundle of ${(size / 1000).toFixed(0)} KB:`);
      console.log(`  empty Node  ${describe(empty)}`);
      console.log(`  step        ${describe(first)}`);
      console.log(
        `  difference ${Math.round(median(first) - median(empty))} ms, ratio ${(median(first) / median(empty)).toFixed(1)}`,
      );
    }
  } finally {
    await cluster.close();
    await rm(directory, { recursive: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
