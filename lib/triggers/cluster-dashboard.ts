import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type Metric,
  PeriodOverride,
  SingleValueWidget,
  Stats,
  TextWidget,
  type YAxisProps,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { lateAfterMinutes } from '../../core/backups/newest.ts';
import { rehearsedEveryDays } from '../../core/backups/rehearsal.ts';
import { PAGE_DAYS } from '../../core/cluster/certificates.ts';
import { type Cluster, speaksTls } from '../../core/cluster/clusters.ts';
import type { MetricName } from '../../core/cluster/metrics.ts';
import { PREVENT_ABOVE_RATIO } from '../../core/space-reclaim/goals.ts';
import { consoleAddress } from '../console.ts';
import { named, prefixOption } from '../names.ts';
import { metricOf } from './alarms.ts';
import { executionsLink, FROM_ZERO, RARE, row } from './dashboard-parts.ts';

const PERCENT: YAxisProps = { min: 0, max: 100, label: '%', showUnits: false };

export interface ClusterDashboardProps {
  cluster: Cluster;
  alarms: Alarm[];
}

/** What is watched of one cluster, on a page: its alarms, what is wrong, what became of remediations, and each member's database and log. */
export class ClusterDashboard extends Construct {
  constructor(scope: Construct, id: string, { cluster, alarms }: ClusterDashboardProps) {
    super(scope, id);
    const ofCluster = (...names: MetricName[]) => names.map((name) => metricOf(this, { cluster: cluster.name }, name));
    const ofMembers = (name: MetricName) =>
      cluster.members.map((member) =>
        metricOf(this, { cluster: cluster.name, member: member.name }, name).with({ label: member.name }),
      );
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
                'ApprovalWanted',
              ),
              width,
              height: 3,
            }),
        ),
        row(
          (width) =>
            new SingleValueWidget({
              title: 'Remediations in the time shown; under way are those that began in it and have not ended',
              metrics: summed(ofCluster('RemediationsUnderWay', 'Remediated', 'RemediationFailed')),
              setPeriodToTimeRange: true,
              width,
            }),
          (width) =>
            new SingleValueWidget({
              title: 'Longest in the time shown, in seconds: until an alarm was raised, and until it was remediated',
              metrics: ofCluster('DetectionSeconds', 'RemediationSeconds'),
              setPeriodToTimeRange: true,
              width,
            }),
          (width) => new TextWidget({ markdown: linksOf(this, cluster.name), width, height: 6 }),
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
        ...(speaksTls(cluster)
          ? [
              row(
                (width) =>
                  new GraphWidget({
                    title: 'Days until a certificate ends, of those that members show and of the secret',
                    left: ofCluster('CertificateDaysLeft'),
                    leftYAxis: { showUnits: false },
                    leftAnnotations: [{ value: PAGE_DAYS, label: 'a person is paged' }],
                    width,
                    height: 3,
                  }),
                (width) =>
                  new SingleValueWidget({
                    title: 'Certificates to renew',
                    metrics: ofCluster('CertificatesEnding'),
                    width,
                    height: 3,
                  }),
              ),
            ]
          : []),
        ...(cluster.backups?.everyMinutes === undefined
          ? []
          : [
              row(
                (width) =>
                  new GraphWidget({
                    title: 'Backups that were made',
                    left: ofCluster('BackupsMade'),
                    leftYAxis: FROM_ZERO,
                    width,
                    height: 3,
                  }),
                (width) =>
                  new GraphWidget({
                    title: 'Age of the newest backup, in seconds',
                    left: ofCluster('BackupAgeSeconds'),
                    leftYAxis: FROM_ZERO,
                    leftAnnotations: [
                      {
                        value: 60 * lateAfterMinutes(cluster.backups?.everyMinutes ?? 0),
                        label: 'it is late above this',
                      },
                    ],
                    width,
                    height: 3,
                  }),
                ...(rehearsedEveryDays(cluster) === undefined
                  ? []
                  : [
                      (width: number) =>
                        new GraphWidget({
                          title: 'Rehearsals: how long a recovery takes, and whether one has failed',
                          left: ofCluster('RehearsalSeconds'),
                          right: ofCluster('RestoreUnproven'),
                          leftYAxis: FROM_ZERO,
                          rightYAxis: FROM_ZERO,
                          width,
                          height: 3,
                        }),
                    ]),
              ),
            ]),
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

/** How often it happened, of metrics that are 1 each time. */
function summed(metrics: readonly Metric[]): Metric[] {
  return metrics.map((metric) => metric.with({ statistic: Stats.SUM, period: RARE }));
}

/** What stands beside the figures of a cluster. */
function linksOf(scope: Construct, cluster: string): string {
  const fleet = consoleAddress(
    scope,
    `/cloudwatch/home?region=REGION#dashboards/dashboard/${named(scope, 'etcd-remediation')}`,
  );
  return [
    `What runs for ${cluster}, and how the last one ended: \`npx --no etcd-remediation clusters${prefixOption(scope)}\`. ` +
      'What waits for an approval is 1 above, within ten minutes.',
    executionsLink(scope),
    `[All clusters, and the reports](${fleet})`,
  ].join('\n\n');
}
