import type { App } from 'aws-cdk-lib/core';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { withPrefix } from '../core/text/names.ts';
import { ClusterStack } from './cluster-stack.ts';

// Apart from the platform's stack: who runs the kept one in an outage loads no workflows, nor what of the CDK they are made of.

/** A stack for each cluster, for a platform that is there already. */
export function defineClusters(
  app: App,
  { clusters, prefix }: Pick<ClustersFile, 'clusters' | 'prefix'>,
): ClusterStack[] {
  return clusters.map((cluster) => defineCluster(app, cluster, prefix));
}

export function defineCluster(app: App, cluster: Cluster, prefix: string | undefined): ClusterStack {
  return new ClusterStack(app, withPrefix(`EtcdRemediation-${cluster.name}`, prefix), { cluster, prefix });
}
