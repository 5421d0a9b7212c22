import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct, type IDependable } from 'constructs';
import { rehearsedEveryDays } from '../core/backups/rehearsal.ts';
import { type Cluster, registryParameterName } from '../core/cluster/clusters.ts';
import { ClusterRole } from './cluster-role.ts';
import { named, setPrefix } from './names.ts';
import { ClusterAlarms } from './triggers/alarms.ts';
import { BackupSchedule, RehearsalSchedule } from './triggers/backup-schedule.ts';
import { ClusterDashboard } from './triggers/cluster-dashboard.ts';
import { Detector } from './triggers/detector.ts';
import { MaintenanceSchedule } from './triggers/maintenance-schedule.ts';

export interface WatchedClusterProps {
  cluster: Cluster;
  prefix: string | undefined;
  /** What has to be there before the cluster's schedule is; left out where the platform is deployed already. */
  after?: IDependable | undefined;
}

/**
 * What one cluster adds to the platform: its entry in the registry, the role by which the steps reach it, and its watch. It reaches the platform by
 * names alone, and nothing of the platform names a cluster.
 */
export class WatchedCluster extends Construct {
  constructor(scope: Construct, id: string, { cluster, prefix, after }: WatchedClusterProps) {
    super(scope, id);
    setPrefix(this, prefix);
    new StringParameter(this, 'Registry', {
      parameterName: named(this, registryParameterName(cluster.name)),
      description: `etcd-remediation: how the etcd cluster ${cluster.name} is reached`,
      stringValue: JSON.stringify(cluster),
      // A cluster of five with long names passes the 4 KiB of the standard tier.
      tier: ParameterTier.INTELLIGENT_TIERING,
    });
    if (ClusterRole.isNeededBy(cluster)) new ClusterRole(this, 'Access', { cluster });
    const detector = new Detector(this, 'Detector', { cluster: cluster.name });
    // A schedule that is there before its function would call for a person.
    if (after) detector.node.addDependency(after);
    const { everyMinutes } = cluster.backups ?? {};
    if (everyMinutes !== undefined) {
      const backups = new BackupSchedule(this, 'BackupSchedule', { cluster: cluster.name, everyMinutes });
      if (after) backups.node.addDependency(after);
    }
    if (rehearsedEveryDays(cluster) !== undefined) {
      const rehearsals = new RehearsalSchedule(this, 'RehearsalSchedule', { cluster: cluster.name });
      if (after) rehearsals.node.addDependency(after);
    }
    const { maintenance } = cluster;
    if (maintenance) {
      const schedule = new MaintenanceSchedule(this, 'MaintenanceSchedule', { cluster: cluster.name, maintenance });
      if (after) schedule.node.addDependency(after);
    }
    const alarms = new ClusterAlarms(this, 'Alarms', { cluster });
    new ClusterDashboard(this, 'Dashboard', { cluster, alarms: alarms.alarms });
  }
}
