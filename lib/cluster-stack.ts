import { Stack, type StackProps } from 'aws-cdk-lib';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Cluster, registryParameterName } from '../core/contracts/clusters.ts';
import { AlarmRules } from './triggers/alarm-rules.ts';
import { ClusterAlarms } from './triggers/alarms.ts';
import { ClusterDashboard } from './triggers/dashboard.ts';
import { Detector } from './triggers/detector.ts';

export interface ClusterStackProps extends StackProps {
  cluster: Cluster;
}

/** What one cluster adds to the platform: its entry in the registry, and its watch. It reaches the platform by names alone. */
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
    new Detector(this, 'Detector', { cluster: cluster.name });
    const alarms = new ClusterAlarms(this, 'Alarms', { cluster });
    new AlarmRules(this, 'Rules', { cluster: cluster.name, alarms });
    new ClusterDashboard(this, 'Dashboard', { cluster, alarms: alarms.alarms });
  }
}
