import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  GraphWidgetView,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  PeriodOverride,
  SingleValueWidget,
  Stats,
  TextWidget,
  type YAxisProps,
} from 'aws-cdk-lib/aws-cloudwatch';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { lateAfterMinutes } from '../../core/backups/newest.ts';
import { rehearsedEveryDays } from '../../core/backups/rehearsal.ts';
import { PAGE_DAYS } from '../../core/cluster/certificates.ts';
import { type Cluster, speaksTls } from '../../core/cluster/clusters.ts';
import { METRIC_NAMESPACE, type MetricName } from '../../core/cluster/metrics.ts';
import { PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { PREVENT_ABOVE_RATIO } from '../../core/space-reclaim/goals.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { consoleAddress } from '../console.ts';
import { named, prefixOption } from '../names.ts';
import { metricOf } from './alarms.ts';
import { DETECTOR_PERIOD } from './detector.ts';

/** CloudWatch's grid. */
const WIDTH = 24;
const FROM_ZERO: YAxisProps = { min: 0, showUnits: false };
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

/**
 * A query looks at up to 10,000 metrics, of which each cluster has one of each name, and returns up to 500 lines.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-limits.html
 */
const MOST_NAMED = 100;
/** Of what happens a few times a day. */
const RARE = Duration.minutes(5);
/** A remediation that waits says so each ten minutes. */
const ASKED_EVERY = Duration.minutes(10);

/**
 * The whole fleet on a page: how many clusters are healthy, which are not, and what waits for an approval. It asks CloudWatch for whatever clusters there
 * are by then, so that nothing of it depends on them, and its size does not either.
 */
export class FleetDashboard extends Construct {
  /** @param reports the address of the folder of reports in the console */
  constructor(scope: Construct, id: string, { reports }: { reports: string }) {
    super(scope, id);
    const looked = fleetMetric(this, 'COUNT(IncidentPresent)', 'looked at');
    const incidents = fleetMetric(this, 'SUM(IncidentPresent)', 'with an incident');
    const healthy = new MathExpression({
      expression: 'looked - incidents',
      usingMetrics: { looked, incidents },
      label: 'healthy',
      period: DETECTOR_PERIOD,
    });
    const failed = fleetMetric(this, 'SUM(DetectorErrors)', 'that could not be looked at');
    const asked = fleetMetric(this, 'SUM(ApprovalWanted)', 'waiting for an approval', ASKED_EVERY);
    const remediation = (metric: string, label: string) => executions(this, ENTRY_STATE_MACHINE, metric, label);
    const begun = {
      started: remediation('ExecutionsStarted', 'started'),
      succeeded: remediation('ExecutionsSucceeded', 'succeeded'),
      failed: remediation('ExecutionsFailed', 'failed'),
      stopped: remediation('ExecutionsAborted', 'stopped'),
      timedOut: remediation('ExecutionsTimedOut', 'timed out'),
    };
    const running = new MathExpression({
      // What has not happened has no value.
      expression: 'FILL(started, 0) - FILL(succeeded, 0) - FILL(failed, 0) - FILL(stopped, 0) - FILL(timedOut, 0)',
      usingMetrics: begun,
      label: 'running',
      period: RARE,
    });
    const which = (title: string, metric: IMetric) => (width: number) =>
      new GraphWidget({ title, left: [metric], view: GraphWidgetView.BAR, liveData: true, width, height: 8 });
    const overTime = (title: string, ...left: IMetric[]) => {
      return (width: number) => new GraphWidget({ title, left, leftYAxis: FROM_ZERO, width });
    };
    const row = (...widgets: ((width: number) => IWidget)[]) => widgets.map((make) => make(WIDTH / widgets.length));
    new Dashboard(this, 'Dashboard', {
      dashboardName: named(this, 'etcd-remediation'),
      periodOverride: PeriodOverride.INHERIT,
      defaultInterval: Duration.hours(1),
      widgets: [
        row(
          (width) =>
            new SingleValueWidget({
              title: 'Clusters now',
              metrics: [healthy, incidents, failed, asked],
              width,
              height: 3,
            }),
        ),
        row(
          which('Which have an incident (1)', byCluster(this, 'MAX(IncidentPresent)')),
          which('Which have no quorum (0)', byCluster(this, 'MIN(HasLeader)', 'ASC')),
          which(
            'Which wait for an approval (asked within ten minutes)',
            byCluster(this, 'MAX(ApprovalWanted)', 'DESC', ASKED_EVERY),
          ),
        ),
        row(
          which('Failed members', byCluster(this, 'MAX(FailedMembers)')),
          which('Members that cannot be reached from here', byCluster(this, 'MAX(InaccessibleMembers)')),
          which('The fullest databases, in percent of their quotas', byCluster(this, 'MAX(QuotaUsedPercent)')),
        ),
        row(which('Days until a certificate ends', byCluster(this, 'MIN(CertificateDaysLeft)', 'ASC'))),
        row(
          (width) =>
            new SingleValueWidget({
              title: 'Remediations in the time shown; running are those that began in it and have not ended',
              metrics: [running, ...Object.values(begun)],
              setPeriodToTimeRange: true,
              width,
              height: 3,
            }),
        ),
        row(
          overTime('Remediations', ...Object.values(begun), remediation('ExecutionThrottled', 'throttled')),
          overTime(
            'Longest in seconds: until an alarm was raised, and until it was remediated',
            fleetMetric(this, 'MAX(DetectionSeconds)', 'detected', RARE),
            fleetMetric(this, 'MAX(RemediationSeconds)', 'remediated', RARE),
          ),
          which('Whose remediations failed', byCluster(this, 'SUM(RemediationFailed)', 'DESC', RARE)),
          which('The oldest newest backups, in seconds', byCluster(this, 'MAX(BackupAgeSeconds)')),
        ),
        row(
          overTime('Clusters', healthy, incidents, failed),
          overTime(
            'Runbooks started',
            ...Object.values(RUNBOOKS).map(({ runbook, stateMachineName }) =>
              executions(this, stateMachineName, 'ExecutionsStarted', runbook),
            ),
          ),
          overTime(
            'Messages to a person',
            executions(this, PAGER_STATE_MACHINE, 'ExecutionsSucceeded', 'sent'),
            executions(this, PAGER_STATE_MACHINE, 'ExecutionsFailed', 'not sent'),
          ),
        ),
        [
          new TextWidget({
            markdown:
              `A cluster counts by the looks of its detector within a minute. One that is late counts in the next. The lists name up to ${MOST_NAMED} ` +
              `clusters each, those first that matter most. \`npx --no etcd-remediation clusters${prefixOption(this)}\` lists all of them, with the remediation that runs. ` +
              `Each has a dashboard of its own, \`${named(this, 'etcd-remediation-CLUSTER')}\`.\n\n${executionsLink(this)} · [Reports](${reports})`,
            width: WIDTH,
            height: 3,
          }),
        ],
      ],
    });
  }
}

/** Of all clusters together. @param measure such as `SUM(NoSpace)` */
function fleetMetric(scope: Construct, measure: string, label: string, period = DETECTOR_PERIOD): MathExpression {
  return new MathExpression({ expression: `SELECT ${measure} FROM ${clustersIn(scope)}`, label, period });
}

/** Of each of those clusters of which it is the most, or the least. */
function byCluster(
  scope: Construct,
  measure: string,
  order: 'ASC' | 'DESC' = 'DESC',
  period = DETECTOR_PERIOD,
): MathExpression {
  const [, how = ''] = /^(\w+)\(/.exec(measure) ?? [];
  return new MathExpression({
    expression: `SELECT ${measure} FROM ${clustersIn(scope)} GROUP BY cluster ORDER BY ${how}() ${order} LIMIT ${MOST_NAMED}`,
    label: '',
    period,
  });
}

/** The metrics of clusters, and not those of their members. */
function clustersIn(scope: Construct): string {
  return `SCHEMA("${named(scope, METRIC_NAMESPACE)}", cluster)`;
}

/** By its name: what a dashboard shows need not be of the same stack. */
function arnOf(scope: Construct, stateMachineName: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: named(scope, stateMachineName),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

function executions(scope: Construct, stateMachineName: string, metricName: string, label: string): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: arnOf(scope, stateMachineName) },
    statistic: Stats.SUM,
    period: RARE,
    label,
  });
}

/** How often it happened, of metrics that are 1 each time. */
function summed(metrics: readonly Metric[]): Metric[] {
  return metrics.map((metric) => metric.with({ statistic: Stats.SUM, period: RARE }));
}

function executionsLink(scope: Construct): string {
  const address = consoleAddress(
    scope,
    `/states/home?region=REGION#/statemachines/view/${arnOf(scope, ENTRY_STATE_MACHINE)}`,
  );
  return `[Executions: what runs, what waits for an approval, and how each ended](${address})`;
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
