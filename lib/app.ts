import type { App } from 'aws-cdk-lib/core';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { InvalidInput } from '../core/errors.ts';
import { withPrefix } from '../core/text/names.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { defineCluster, defineClusters } from './clusters.ts';
import { requireNetwork } from './deployable.ts';
import { PlatformStack } from './platform-stack.ts';

export interface AppInput {
  app: App;
  file: ClustersFile;
  bundles: StepBundles;
}

/** Everything that is deployed: one platform stack, and a small stack for each cluster. @throws InvalidInput without a network */
export function defineStacks({ app, file, bundles }: AppInput): void {
  const { prefix, encryption, clusters } = file;
  const network = requireNetwork(file);
  const platform = new PlatformStack(app, withPrefix('EtcdRemediation', prefix), {
    ...{ network, prefix, encryption, bundles },
  });
  // A schedule that is there before its function would call for a person.
  for (const cluster of defineClusters(app, { clusters, prefix })) cluster.addStackDependency(platform);
}

/** The stack of one cluster alone, for a platform that is deployed. @throws InvalidInput where the configuration has none of this name */
export function defineClusterAlone(app: App, { clusters, prefix }: ClustersFile, name: string): void {
  const cluster = clusters.find((each) => each.name === name);
  if (!cluster) {
    throw new InvalidInput(
      `clusters.json has no cluster "${name}". Check the name after "-c cluster=", or add the cluster.`,
    );
  }
  defineCluster(app, cluster, prefix);
}
