import { randomUUID } from 'node:crypto';
import type { ClustersFile } from '../core/contracts/clusters.ts';
import { EtcdCluster } from '../lambdas/etcd/cluster.ts';
import type { ClusterSecrets } from '../lambdas/etcd/secrets.ts';
import { findEtcd } from '../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../local/etcd/cluster.ts';
import { Platform } from '../local/platform.ts';
import type { DrillOptions, DrillProgress } from './scenario.ts';

export const CLUSTER_NAME = 'drill';
const ROOT_SECRET = 'etcd/drill/root';
const TLS_SECRET = 'etcd/drill/client-tls';

/** A real cluster, the platform that looks after it, and a client of the drill's own. Close it after use. */
export interface Stage {
  etcdVersion: string;
  cluster: LocalCluster;
  etcd: EtcdCluster;
  secrets: ClusterSecrets;
  platform: Platform;
  close(): Promise<void>;
}

/** Starts a cluster on loopback as `options` say, and deploys the platform for it on the embedded runner. */
export async function setStage(
  { etcd: request, members, tls, auth, sizeMiB }: DrillOptions,
  progress: DrillProgress,
): Promise<Stage> {
  const binaries = await findEtcd(request, progress.say);
  progress.say(
    `Starting ${members === 1 ? 'one member' : `${members} members`} of etcd ${binaries.version} on loopback`,
  );
  const quotaBackendBytes = sizeMiB * 1024 * 1024;
  const cluster = await startCluster({ binaries, members, quotaBackendBytes, tls: tls ? 'mutual' : 'none' });
  try {
    const login = auth ? { username: 'root', password: randomUUID() } : undefined;
    if (login) await cluster.enableAuth(login.password);
    const file: ClustersFile = {
      clusters: [
        {
          name: CLUSTER_NAME,
          members: cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
          quotaBackendBytes,
          ...(auth && { auth: { secret: ROOT_SECRET } }),
          ...(tls && { tls: { secret: TLS_SECRET } }),
        },
      ],
    };
    progress.say('Synthesizing the workflows and bundling their steps');
    const platform = await Platform.start({ file, secrets: { [ROOT_SECRET]: login, [TLS_SECRET]: cluster.tls } });
    const secrets = { login, tls: cluster.tls };
    const etcd = new EtcdCluster(file.clusters[0] as ClustersFile['clusters'][number], secrets);
    const close = async () => {
      etcd.close();
      await platform.close();
      await cluster.close();
    };
    return { etcdVersion: binaries.version, cluster, etcd, secrets, platform, close };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
