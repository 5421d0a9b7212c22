import { Stack, type StackProps } from 'aws-cdk-lib';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Cluster, registryParameterName } from '../core/cluster/clusters.ts';
import { acknowledgeLint } from './acknowledge-lint.ts';
import { ClusterRole } from './cluster-role.ts';
import { named, PREFIX } from './names.ts';
import { ClusterAlarms } from './triggers/alarms.ts';
import { BackupSchedule } from './triggers/backup-schedule.ts';
import { ClusterDashboard } from './triggers/dashboard.ts';
import { Detector } from './triggers/detector.ts';

export interface ClusterStackProps extends StackProps {
  cluster: Cluster;
  prefix: string | undefined;
}

/**
 * What one cluster adds to the platform: its entry in the registry, the role by which the steps reach it, and its watch. It reaches the platform by
 * names alone, and nothing of the platform names a cluster.
 */
export class ClusterStack extends Stack {
  constructor(scope: Construct, id: string, { cluster, prefix, ...props }: ClusterStackProps) {
    super(scope, id, props);
    this.node.setContext(PREFIX, prefix);
    acknowledgeLint(this);
    new StringParameter(this, 'Registry', {
      parameterName: named(this, registryParameterName(cluster.name)),
      description: `etcd-remediation: how the etcd cluster ${cluster.name} is reached`,
      stringValue: JSON.stringify(cluster),
      // A cluster of five with long names passes the 4 KiB of the standard tier.
      tier: ParameterTier.INTELLIGENT_TIERING,
    });
    if (ClusterRole.isNeededBy(cluster)) new ClusterRole(this, 'Access', { cluster });
    new Detector(this, 'Detector', { cluster: cluster.name });
    const { everyMinutes } = cluster.backups ?? {};
    if (everyMinutes !== undefined) new BackupSchedule(this, 'BackupSchedule', { cluster: cluster.name, everyMinutes });
    const alarms = new ClusterAlarms(this, 'Alarms', { cluster });
    new ClusterDashboard(this, 'Dashboard', { cluster, alarms: alarms.alarms });
  }
}
