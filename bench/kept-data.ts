import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WriterThread } from '../drills/writer-thread.ts';
import { type LocalCluster, startCluster } from '../local/etcd/cluster.ts';
import { runProgram } from '../local/etcd/executables.ts';
import type { KeptMember } from '../local/etcd/running-cluster.ts';
import type { Bench, Place } from './part.ts';

/** Two GiB take a busy machine some minutes. */
export const FILLED_WITHIN_MS = 1_800_000;

interface FillOptions extends Pick<Bench, 'binaries' | 'progress'> {
  quotaBackendBytes: number;
  /** How many different keys are written: what is in use of the database. */
  keys: number;
  extraArgs?: string[];
  /** Returns once the store is as it has to be. */
  fill(cluster: LocalCluster, writer: WriterThread): Promise<void>;
}

export interface KeptData extends AsyncDisposable {
  members: readonly KeptMember[];
}

/**
 * Fills the store of a cluster, and keeps its members' data, of which each run begins with a copy: so all of them have the same work, and the
 * filling takes its time once.
 */
export async function keepFilled({ store, members }: Place, options: FillOptions): Promise<KeptData> {
  const { binaries, progress, quotaBackendBytes, keys, extraArgs = [], fill } = options;
  const cluster = await progress.during(
    'making a cluster to fill',
    startCluster({ binaries, members, quotaBackendBytes, extraArgs }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-bench-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const endpoints = cluster.members.map(({ clientUrl }) => clientUrl);
    const writer = new WriterThread({ endpoints, keys, valueBytes: store.valueBytes });
    try {
      await writer.ask('start');
      await progress.during('filling the store', fill(cluster, writer));
    } finally {
      await writer.end();
    }
    await Promise.all(cluster.members.map(({ name }) => cluster.stopMember(name)));
    const kept = cluster.members.map(({ name, dataDir, clientUrl, peerUrl }) => ({
      from: dataDir,
      dataDir: join(folder, name),
      ports: { client: Number(new URL(clientUrl).port), peer: Number(new URL(peerUrl).port) },
    }));
    await Promise.all(kept.map(({ from, dataDir }) => cp(from, dataDir, { recursive: true })));
    return { members: kept.map(({ dataDir, ports }) => ({ dataDir, ports })), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    await cluster.close();
  }
}

/** What was just copied goes to the disk before anything is measured. */
export async function settleDisk(): Promise<void> {
  await runProgram('sync', []);
}

/** @returns bytes of the file, of the member whose is the largest */
export async function largestDatabase(cluster: LocalCluster): Promise<number> {
  const answer = await cluster.etcdctl(['endpoint', 'status', '-w', 'json']);
  const statuses: { Status: { dbSize: number } }[] = JSON.parse(answer);
  return Math.max(...statuses.map(({ Status }) => Status.dbSize));
}
