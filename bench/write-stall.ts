import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../drills/conditions.ts';
import { type Stage, setStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import type { WriterFigures } from '../drills/writer-worker.ts';
import { etcdEnvironment, run } from '../local/etcd/executables.ts';
import { findEtcdDefrag } from './etcd-defrag.ts';
import type { Bench, Comparison, Findings, Part } from './part.ts';
import { runRunbook } from './runbook.ts';
import { figures, takeTurns } from './turns.ts';

const MIB = 2 ** 20;
const VALUE_BYTES = 64 * 1024;
/** Of the quota, what is in use after a compaction: a defragmentation has something to copy. */
const IN_USE_SHARE = 0.5;
/** Whatever cures a store has to bring every member below this share of the quota. */
const CURED_SHARE = 0.8;
/** Longer than any of the writer's writes may take. */
const CURE_WITHIN_MS = 120_000;

const SITUATIONS = [
  { title: 'with the alarm NOSPACE', fillShare: 1 },
  { title: 'at 85 % of the quota, before an alarm', fillShare: 0.85 },
] as const;

interface Cure {
  name: string;
  apply(stage: Stage): Promise<void>;
}

interface Situation {
  sizeMiB: number;
  fillShare: number;
}

const runbook: Cure = { name: 'runbook', apply: (stage) => runRunbook(stage, 'space-exceeded', {}) };

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/maintenance/ */
const bareCommands: Cure = {
  name: 'bare commands',
  apply: async ({ cluster, etcd }) => {
    const [member] = etcd.members;
    const { revision } = (await member?.status()) ?? { revision: '0' };
    await cluster.etcdctl(['compact', revision, '--physical']);
    await cluster.etcdctl(['defrag', '--cluster', '--command-timeout=60s']);
    await cluster.etcdctl(['alarm', 'disarm']);
  },
};

/** The tool that is nearest to the runbook, asked for all that the runbook does: compaction is its default. */
function etcdDefrag(program: string): Cure {
  return {
    name: 'etcd-defrag',
    apply: async ({ cluster, file }) => {
      const flags = {
        endpoints: cluster.members.map(({ clientUrl }) => clientUrl).join(','),
        'etcd-storage-quota-bytes': file.clusters[0]?.quotaBackendBytes,
        'command-timeout': '60s',
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      const switches = ['--cluster', '--move-leader', '--auto-disalarm'];
      await run(program, [...args, ...switches], { env: etcdEnvironment(), timeout: CURE_WITHIN_MS });
    },
  };
}

/** The longest time without an accepted write, and the longest without any answer, while a store is cured that is full or nearly so. */
export const writeStall: Part = {
  name: 'write-stall',
  summary: 'how long clients wait while space is reclaimed, against bare commands and etcd-defrag',
  measure,
};

async function measure({ quick, binaries, progress }: Bench): Promise<Findings> {
  const sizeMiB = quick ? 128 : 256;
  const cures = [runbook, bareCommands];
  const skipped: { name: string; reason: string }[] = [];
  try {
    cures.push(etcdDefrag(await findEtcdDefrag(progress)));
  } catch (error) {
    skipped.push({ name: 'etcd-defrag', reason: error instanceof Error ? error.message : String(error) });
  }
  const comparisons: Comparison[] = [];
  for (const { title, fillShare } of SITUATIONS) {
    const contenders = cures.map((cure) => ({
      name: cure.name,
      run: () => measureOnce(cure, { sizeMiB, fillShare }, { binaries, progress }),
    }));
    const writers = await takeTurns(title, contenders, quick ? 1 : 3, progress);
    const compared = `three members, ${sizeMiB} MiB, half of it in use, ${title}`;
    comparisons.push(
      {
        compared,
        measured: 'longest time between two accepted writes',
        unit: 'ms',
        values: figures(writers, ({ maxWriteStallMs }) => maxWriteStallMs),
      },
      {
        compared,
        measured: 'longest time between two answers, a refusal being one',
        unit: 'ms',
        values: figures(writers, ({ maxSilenceMs }) => maxSilenceMs),
      },
      {
        compared,
        measured: 'writes without an answer',
        unit: 'writes',
        values: figures(writers, ({ unansweredWrites }) => unansweredWrites),
      },
    );
  }
  return { comparisons, skipped };
}

async function measureOnce(
  { name, apply }: Cure,
  { sizeMiB, fillShare }: Situation,
  { binaries, progress }: Pick<Bench, 'binaries' | 'progress'>,
): Promise<WriterFigures> {
  const options = { etcd: binaries.version, members: 3, tls: false, auth: false, sizeMiB };
  const stage = await progress.during(
    'making the cluster',
    setStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  const quotaBytes = sizeMiB * MIB;
  const writer = new WriterThread({
    endpoints: stage.cluster.members.map((member) => member.clientUrl),
    keys: (quotaBytes * IN_USE_SHARE) / VALUE_BYTES,
    valueBytes: VALUE_BYTES,
  });
  try {
    await writer.ask('start');
    await progress.during('filling the store', fill(stage, writer, quotaBytes, fillShare));
    await writer.ask('slowDown');
    // With the alarm the outage has begun already, and counts; before an alarm the trickle comes to rest first.
    if (fillShare < 1) await sleep(1_000);
    await writer.ask('forgetStalls');
    await progress.during(`curing it: ${name}`, apply(stage));
    await sleep(500);
    await requireCured(stage, name, quotaBytes);
    return await writer.ask('stop');
  } finally {
    await writer.end().finally(() => stage.close());
  }
}

async function fill({ etcd }: Stage, writer: WriterThread, quotaBytes: number, share: number): Promise<void> {
  const isFull = async () => (await writer.ask('look')).refusedAt !== undefined;
  if (share === 1) {
    await until('etcd refuses a write', isFull);
    return;
  }
  await until(`the store is filled to ${share * 100} %`, async () => {
    if (await isFull()) throw new Error('The store was full before it was seen nearly full.');
    return ((await etcd.members[0]?.status())?.dbSizeBytes ?? 0) > quotaBytes * share;
  });
}

/** A cure that leaves something out is a fast one. */
async function requireCured({ etcd }: Stage, name: string, quotaBytes: number): Promise<void> {
  const { members, alarms } = await etcd.observe();
  const full = members.filter((member) => !member.answering || member.dbSizeBytes > quotaBytes * CURED_SHARE);
  if (alarms.length === 0 && full.length === 0) return;
  const left = [
    ...alarms.map(({ alarm }) => `the alarm ${alarm}`),
    ...full.map((member) => `${member.name} ${member.answering ? `with ${member.dbSizeBytes} bytes` : 'silent'}`),
  ];
  throw new Error(`${name} did not cure the store; it left ${left.join(', ')}.`);
}
