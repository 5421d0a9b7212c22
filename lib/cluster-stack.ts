import { Stack, type StackProps } from 'aws-cdk-lib';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Cluster, registryParameterName } from '../core/contracts/clusters.ts';

export interface ClusterStackProps extends StackProps {
  cluster: Cluster;
}

/** What one cluster adds to the platform: its entry in the registry. */
export class ClusterStack extends Stack {
  constructor(scope: Construct, id: string, { cluster, ...props }: ClusterStackProps) {
    super(scope, id, props);
    new StringParameter(this, 'Registry', {
      parameterName: registryParameterName(cluster.name),
      description: `etcd-remediation: how the etcd cluster ${cluster.name} is reached`,
      stringValue: JSON.stringify(cluster),
      // A cluster of five with long names passes the 4 KiB of the standard tier.
      tier: ParameterTier.INTELLIGENT_TIERING,
    });
  }
}
