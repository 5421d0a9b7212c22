import { access, constants, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../drills/conditions.ts';
import { CLUSTER_NAME, type Stage, setStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import { runProgram } from '../local/etcd/executables.ts';
import { FILLED_WITHIN_MS, type KeptData, keepFilled, largestDatabase, settleDisk } from './kept-data.ts';
import type { Bench, Comparison, Findings, Part, Place, Unit } from './part.ts';
import { describePlace, placesOf, storeOf } from './places.ts';
import { figures, takeTurns } from './turns.ts';

const MIB = 2 ** 20;
const SIZES_MIB = { quick: [128], full: [1024, 2048] };
/** etcd never refuses a write for want of space. */
const QUOTA_SHARE = 2;
/** How long a writer is watched where nothing is done. */
const IDLE_MS = 10_000;
/** What the process of the function is called, as far as Linux keeps it. */
const FUNCTION = 'backingup';

interface Seen {
  tookMs: number;
  maxWaitMs: number;
  /** Of the function's process; NaN where it cannot be seen, or there is none. */
  peakMiB: number;
}

interface Contender {
  name: string;
  /** @returns the peak of its memory, in MiB */
  apply(stage: Stage, folder: string): Promise<number>;
}

const OURS: Contender = {
  name: 'backup',
  apply: async ({ platform }) => {
    const end = await platform.backUp(CLUSTER_NAME);
    if (end.status !== 'SUCCEEDED') throw new Error(`${end.error}: ${end.cause}`);
    return peakOfFunction();
  },
};

/** What an operator would type. */
const TYPED: Contender = {
  name: 'etcdctl and gzip -1',
  apply: async ({ cluster }, folder) => {
    const file = join(folder, 'snapshot.db');
    // Of a follower, as ours.
    const [follower] = await followersOf(cluster);
    await cluster.etcdctl(['snapshot', 'save', file], follower ? [follower] : undefined);
    await runProgram('gzip', ['-1', file]);
    return Number.NaN;
  },
};

/** What the writer sees without any of it. */
const NOTHING: Contender = {
  name: 'nothing',
  apply: async () => {
    await sleep(IDLE_MS);
    return Number.NaN;
  },
};

/** How long a backup takes, how much memory, and how long clients wait meanwhile. */
export const backup: Part = {
  name: 'backup',
  summary:
    'how long a backup takes, its memory, and how long clients wait meanwhile, against etcdctl and gzip; only where asked for',
  isApart: true,
  async measure(bench: Bench): Promise<Findings> {
    const { quick, rounds, sizesBytes, memberCounts, progress } = bench;
    const sizes = sizesBytes ?? SIZES_MIB[quick ? 'quick' : 'full'].map((size) => size * MIB);
    const comparisons: Comparison[] = [];
    for (const place of placesOf(sizes.map(storeOf), memberCounts ?? [3])) {
      await using kept = await keepStore(place, bench);
      const contenders = [OURS, TYPED, NOTHING].map((each) => ({
        name: each.name,
        run: () => measureOnce(each, place, kept, bench),
      }));
      const seen = await takeTurns(describePlace(place), contenders, rounds, progress);
      const compare = (measured: string, unit: Unit, of: readonly Contender[], figure: (one: Seen) => number) => {
        const some = new Map([...seen].filter(([name]) => of.some((each) => each.name === name)));
        comparisons.push({ compared: 'a backup', place, measured, unit, values: figures(some, figure) });
      };
      compare('until the backup is whole', 'ms', [OURS, TYPED], ({ tookMs }) => tookMs);
      compare('longest wait of a write for its answer', 'ms', [OURS, TYPED, NOTHING], ({ maxWaitMs }) => maxWaitMs);
      compare('most memory of the function', 'MiB', [OURS], ({ peakMiB }) => peakMiB);
    }
    return { comparisons };
  },
};

function keepStore(place: Place, { binaries, progress }: Bench): Promise<KeptData> {
  const { sizeBytes, valueBytes } = place.store;
  return keepFilled(place, {
    ...{ binaries, progress, quotaBackendBytes: sizeBytes * QUOTA_SHARE },
    keys: Math.ceil(sizeBytes / valueBytes),
    fill: async (cluster, writer) => {
      await until('the store is filled', async () => (await largestDatabase(cluster)) > sizeBytes, FILLED_WITHIN_MS);
      await writer.ask('stop');
    },
  });
}

async function measureOnce(
  { apply }: Contender,
  { store, members }: Place,
  kept: KeptData,
  { binaries, progress }: Bench,
): Promise<Seen> {
  const folder = await mkdtemp(join(await backupsDisk(), 'etcd-remediation-bench-backups-'));
  const sizeMiB = Math.round((store.sizeBytes * QUOTA_SHARE) / MIB);
  const options = { etcd: binaries.version, members, tls: false, auth: false, sizeMiB, kept: kept.members };
  const stage = await progress.during(
    'making the cluster',
    setStage({ ...options, backups: folder }, { say: () => undefined, onEvent: () => undefined }),
  );
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  const writer = new WriterThread({ endpoints, keys: 1, valueBytes: 128 });
  try {
    await settleDisk();
    await writer.ask('slowDown');
    await until('a write is accepted', async () => (await writer.ask('look')).ackedWrites > 0);
    await writer.ask('forgetStalls');
    const startedAt = performance.now();
    const peakMiB = await progress.during('backing it up', apply(stage, folder));
    const tookMs = performance.now() - startedAt;
    const { maxWaitMs } = await writer.ask('stop');
    return { tookMs, maxWaitMs, peakMiB };
  } finally {
    await writer.end();
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** S3 does not write to the disk of a member, and who copies a snapshot away does not either: so memory, where Linux has some as a folder. */
async function backupsDisk(): Promise<string> {
  const memory = '/dev/shm';
  return access(memory, constants.W_OK).then(
    () => memory,
    () => tmpdir(),
  );
}

async function followersOf(cluster: Stage['cluster']): Promise<string[]> {
  const names = cluster.members.map(({ name }) => name);
  const isFollower = async (name: string) => {
    const [answer] = JSON.parse(await cluster.etcdctl(['endpoint', 'status', '-w', 'json'], [name]));
    return answer.Status.leader !== answer.Status.header.member_id;
  };
  const found = await Promise.all(names.map(async (name) => ((await isFollower(name)) ? [name] : [])));
  return found.flat();
}

/** As Linux has counted it, of the function's process that is a child of this one. */
async function peakOfFunction(): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
    if (field('Name').startsWith(FUNCTION) && Number(field('PPid')) === process.pid)
      return Number(field('VmHWM')) / 1024;
  }
  return Number.NaN;
}
