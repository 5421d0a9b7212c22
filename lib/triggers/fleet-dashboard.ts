import {
  Dashboard,
  GraphWidget,
  GraphWidgetView,
  type IMetric,
  MathExpression,
  Metric,
  PeriodOverride,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from '../../core/cluster/metrics.ts';
import { PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { named, prefixOption } from '../names.ts';
import { arnOf, executionsLink, FROM_ZERO, RARE, row, WIDTH } from './dashboard-parts.ts';
import { DETECTOR_PERIOD } from './detector.ts';

/**
 * A query looks at up to 10,000 metrics, of which each cluster has one of each name, and returns up to 500 lines.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-limits.html
 */
const MOST_NAMED = 100;
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
