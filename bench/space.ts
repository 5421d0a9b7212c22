import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../drills/conditions.ts';
import { type Stage, setStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import { etcdEnvironment, runProgram } from '../local/etcd/executables.ts';
import { findEtcdDefrag } from './etcd-defrag.ts';
import { FILLED_WITHIN_MS, type KeptData, keepFilled, largestDatabase, settleDisk } from './kept-data.ts';
import type { Bench, Comparison, Findings, Part, Place, Unit } from './part.ts';
import { describePlace, placesOf, storeOf } from './places.ts';
import { runRunbook } from './runbook.ts';
import { figures, takeTurns } from './turns.ts';

const MIB = 2 ** 20;
/** Of the quota, what is in use after a compaction: a defragmentation has something to copy. */
const IN_USE_SHARE = 0.5;
/** Whatever cures a store has to bring every member below this share of the quota. */
const CURED_SHARE = 0.8;
/** Of one member, for whatever hangs: two GiB take a busy machine half a minute. */
const CURE_WITHIN_SECONDS = 600;
const SIZES_MIB = { quick: [64], full: [256, 1024, 2048] };
const MEMBER_COUNTS = { quick: [3], full: [1, 3, 5, 7] };

const SITUATIONS = [
  { title: 'half of it in use, with the alarm NOSPACE', fillShare: 1 },
  { title: 'half of it in use, at 85 % of the quota, before an alarm', fillShare: 0.85 },
] as const;

interface Cure {
  name: string;
  apply(stage: Stage): Promise<void>;
}

interface Situation {
  place: Place;
  fillShare: number;
}

const runbook: Cure = {
  name: 'runbook',
  apply: async (stage) => {
    // It does not wait to be sure: a full store is.
    await runRunbook(stage, 'space-exceeded', {});
  },
};

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/maintenance/ */
const bareCommands: Cure = {
  name: 'bare commands',
  apply: async ({ cluster, etcd }) => {
    const [member] = etcd.members;
    const { revision } = (await member?.status()) ?? { revision: '0' };
    const patience = `--command-timeout=${CURE_WITHIN_SECONDS}s`;
    await cluster.etcdctl(['compact', revision, '--physical', patience]);
    await cluster.etcdctl(['defrag', '--cluster', patience]);
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
        'command-timeout': `${CURE_WITHIN_SECONDS}s`,
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      // A single member has nobody to move its leadership to.
      const moves = cluster.members.length > 1 ? ['--move-leader'] : [];
      const options = { env: etcdEnvironment(), timeout: CURE_WITHIN_SECONDS * 1000 };
      await runProgram(program, [...args, '--cluster', ...moves, '--auto-disalarm'], options);
    },
  };
}

/** How long etcd takes no write, and how long a client waits, while a store is cured that is full or nearly so. */
export const space: Part = {
  name: 'space',
  summary:
    'how long etcd takes no write, and clients wait, while space is reclaimed, against bare commands and etcd-defrag',
  measure,
};

interface Cured {
  /** From the decision to act until the first write is accepted; and until the cure says that it has ended. */
  untilAcceptedMs: number;
  tookMs: number;
  maxWaitMs: number;
  maxSilenceMs: number;
  unansweredWrites: number;
}

async function measure(bench: Bench): Promise<Findings> {
  const { quick, rounds, progress } = bench;
  const sizes = bench.sizesBytes ?? SIZES_MIB[quick ? 'quick' : 'full'].map((size) => size * MIB);
  const memberCounts = bench.memberCounts ?? MEMBER_COUNTS[quick ? 'quick' : 'full'];
  const cures = [runbook, bareCommands];
  const skipped: { name: string; reason: string }[] = [];
  try {
    cures.push(etcdDefrag(bench.etcdDefrag ?? (await findEtcdDefrag(progress))));
  } catch (error) {
    skipped.push({ name: 'etcd-defrag', reason: error instanceof Error ? error.message : String(error) });
  }
  const comparisons: Comparison[] = [];
  // The quick one shows that it runs.
  for (const { title, fillShare } of quick ? SITUATIONS.slice(0, 1) : SITUATIONS) {
    for (const place of placesOf(sizes.map(storeOf), memberCounts)) {
      await using kept = await keepFull({ place, fillShare }, bench);
      const contenders = cures.map((cure) => ({ name: cure.name, run: () => measureOnce(cure, place, kept, bench) }));
      const cured = await takeTurns(`${describePlace(place)}, ${title}`, contenders, rounds, progress);
      const compare = (measured: string, unit: Unit, figure: (one: Cured) => number) =>
        comparisons.push({ compared: title, place, measured, unit, values: figures(cured, figure) });
      if (fillShare === 1) compare('until a write is accepted', 'ms', ({ untilAcceptedMs }) => untilAcceptedMs);
      compare('until the cure has ended', 'ms', ({ tookMs }) => tookMs);
      compare('longest wait of a write for its answer', 'ms', ({ maxWaitMs }) => maxWaitMs);
      compare('longest time without any answer, a refusal being one', 'ms', ({ maxSilenceMs }) => maxSilenceMs);
      compare('writes without an answer', 'writes', ({ unansweredWrites }) => unansweredWrites);
    }
  }
  return { comparisons, skipped };
}

async function measureOnce(
  { name, apply }: Cure,
  place: Place,
  { members: kept }: KeptData,
  { binaries, progress }: Pick<Bench, 'binaries' | 'progress'>,
): Promise<Cured> {
  const { sizeBytes: quotaBytes, valueBytes } = place.store;
  const sizeMiB = Math.round(quotaBytes / MIB);
  const options = { etcd: binaries.version, members: place.members, tls: false, auth: false, sizeMiB, kept };
  const stage = await progress.during(
    'making the cluster',
    setStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  const writer = new WriterThread({
    endpoints: stage.cluster.members.map((member) => member.clientUrl),
    keys: 1,
    valueBytes,
  });
  try {
    await settleDisk();
    await writer.ask('slowDown');
    // What the start has left behind comes to rest first.
    await sleep(1_000);
    await writer.ask('forgetStalls');
    const startedAt = Date.now();
    await progress.during(`curing it: ${name}`, apply(stage));
    const tookMs = Date.now() - startedAt;
    await sleep(500);
    await requireCured(stage, name, quotaBytes);
    const { firstAckAt, maxWaitMs, maxSilenceMs, unansweredWrites } = await writer.ask('stop');
    const untilAcceptedMs = (firstAckAt ?? Number.NaN) - startedAt;
    return { untilAcceptedMs, tookMs, maxWaitMs, maxSilenceMs, unansweredWrites };
  } finally {
    await writer.end().finally(() => stage.close());
  }
}

/** The data of a cluster that is as full as the situation says. */
function keepFull({ place, fillShare }: Situation, { binaries, progress }: Bench): Promise<KeptData> {
  const { sizeBytes: quotaBackendBytes, valueBytes } = place.store;
  return keepFilled(place, {
    ...{ binaries, progress, quotaBackendBytes, keys: Math.ceil((quotaBackendBytes * IN_USE_SHARE) / valueBytes) },
    fill: async (cluster, writer) => {
      const isFull = async () => (await writer.ask('look')).refusedAt !== undefined;
      if (fillShare === 1) {
        await until('etcd refuses a write', isFull, FILLED_WITHIN_MS);
        return;
      }
      const isFilled = async () => {
        if (await isFull()) throw new Error('The store was full before it was seen nearly full.');
        return (await largestDatabase(cluster)) > quotaBackendBytes * fillShare;
      };
      await until(`the store is filled to ${fillShare * 100} %`, isFilled, FILLED_WITHIN_MS);
    },
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
