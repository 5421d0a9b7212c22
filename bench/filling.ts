import { until } from '../drills/conditions.ts';
import { type HostedStage, setHostedStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import { FILLED_WITHIN_MS, type KeptData, keepFilled, settleDisk } from './kept-data.ts';
import type { Bench, Place } from './part.ts';
import { placesOf, storeOf, storeOfKeys } from './places.ts';

const MIB = 2 ** 20;
/** How much more than its keys a store may take, so that it is never full. */
const ROOM = 3;
const LEAST_QUOTA_MIB = 256;
/** With the 100,000 entries that etcd 3.5 keeps, the log of large values were as large as the database, in memory too. */
const SNAPSHOT_COUNT = 5_000;

const SIZES_MIB = [256, 1024, 2048];
const MEMBER_COUNTS = [3, 5, 7];

/** Where a recovery and a replacement are measured: with small keys first, then with stores by their size. */
export function filledPlaces({ quick, sizesBytes, memberCounts }: Bench): Place[] {
  const sizes = sizesBytes ?? (quick ? [] : SIZES_MIB.map((size) => size * MIB));
  const stores = [storeOfKeys(quick ? 2_000 : 10_000), ...sizes.map(storeOf)];
  return placesOf(stores, memberCounts ?? (quick ? [3] : MEMBER_COUNTS));
}

/** The data of a cluster that holds what its place says. */
export function keepPlace(
  place: Place,
  { binaries, progress }: Pick<Bench, 'binaries' | 'progress'>,
): Promise<KeptData> {
  const { sizeBytes, valueBytes } = place.store;
  const keys = Math.ceil(sizeBytes / valueBytes);
  return keepFilled(place, {
    ...{ binaries, progress, keys, quotaBackendBytes: sizeMiBOf(place) * MIB },
    extraArgs: [`--snapshot-count=${SNAPSHOT_COUNT}`],
    fill: (_, writer) => {
      const areWritten = async () => (await writer.ask('look')).ackedWrites >= keys;
      return until(`${keys} keys are written`, areWritten, FILLED_WITHIN_MS);
    },
  });
}

/**
 * A cluster on hosts that begins with such data, under a trickle of writes.
 * @param act what is done with it; it is ended and removed then
 */
export async function onFilledStage<Result>(
  place: Place,
  { members: kept }: KeptData,
  { binaries, progress, deliveryMs }: Pick<Bench, 'binaries' | 'progress' | 'deliveryMs'>,
  act: (stage: HostedStage, writer: WriterThread) => Promise<Result>,
): Promise<Result> {
  const options = {
    ...{ etcd: binaries.version, members: place.members, tls: false, auth: false },
    ...{ sizeMiB: sizeMiBOf(place), snapshotCount: SNAPSHOT_COUNT, deliveryMs, kept },
  };
  const stage = await progress.during(
    'making the cluster and its hosts',
    setHostedStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  const writer = new WriterThread({ endpoints, keys: 1, valueBytes: place.store.valueBytes });
  try {
    await settleDisk();
    await writer.ask('slowDown');
    await until('a write is accepted', async () => (await writer.ask('look')).ackedWrites > 0);
    return await act(stage, writer);
  } finally {
    await writer.end().finally(() => stage.close());
  }
}

function sizeMiBOf({ store }: Place): number {
  return Math.max(LEAST_QUOTA_MIB, Math.ceil((store.sizeBytes / MIB) * ROOM));
}
