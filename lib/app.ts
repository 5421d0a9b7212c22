import type { App } from 'aws-cdk-lib';
import type { ClustersFile } from '../core/contracts/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { ClusterStack } from './cluster-stack.ts';
import { RemediationStack } from './remediation-stack.ts';

export interface AppInput {
  app: App;
  file: ClustersFile;
  bundles: StepBundles;
}

/** Everything that is deployed: one platform stack, and a small stack for each cluster. @throws InvalidInput without a network */
export function defineStacks({ app, file: { network, clusters }, bundles }: AppInput): void {
  if (!network) {
    throw new InvalidInput(
      'clusters.json has no "network": to deploy, it must say which VPC and subnets reach the members.',
    );
  }
  new RemediationStack(app, 'EtcdRemediation', { network, clusters, bundles });
  for (const cluster of clusters) new ClusterStack(app, `EtcdRemediation-${cluster.name}`, { cluster });
}
