import { dirname } from 'node:path';
import { flood } from '../../drills/under-load.ts';
import { WriterThread } from '../../drills/writer-thread.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { startSystemdHosts } from '../../local/hosts/systemd-hosts.ts';
import { issueToken, readWithToken } from '../local/etcd/tokens.ts';

const LOGIN = { username: 'root', password: 'secret' };
const SNAPSHOT_COUNT = 1_000;
/** Once a snapshot was taken, the log's first entry is in memory no more: whoever starts empty is sent a raft snapshot. */
const WRITES = 1_200;

/** What a member says to a read with a token of m1, and with one that it issued itself: `taken`, or its message. */
interface Answers {
  ofM1: string;
  own: string;
}

export interface Findings {
  /** How many raft snapshots the member was sent. */
  snapshots: number;
  rejoined: Answers;
  restarted: Answers;
}

/** Lets members of a loaded cluster with authentication start empty, one after the other, and asks the last of them. */
export async function letRejoin(
  kind: 'process' | 'systemd',
  version: string,
  names: readonly string[] = ['m3'],
  members = 3,
): Promise<Findings> {
  const binaries = await findEtcd(version);
  const fleetOptions = { count: members, binDir: dirname(binaries.etcd) };
  const fleet = await (kind === 'systemd' ? startSystemdHosts(fleetOptions) : startProcessHosts(fleetOptions));
  const options = { quotaBackendBytes: 64 * 1024 * 1024, tls: false, snapshotCount: SNAPSHOT_COUNT };
  const cluster = await startHostedCluster({ binaries, fleet, members, ...options });
  try {
    await cluster.enableAuth(LOGIN.password);
    await write(cluster);
    for (const name of names) await cluster.rejoin(name);
    const last = names.at(-1) ?? '';
    const snapshots = await countSnapshots(cluster, last);
    const rejoined = await answersOf(cluster, last);
    await cluster.run(last, `systemctl restart ${UNIT}`);
    await cluster.waitUntilHealthy([last]);
    return { snapshots, rejoined, restarted: await answersOf(cluster, last) };
  } finally {
    await cluster.close();
  }
}

async function write({ members }: HostedCluster): Promise<void> {
  const endpoints = members.map(({ clientUrl }) => clientUrl);
  const writer = new WriterThread({ endpoints, login: LOGIN, keys: WRITES, valueBytes: 64 });
  await flood(writer, WRITES).finally(() => writer.end());
}

async function answersOf(cluster: HostedCluster, name: string): Promise<Answers> {
  const { clientUrl } = cluster.member(name);
  const answer = async (issuer: string) =>
    readWithToken(clientUrl, await issueToken(cluster.member(issuer).clientUrl, LOGIN));
  return { ofM1: await answer('m1'), own: await answer(name) };
}

async function countSnapshots(cluster: HostedCluster, name: string): Promise<number> {
  const metrics = await (await fetch(`${cluster.member(name).clientUrl}/metrics`)).text();
  return Number(/^etcd_network_snapshot_receive_success\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}
