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

/**
 * From the start of a process until a step has its first answers from etcd: assess-space on a cluster of one, which is a status,
 * a read, the member list and the alarms. Against a Node process that does nothing.
 */
export async function measureColdStart(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-remediation-bench-'));
  const cluster = await startCluster({ binaries: await findEtcd('3.5'), members: 1 });
  try {
    const bundles = await bundleSteps(directory);
    const bundle = join(bundles['assess-space'] ?? '', 'index.cjs');
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const event = { cluster: { name: 'bench', members, quotaBackendBytes: 2 ** 31 }, parameters: {} };
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
    console.log(`Cold start of assess-space, ${(size / 1000).toFixed(0)} KB:`);
    console.log(`  empty Node     ${describe(empty)}`);
    console.log(`  first answers  ${describe(first)}`);
    console.log(
      `  difference ${Math.round(median(first) - median(empty))} ms, ratio ${(median(first) / median(empty)).toFixed(1)}`,
    );
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
