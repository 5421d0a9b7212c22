import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { EtcdCluster } from '../lambdas/etcd/cluster.ts';
import type { ClusterSecrets } from '../lambdas/etcd/secrets.ts';
import { findEtcd } from '../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../local/etcd/cluster.ts';
import type { KeptMember, RunningCluster } from '../local/etcd/running-cluster.ts';
import type { AuthToken } from '../local/etcd/security.ts';
import type { HostsFile } from '../local/hosts/access.ts';
import type { Host } from '../local/hosts/host.ts';
import { type HostedCluster, startHostedCluster } from '../local/hosts/hosted-cluster.ts';
import { type ConfigurationFormat, UNIT } from '../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../local/hosts/process-hosts.ts';
import { startSystemdHosts } from '../local/hosts/systemd-hosts.ts';
import { Platform, type PlatformOptions } from '../local/platform.ts';
import type { DrillOptions, DrillProgress, RecordedDrill } from './scenario.ts';
import type { Witness } from './witness.ts';

export const CLUSTER_NAME = 'drill';
const ROOT_SECRET = 'etcd/drill/root';
const BACKUPS_BUCKET = 'drill-backups';
const TLS_SECRET = 'etcd/drill/client-tls';

/** The platform that looks after a cluster, and who sees what becomes of it. Close it after use. */
export interface BaseStage {
  etcdVersion: string;
  witness: Witness;
  /** As the runbooks see it. */
  etcd: EtcdCluster;
  secrets: ClusterSecrets;
  file: ClustersFile;
  platform: Platform;
  /** Takes what a report of the drill is made of. */
  record(recorded: RecordedDrill): void;
  /** Connects and logs in again: where a cluster was restored, its members wait with an old token until they have come as far as it says. */
  reconnect(): void;
  close(): Promise<void>;
}

/** A stage for a cluster whose processes this machine runs by itself. */
export interface Stage extends BaseStage {
  cluster: LocalCluster;
}

/** A stage for a cluster whose members are services of hosts. */
export interface HostedStage extends BaseStage {
  cluster: HostedCluster;
  hosts: HostsFile;
  /** Where hosts reach this process. */
  stagingAddress: string;
}

export interface StageOptions extends DrillOptions, Pick<PlatformOptions, 'clock'> {
  authToken?: AuthToken;
  strangeKeys?: readonly string[];
  verifyOnly?: readonly string[];
  /** What the configuration says of the quota, where that is not what the members have. */
  configuredQuotaMiB?: number;
  maintenance?: Cluster['maintenance'];
  /** Flags of every member. */
  extraArgs?: string[];
  /** What each member begins with instead of empty. */
  kept?: readonly KeptMember[];
  /** A folder that stands for the bucket of the cluster's backups. */
  backups?: string;
}

/** Starts a cluster on loopback as `options` say, and deploys the platform for it on the embedded runner. */
export async function setStage(options: StageOptions, progress: DrillProgress): Promise<Stage> {
  const binaries = await findEtcd(options.etcd, progress.say);
  progress.say(`Starting ${count(options.members, 'member')} of etcd ${binaries.version} on loopback`);
  const quotaBackendBytes = options.sizeMiB * 1024 * 1024;
  const tls = options.tls ? 'mutual' : 'none';
  const { members: size, authToken = 'simple', strangeKeys = [], verifyOnly = [], extraArgs = [], kept } = options;
  const security = { tls, authToken, strangeKeys, verifyOnly } as const;
  const cluster = await startCluster({ binaries, members: size, quotaBackendBytes, extraArgs, kept, ...security });
  const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
  const configuredQuotaBytes = (options.configuredQuotaMiB ?? options.sizeMiB) * 1024 * 1024;
  const { configured, reach } = backupsIn(options.backups);
  const { maintenance } = options;
  const configuration = {
    ...{ name: CLUSTER_NAME, members, quotaBackendBytes: configuredQuotaBytes, ...configured },
    ...(maintenance && { maintenance }),
  };
  const platform = await deploy(cluster, configuration, reach, options, progress);
  return assemble({ ...platform, cluster, etcdVersion: binaries.version }, progress);
}

export interface HostedOptions extends DrillOptions, Pick<PlatformOptions, 'clock'> {
  spares?: number;
  format?: ConfigurationFormat;
  walDir?: boolean;
  moreClientUrls?: boolean;
  /** After how many entries of its log a member takes a snapshot; undefined leaves etcd's own. */
  snapshotCount?: number;
  /** How often the leader compares the data of all members; never, if not said. */
  corruptCheckMs?: number;
  /** As of {@link StageOptions}, on hosts of kind `process`. */
  kept?: readonly KeptMember[];
  /** A folder that stands for the bucket of the cluster's backups. */
  backups?: string;
  policy?: Cluster['policy'];
  /** Members that run another release, as half way through an upgrade. */
  upgraded?: { members: readonly string[]; etcd: string };
}

/** The same with members that are services of hosts, besides which there may be spare ones. */
export async function setHostedStage(options: HostedOptions, progress: DrillProgress): Promise<HostedStage> {
  const binaries = await findEtcd(options.etcd, progress.say);
  const { members, spares = 0, hosts: kind = 'process', backups, policy, deliveryMs } = options;
  const { format = 'yaml', walDir = false, moreClientUrls = false, snapshotCount, corruptCheckMs, kept } = options;
  progress.say(`Making ${count(members + spares, 'host')} (${kind}) with etcd ${binaries.version}`);
  const fleetOptions = { count: members + spares, binDir: dirname(binaries.etcd) };
  const fleet = await (kind === 'systemd'
    ? startSystemdHosts(fleetOptions, progress.say)
    : startProcessHosts(fleetOptions));
  const quotaBackendBytes = options.sizeMiB * 1024 * 1024;
  const variations = { tls: options.tls, format, walDir, moreClientUrls, snapshotCount, corruptCheckMs, kept };
  const cluster = await startHostedCluster({ binaries, fleet, members, quotaBackendBytes, ...variations });
  for (const name of options.upgraded?.members ?? []) {
    await cluster.upgrade(name, await findEtcd(options.upgraded?.etcd, progress.say));
  }
  const configuration: Cluster = {
    name: CLUSTER_NAME,
    members: cluster.members.map(({ name, clientUrl, peerUrl, host, walDir }) => ({
      name,
      clientUrl,
      peerUrl,
      host: host.id,
      layout: { ...host.layout, walDir },
    })),
    quotaBackendBytes,
    ...(policy && { policy }),
    ...backupsIn(backups).configured,
    layout: { unit: UNIT, walDir: null, ...(fleet.hosts[0] as Host).layout },
    ...(spares > 0 && {
      spareHosts: cluster.spares.map(({ name, clientUrl, peerUrl, host }) => ({
        name,
        clientUrl,
        peerUrl,
        host: host.id,
        layout: host.layout,
      })),
    }),
  };
  const hosts = Object.fromEntries(fleet.hosts.map(({ id, access }) => [id, access]));
  const reach = {
    hosts,
    stagingAddress: fleet.ownAddress,
    reboot: async (id: string) => fleet.hosts.find((host) => host.id === id)?.reboot(),
    ...(deliveryMs !== undefined && { deliveryMs }),
    ...backupsIn(backups).reach,
  };
  const platform = await deploy(cluster, configuration, reach, options, progress);
  return assemble(
    { ...platform, cluster, hosts, stagingAddress: fleet.ownAddress, etcdVersion: binaries.version },
    progress,
  );
}

/** What the configuration says of backups in a folder, and what the platform has to know of it. */
function backupsIn(folder: string | undefined) {
  if (folder === undefined) return { configured: {}, reach: {} };
  return {
    configured: { backups: { bucket: BACKUPS_BUCKET, prefix: '', everyMinutes: 60 } },
    reach: { backups: { [BACKUPS_BUCKET]: folder } },
  };
}

interface Deployed {
  configured: Cluster;
  secrets: ClusterSecrets;
  platform: Platform;
  file: ClustersFile;
}

/** Adds those who look at the cluster, and what closes all of it. */
function assemble<Parts extends Deployed & { cluster: RunningCluster; etcdVersion: string }>(
  parts: Parts,
  progress: DrillProgress,
): Parts & BaseStage {
  const { cluster } = parts;
  const witness: Witness = {
    members: cluster.members,
    tls: cluster.tls,
    etcdctl: (args, member) => cluster.etcdctl(args, member === undefined ? undefined : [member]),
  };
  const connect = () => new EtcdCluster(parts.configured, parts.secrets);
  const stage = {
    ...parts,
    witness,
    etcd: connect(),
    record: (recorded: RecordedDrill) => progress.record?.(recorded),
    reconnect: () => {
      stage.etcd.close();
      stage.etcd = connect();
    },
    close: async () => {
      stage.etcd.close();
      await parts.platform.close();
      await parts.cluster.close();
    },
  };
  return stage;
}

async function deploy(
  cluster: RunningCluster,
  configuration: Cluster,
  reach: Omit<PlatformOptions, 'file' | 'secrets'>,
  { auth, tls, clock }: DrillOptions & Pick<PlatformOptions, 'clock'>,
  progress: DrillProgress,
): Promise<Deployed> {
  try {
    const login = auth ? { username: 'root', password: randomUUID() } : undefined;
    if (login) await cluster.enableAuth(login.password);
    const configured: Cluster = {
      ...configuration,
      ...(auth && { auth: { secret: ROOT_SECRET } }),
      ...(tls && { tls: { secret: TLS_SECRET } }),
    };
    const file: ClustersFile = { clusters: [configured] };
    progress.say('Synthesizing the workflows and bundling their steps');
    const platform = await Platform.start({
      file,
      secrets: { [ROOT_SECRET]: login, [TLS_SECRET]: cluster.tls },
      ...(progress.follow && { onOwnStart: progress.follow }),
      ...(clock && { clock }),
      ...reach,
    });
    return { configured, secrets: { login, tls: cluster.tls }, platform, file };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function count(number: number, what: string): string {
  return number === 1 ? `one ${what}` : `${number} ${what}s`;
}
