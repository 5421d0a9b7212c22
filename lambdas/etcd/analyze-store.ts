import { setTimeout as sleep } from 'node:timers/promises';
import { orderSources } from '../../core/backups/choose-source.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import { describeFilling } from '../../core/space-reclaim/describe-store.ts';
import { KeyTally } from '../../core/space-reclaim/key-tally.ts';
import { type AnalyzeStore, EXPLAINED, type StoreAnalysis } from '../../core/space-reclaim/store-analysis.ts';
import type { EtcdCluster } from './cluster.ts';
import { hasReason } from './errors.ts';
import { endOfPrefix } from './key-range.ts';
import type { KeyPage, KeyRange, KeyReader } from './key-reader.ts';
import type { EtcdMember } from './member.ts';

/** What a page is to have: as much as one request of a client may have by default, about. */
const PAGE_BYTES = 1024 * 1024;
/** As many as Kubernetes itself asks for at once: values that are suddenly large are too many for no member then. */
const MOST_KEYS = 500;
const FIRST_KEYS = 50;
/** Of one page. A member that takes longer has more important things to do. */
const PAGE_MS = 5_000;
/** One that breaks off later leaves no time to begin again with another, in a function of five minutes that was asked for four. */
const BEGIN_AGAIN_MS = 30_000;
/** At most so much goes from the member's disk and through its network. */
const MOST_BYTES_PER_SECOND = 16 * 1024 * 1024;

/**
 * Counts the keys of a cluster by their prefixes, from the database of a follower, while it serves its clients. It reads in pages, and waits after
 * each for as long as that has taken, so the member has at least half of its time for others. Each page is read at the same revision; where that is
 * compacted meanwhile, at the newest one from there on. Nothing of a value is kept.
 * @throws UnsafeToProceed, PreconditionFailed, EtcdUnavailable where no member can be read
 */
export async function analyzeStore(etcd: EtcdCluster, cluster: Cluster, request: AnalyzeStore): Promise<StoreAnalysis> {
  let failure: unknown;
  const beganAt = Date.now();
  for (const { member: name } of orderSources(cluster, await etcd.observe(), 'No key was counted')) {
    try {
      const analysis = await readFrom(etcd.member(name), request);
      const { dbSizeBytes, dbSizeInUseBytes } = await etcd.member(name).status();
      return { ...analysis, dbSizeBytes, dbSizeInUseBytes };
    } catch (error) {
      if (!(error instanceof EtcdUnavailable) || Date.now() - beganAt > BEGIN_AGAIN_MS) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function readFrom(
  member: EtcdMember,
  { seconds, growthSeconds, keys }: AnalyzeStore,
): Promise<Omit<StoreAnalysis, 'dbSizeBytes' | 'dbSizeInUseBytes'>> {
  const beganAt = Date.now();
  const reader = member.keyReader();
  try {
    const before = growthSeconds > 0 ? await reader.count() : undefined;
    await sleep(growthSeconds * 1000);
    const compactRevision = await reader.compactRevision();
    const tally = new KeyTally({
      compactRevision: BigInt(compactRevision ?? 0),
      growthSince: before && BigInt(before.revision),
      keys,
    });
    const { totalKeys, stoppedIn, ...read } = await readAll(reader, tally, Date.now() + seconds * 1000);
    const readKeys = tally.count;
    return {
      ...{ member: member.name, compactRevision, readKeys, stoppedIn, growthSeconds, ...read },
      // After a compaction there may be more.
      totalKeys: Math.max(totalKeys, readKeys),
      ...tally.end(),
      tookMs: Date.now() - beganAt,
    };
  } finally {
    reader.close();
  }
}

type Read = Pick<StoreAnalysis, 'totalKeys' | 'revision' | 'newerRevisions' | 'isWhole' | 'stoppedIn'>;

async function readAll(reader: KeyReader, tally: KeyTally, endsAt: number): Promise<Read> {
  let { keys: totalKeys, revision } = await reader.count();
  let newerRevisions = 0;
  let limit = FIRST_KEYS;
  // The keys of a range share this.
  let prefix: Buffer = Buffer.alloc(0);
  let range: KeyRange = { from: undefined, to: undefined };
  while (Date.now() < endsAt) {
    const beganAt = Date.now();
    let page: KeyPage;
    try {
      page = await reader.page({ ...range, limit, revision }, PAGE_MS);
    } catch (error) {
      if (hasReason(error, 'AnswerTooLarge') && limit > 1) {
        limit = Math.ceil(limit / 8);
      } else if (hasReason(error, 'Compacted')) {
        ({ keys: totalKeys, revision } = await reader.count());
        newerRevisions += 1;
      } else throw error;
      continue;
    }
    for (const key of page.keys) tally.add(key);
    if (!page.next && !range.to) return { totalKeys, revision, newerRevisions, isWhole: true, stoppedIn: '' };
    // A range that is read to its end is followed by one that shares a byte less.
    prefix = page.next ? page.prefix : prefix.subarray(0, -1);
    range = { from: page.next ?? range.to, to: endOfPrefix(prefix) };
    limit = nextLimit(page, limit);
    const tookMs = Date.now() - beganAt;
    const pauseMs = Math.max(tookMs, (page.bytes / MOST_BYTES_PER_SECOND) * 1000 - tookMs);
    await sleep(Math.min(pauseMs, Math.max(0, endsAt - Date.now())));
  }
  return { totalKeys, revision, newerRevisions, isWhole: false, stoppedIn: tally.lastPrefix };
}

/** How many keys are about as large as a page is to be, if they are like those of the last one. */
function nextLimit({ keys, bytes }: KeyPage, last: number): number {
  if (keys.length === 0) return last;
  return Math.max(1, Math.min(MOST_KEYS, Math.floor(PAGE_BYTES / (bytes / keys.length))));
}

/** What fills a store that has nothing to give back, to end an error with. Empty where that cannot be told, for whatever reason. */
export async function explainFilling(etcd: EtcdCluster, cluster: Cluster): Promise<string> {
  try {
    return describeFilling(await analyzeStore(etcd, cluster, EXPLAINED), cluster.name);
  } catch {
    return '';
  }
}
