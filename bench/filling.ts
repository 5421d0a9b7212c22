import { until } from '../drills/conditions.ts';
import { type HostedStage, setHostedStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import type { Bench, Place } from './part.ts';
import { placesOf, storeOf, storeOfKeys } from './places.ts';

const MIB = 2 ** 20;
/** Two GiB take a busy machine some minutes. */
export const FILLED_WITHIN_MS = 1_800_000;
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

/**
 * A cluster on hosts that holds what its place says, under a trickle of writes.
 * @param act what is done with it; it is ended and removed then
 */
export async function onFilledStage<Result>(
  { store, members }: Place,
  { binaries, progress, deliveryMs }: Pick<Bench, 'binaries' | 'progress' | 'deliveryMs'>,
  act: (stage: HostedStage, writer: WriterThread) => Promise<Result>,
): Promise<Result> {
  const { sizeBytes, valueBytes } = store;
  const sizeMiB = Math.max(LEAST_QUOTA_MIB, Math.ceil((sizeBytes / MIB) * ROOM));
  const options = {
    ...{ etcd: binaries.version, members, tls: false, auth: false },
    ...{ sizeMiB, snapshotCount: SNAPSHOT_COUNT, deliveryMs },
  };
  const stage = await progress.during(
    'making the cluster and its hosts',
    setHostedStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  const keys = Math.ceil(sizeBytes / valueBytes);
  const writer = new WriterThread({ endpoints, keys, valueBytes });
  try {
    await writer.ask('start');
    const areWritten = async () => (await writer.ask('look')).ackedWrites >= keys;
    await progress.during('writing the keys', until(`${keys} keys are written`, areWritten, FILLED_WITHIN_MS));
    await writer.ask('slowDown');
    return await act(stage, writer);
  } finally {
    await writer.end().finally(() => stage.close());
  }
}
