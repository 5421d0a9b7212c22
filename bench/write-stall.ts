import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_NAME, type Stage, setStage } from '../drills/stage.ts';
import { Writer } from '../drills/writer.ts';
import { describe, median } from './statistics.ts';

const RUNS = 3;
const SIZE_MIB = 256;
const VALUE_BYTES = 64 * 1024;
/** Longer than any of the writer's writes may take. */
const FILL_WITHIN_MS = 300_000;

type Cure = (stage: Stage) => Promise<void>;

/** Our runbook. */
const runbook: Cure = async ({ platform }) => {
  const execution = await platform.execute({ incident: 'space-exceeded', input: { cluster: CLUSTER_NAME } });
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.error}: ${execution.cause}`);
};

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/maintenance/ */
const bareCommands: Cure = async ({ cluster, etcd }) => {
  const [member] = etcd.members;
  const { revision } = (await member?.status()) ?? { revision: '0' };
  await cluster.etcdctl(['compact', revision, '--physical']);
  await cluster.etcdctl(['defrag', '--cluster', '--command-timeout=60s']);
  await cluster.etcdctl(['alarm', 'disarm']);
};

/**
 * The longest time without an accepted write, and the longest without any answer, while the runbook or the bare commands cure
 * the same kind of cluster: three members with 256 MiB, once with the alarm raised, once before it is, both with half of the quota
 * still in use so that a defragmentation has something to copy.
 */
export async function measureWriteStall(): Promise<void> {
  for (const [title, fillShare, inUseShare] of [
    ['with the alarm NOSPACE', 1, 0.5],
    ['at 85 % of the quota, before an alarm', 0.85, 0.5],
  ] as const) {
    const stalls = { runbook: [] as number[], bare: [] as number[] };
    const silences = { runbook: [] as number[], bare: [] as number[] };
    const unanswered = { runbook: [] as number[], bare: [] as number[] };
    for (let turn = 0; turn < RUNS; turn++) {
      for (const [name, cure] of [
        ['runbook', runbook],
        ['bare', bareCommands],
      ] as const) {
        const writer = await measureOnce(cure, fillShare, inUseShare);
        stalls[name].push(writer.maxWriteStallMs);
        silences[name].push(writer.maxSilenceMs);
        unanswered[name].push(writer.unansweredWrites);
      }
    }
    console.log(`Three members, ${SIZE_MIB} MiB, ${title}:`);
    report('longest time between two accepted writes', stalls);
    report('longest time between two answers', silences);
    console.log(
      `  writes without an answer: runbook ${unanswered.runbook.join(', ')}; bare commands ${unanswered.bare.join(', ')}`,
    );
  }
}

function report(what: string, { runbook: ours, bare }: { runbook: number[]; bare: number[] }): void {
  console.log(`  ${what}`);
  console.log(`    runbook        ${describe(ours)}`);
  console.log(`    bare commands  ${describe(bare)}`);
  console.log(`    ratio ${(median(ours) / median(bare)).toFixed(2)}`);
}

async function measureOnce(cure: Cure, fillShare: number, inUseShare: number): Promise<Writer> {
  const options = { etcd: '3.5', members: 3, tls: false, auth: false, sizeMiB: SIZE_MIB };
  const stage = await setStage(options, { say: () => undefined, onEvent: () => undefined });
  const writer = new Writer({
    endpoints: stage.cluster.members.map((member) => member.clientUrl),
    keys: (SIZE_MIB * 2 ** 20 * inUseShare) / VALUE_BYTES,
    valueBytes: VALUE_BYTES,
  });
  try {
    writer.start();
    const fillUntilBytes = SIZE_MIB * 2 ** 20 * fillShare;
    const deadline = Date.now() + FILL_WITHIN_MS;
    const isFull = async () =>
      fillShare === 1
        ? writer.refusedAt !== undefined
        : ((await stage.etcd.members[0]?.status())?.dbSizeBytes ?? 0) > fillUntilBytes;
    while (!(await isFull())) {
      if (Date.now() > deadline) throw new Error('the store did not fill in time');
      await sleep(20);
    }
    writer.slowDown();
    // With the alarm the outage has begun already, and counts; before an alarm the trickle comes to rest first.
    if (fillShare < 1) await sleep(1_000);
    writer.forgetStalls();
    await cure(stage);
    await sleep(500);
    return writer;
  } finally {
    await writer.stop();
    writer.close();
    await stage.close();
  }
}
