import type { App } from 'aws-cdk-lib';
import { type Cluster, type ClustersFile, hostsOf } from '../core/contracts/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { ClusterStack } from './cluster-stack.ts';
import { RemediationStack } from './remediation-stack.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html#API_SendCommand_RequestSyntax */
const INSTANCE_ID = /^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$/;

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
  const platform = new RemediationStack(app, 'EtcdRemediation', { network, clusters, bundles });
  for (const cluster of clusters) {
    // A schedule that is there before its function would call for a person.
    new ClusterStack(app, `EtcdRemediation-${cluster.name}`, { cluster }).addStackDependency(platform);
  }
}

/** That the hosts are ones which Run Command may know. Embedded, a host may have any name. @throws InvalidInput */
export function requireInstanceIds(clusters: readonly Cluster[]): void {
  for (const cluster of clusters) {
    const other = hostsOf(cluster).find((host) => !INSTANCE_ID.test(host));
    if (other === undefined) continue;
    throw new InvalidInput(
      `The cluster ${cluster.name} has the host "${other}": to deploy, each host must be an instance ID of Systems Manager, such as ` +
        '"i-0a1b2c3d4e5f60001" or "mi-0a1b2c3d4e5f60001". Any other name is for --hosts, without AWS.',
    );
  }
}
