import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IWidget,
  PeriodOverride,
  SingleValueWidget,
  type YAxisProps,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Cluster } from '../../core/contracts/clusters.ts';
import type { MetricName } from '../../core/contracts/detection.ts';
import { PREVENT_ABOVE_RATIO } from '../../core/decisions/space.ts';
import { named } from '../names.ts';
import { metricOf } from './alarms.ts';

/** CloudWatch's grid. */
const WIDTH = 24;
const FROM_ZERO: YAxisProps = { min: 0, showUnits: false };
const PERCENT: YAxisProps = { min: 0, max: 100, label: '%', showUnits: false };

export interface ClusterDashboardProps {
  cluster: Cluster;
  alarms: Alarm[];
}

/** What is watched of one cluster, on a page: its alarms, what is wrong, and each member's database and log. */
export class ClusterDashboard extends Construct {
  constructor(scope: Construct, id: string, { cluster, alarms }: ClusterDashboardProps) {
    super(scope, id);
    const ofCluster = (...names: MetricName[]) => names.map((name) => metricOf(this, { cluster: cluster.name }, name));
    const ofMembers = (name: MetricName) =>
      cluster.members.map((member) =>
        metricOf(this, { cluster: cluster.name, member: member.name }, name).with({ label: member.name }),
      );
    const row = (...widgets: ((width: number) => IWidget)[]) => widgets.map((make) => make(WIDTH / widgets.length));
    new Dashboard(this, 'Dashboard', {
      dashboardName: named(this, `etcd-remediation-${cluster.name}`),
      // A value of 0 or 1 is not to be averaged over a longer time.
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        row((width) => new AlarmStatusWidget({ title: `Alarms of ${cluster.name}`, alarms, width, height: 3 })),
        row(
          (width) =>
            new SingleValueWidget({
              title: 'Now',
              metrics: ofCluster(
                'HasLeader',
                'HealthyVoters',
                'FailedMembers',
                'InaccessibleMembers',
                'NoSpace',
                'Corrupt',
                'TokensRejected',
              ),
              width,
              height: 3,
            }),
        ),
        row(
          (width) =>
            new GraphWidget({
              title: 'Quota used',
              left: ofMembers('QuotaUsedPercent'),
              leftYAxis: PERCENT,
              leftAnnotations: [{ value: PREVENT_ABOVE_RATIO * 100, label: 'space is reclaimed above this' }],
              width,
            }),
          (width) =>
            new GraphWidget({
              title: 'Fragmentation: what a defragmentation could give back',
              left: ofMembers('FragmentationPercent'),
              leftYAxis: PERCENT,
              width,
            }),
          (width) =>
            new GraphWidget({
              title: 'Log entries behind the leader',
              left: ofMembers('RaftLagEntries'),
              leftYAxis: FROM_ZERO,
              width,
            }),
        ),
        row(
          (width) =>
            new GraphWidget({
              title: 'Members',
              left: ofCluster('HealthyVoters', 'FailedMembers', 'InaccessibleMembers', 'TokensRejected'),
              leftYAxis: FROM_ZERO,
              width,
            }),
          (width) =>
            new GraphWidget({
              title: 'Alarms of etcd, and whether there is a leader',
              left: ofCluster('NoSpace', 'Corrupt', 'HasLeader'),
              leftYAxis: FROM_ZERO,
              width,
            }),
          (width) =>
            new GraphWidget({
              title: 'The detector',
              left: ofCluster('DetectorRuns', 'DetectorErrors', 'LoginUnfit', 'IncidentPresent'),
              leftYAxis: FROM_ZERO,
              width,
            }),
        ),
      ],
    });
  }
}
