import { Construct } from 'constructs';
import type * as z from 'zod';
import type { Cluster } from '../core/cluster/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import { describedClusterSchema } from '../core/remediation/policy.ts';
import { requireDeployableClusters } from './deployable.ts';
import { parseProps } from './parse-props.ts';
import { type PlatformReference, RemediationPlatform } from './remediation-platform.ts';
import { WatchedCluster } from './watched-cluster.ts';

/** A cluster as in clusters.json: docs/configuration.md has every field. */
export type ClusterConfiguration = z.input<typeof describedClusterSchema>;

export interface RemediatedClusterProps {
  /** The platform that looks after the cluster. Of one that another app deploys, what has been said to it: `{ clientPorts: [2379] }`. */
  readonly platform: PlatformReference;
  /** The cluster, as in clusters.json. */
  readonly cluster: ClusterConfiguration;
}

/** Of each platform, so that no two get in each other's way. */
const clustersOf = new WeakMap<PlatformReference, Cluster[]>();

/** One etcd cluster: its entry in the registry, its role, its alarms and its dashboard. A small stack of its own deploys in a minute. */
export class RemediatedCluster extends Construct {
  /** @throws InvalidInput with every problem of the props */
  constructor(scope: Construct, id: string, { platform, cluster: described }: RemediatedClusterProps) {
    super(scope, id);
    const cluster = parseProps(this, describedClusterSchema, described) as Cluster;
    const others = clustersOf.get(platform) ?? [];
    if (others.some(({ name }) => name === cluster.name)) {
      throw new InvalidInput(`The platform has a cluster "${cluster.name}" already: give each a name of its own.`);
    }
    const clusters = [...others, cluster];
    requireDeployableClusters(clusters, platform.clientPorts ?? [2379]);
    clustersOf.set(platform, clusters);
    new WatchedCluster(this, 'Default', {
      cluster,
      prefix: platform.prefix,
      after: platform instanceof RemediationPlatform ? platform._invokedBySchedules : undefined,
    });
  }
}
