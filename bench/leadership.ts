import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../drills/conditions.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import { EtcdCluster } from '../lambdas/etcd/cluster.ts';
import { type EtcdBinaries, findEtcd } from '../local/etcd/binaries.ts';
import { startCluster } from '../local/etcd/cluster.ts';
import { FILLED_WITHIN_MS, type KeptData, keepFilled, largestDatabase, settleDisk } from './kept-data.ts';
import type { Bench, Comparison, Findings, Part, Place, Unit } from './part.ts';
import { describePlace, placesOf, storeOf } from './places.ts';
import { figures, takeTurns } from './turns.ts';

const MIB = 2 ** 20;
const RELEASES = ['3.5.35', '3.6.16', '3.7.3'];
const SIZES_MIB = { quick: [128], full: [1024, 2048] };
/** Of the database, what is in use: a defragmentation copies it. */
const IN_USE_SHARE = 0.5;
/** etcd never refuses a write for want of space. */
const QUOTA_SHARE = 2;
/** A client that gives up earlier would hide how long it has to wait. */
const PATIENCE_MS = 120_000;
const DEFRAGMENTED_WITHIN_MS = 600_000;
/** What clients see before and after is a part of it: an election, or a queue that is worked off. */
const AFTERWARDS_MS = 3_000;

/** What clients that are pinned to one member each see while the leader is defragmented. */
interface Seen {
  atLeaderMs: number;
  atFollowersMs: number;
  failed: number;
  elections: number;
}

/** Whether leadership is moved before the leader is defragmented. */
const CHOICES = [
  { name: 'kept', moves: false },
  { name: 'moved first', moves: true },
] as const;

/** What decides whether leadership is moved before a leader is defragmented: the wait of clients, what fails for them, and elections. */
export const leadership: Part = {
  name: 'leadership',
  summary:
    'what clients of each member see while the leader is defragmented, with leadership kept and moved first; only where asked for',
  isApart: true,
  async measure({ quick, rounds, sizesBytes, memberCounts, progress }: Bench): Promise<Findings> {
    const sizes = sizesBytes ?? SIZES_MIB[quick ? 'quick' : 'full'].map((size) => size * MIB);
    const places = placesOf(sizes.map(storeOf), memberCounts ?? [3]).filter(({ members }) => members > 1);
    const comparisons: Comparison[] = [];
    for (const release of RELEASES) {
      const binaries = await findEtcd(release, progress.say);
      for (const place of places) {
        await using kept = await keepFragmented(binaries, place, progress);
        const contenders = CHOICES.map(({ name, moves }) => ({
          name,
          run: () => measureOnce({ binaries, place, kept, moves }, progress),
        }));
        const seen = await takeTurns(`etcd ${release}, ${describePlace(place)}`, contenders, rounds, progress);
        const compare = (measured: string, unit: Unit, figure: (one: Seen) => number) =>
          comparisons.push({
            ...{ compared: `the leader of etcd ${release} defragmented`, place, measured, unit },
            values: figures(seen, figure),
          });
        compare('longest wait of a write through the leader', 'ms', ({ atLeaderMs }) => atLeaderMs);
        compare('longest wait of a write through another member', 'ms', ({ atFollowersMs }) => atFollowersMs);
        compare('writes that failed', 'writes', ({ failed }) => failed);
        compare('elections', 'elections', ({ elections }) => elections);
      }
    }
    return { comparisons };
  },
};

/** The data of a cluster of which half is in use, and the rest is free pages. */
function keepFragmented(binaries: EtcdBinaries, place: Place, progress: Bench['progress']): Promise<KeptData> {
  const { sizeBytes, valueBytes } = place.store;
  return keepFilled(place, {
    ...{ binaries, progress, quotaBackendBytes: sizeBytes * QUOTA_SHARE },
    keys: Math.ceil((sizeBytes * IN_USE_SHARE) / valueBytes),
    fill: async (cluster, writer) => {
      const isFilled = async () => (await largestDatabase(cluster)) > sizeBytes;
      await until('the store is filled', isFilled, FILLED_WITHIN_MS);
      await writer.ask('stop');
      const [{ Status }] = JSON.parse(await cluster.etcdctl(['endpoint', 'status', '-w', 'json']));
      await cluster.etcdctl(['compact', String(Status.header.revision), '--physical', '--command-timeout=300s']);
    },
  });
}

interface Situation {
  binaries: EtcdBinaries;
  place: Place;
  kept: KeptData;
  moves: boolean;
}

async function measureOnce({ binaries, place, kept, moves }: Situation, progress: Bench['progress']): Promise<Seen> {
  const quotaBackendBytes = place.store.sizeBytes * QUOTA_SHARE;
  const cluster = await progress.during(
    'making the cluster',
    startCluster({ binaries, members: place.members, quotaBackendBytes, kept: kept.members }),
  );
  const configured = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
  const etcd = new EtcdCluster(
    { name: 'bench', members: configured, quotaBackendBytes },
    { login: undefined, tls: undefined },
  );
  const writers: WriterThread[] = [];
  try {
    await settleDisk();
    const pinned = new Map(
      configured.map(({ name, clientUrl }) => [
        name,
        new WriterThread({ endpoints: [clientUrl], keys: 1, valueBytes: 128, deadlineMs: PATIENCE_MS }),
      ]),
    );
    writers.push(...pinned.values());
    for (const writer of pinned.values()) await writer.ask('slowDown');
    await sleep(AFTERWARDS_MS);
    for (const writer of pinned.values()) await writer.ask('forgetStalls');
    const statuses = await Promise.all(etcd.members.map((member) => member.status()));
    const { name: leader } = find(statuses, ({ id, leaderId }) => id === leaderId);
    const before = await termOf(cluster);
    // As the runbook does: to one that has been defragmented already, which makes no difference here.
    if (moves) await etcd.member(leader).moveLeader(find(statuses, ({ name }) => name !== leader).id);
    await progress.during('defragmenting it', etcd.member(leader).defragment(DEFRAGMENTED_WITHIN_MS));
    await sleep(AFTERWARDS_MS);
    const after = await termOf(cluster);
    const seen = new Map<string, { maxWaitMs: number; unansweredWrites: number }>();
    for (const [name, writer] of pinned) seen.set(name, await writer.ask('stop'));
    const waits = (isLeader: boolean) =>
      [...seen].filter(([name]) => (name === leader) === isLeader).map(([, { maxWaitMs }]) => maxWaitMs);
    return {
      atLeaderMs: Math.max(...waits(true)),
      atFollowersMs: Math.max(...waits(false)),
      failed: [...seen.values()].reduce((sum, { unansweredWrites }) => sum + unansweredWrites, 0),
      // Each has a term of its own.
      elections: after - before,
    };
  } finally {
    await Promise.all(writers.map((writer) => writer.end()));
    etcd.close();
    await cluster.close();
  }
}

async function termOf(cluster: Awaited<ReturnType<typeof startCluster>>): Promise<number> {
  const [status] = JSON.parse(await cluster.etcdctl(['endpoint', 'status', '-w', 'json']));
  return Number(status.Status.header.raft_term);
}

function find<Item>(items: readonly Item[], isWanted: (item: Item) => boolean): Item {
  const found = items.find(isWanted);
  if (found === undefined) throw new Error('No member of the cluster leads.');
  return found;
}
