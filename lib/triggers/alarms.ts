import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { lateAfterMinutes } from '../../core/backups/newest.ts';
import { rehearsedEveryDays } from '../../core/backups/rehearsal.ts';
import { PAGE_DAYS } from '../../core/cluster/certificates.ts';
import { type Cluster, speaksTls } from '../../core/cluster/clusters.ts';
import { METRIC_NAMESPACE, type MetricName } from '../../core/cluster/metrics.ts';
import { alarmPrefix, INCOMING_PAGES_TOPIC, WATCH_ALARM_PREFIX } from '../../core/diagnosis/detection.ts';
import type { RunbookAlarm } from '../../core/runbook/runbook.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { named } from '../names.ts';
import { DETECTOR_PERIOD } from './detector.ts';

/**
 * The alarms that start a remediation, by the end of their names: those of each runbook, and those of what no runbook cures.
 *
 * Each waits for what the incident allows. Nothing is changed on the word of an alarm: the workflow makes a diagnosis of its own, and the runbook
 * confirms its incident over time once more.
 */
const RULES: Readonly<Record<string, RunbookAlarm>> = {
  ...Object.assign({}, ...Object.values(RUNBOOKS).map(({ alarms }) => alarms)),
  'member-inaccessible': {
    problem: 'has a member that refuses us, or that cannot be reached from here. No runbook cures that.',
    metric: 'InaccessibleMembers',
    limit: { atLeast: 1 },
    // A member that restarts cuts connections for some seconds.
    minutes: 3,
    pages: true,
  },
  persists: {
    problem: 'has had an incident for half an hour, whatever was done about it. It is tried once more.',
    metric: 'IncidentPresent',
    limit: { atLeast: 1 },
    minutes: 30,
    pages: true,
  },
};

export interface ClusterAlarmsProps {
  cluster: Cluster;
}

/** The alarms of one cluster: one for each incident, for its login, for its certificates, its backups and their rehearsals where it has them, and for the detector itself. */
export class ClusterAlarms extends Construct {
  readonly alarms: Alarm[];
  readonly #cluster: string;
  readonly #pages: ITopic;

  constructor(scope: Construct, id: string, { cluster }: ClusterAlarmsProps) {
    super(scope, id);
    this.#cluster = cluster.name;
    const topicArn = Stack.of(this).formatArn({ service: 'sns', resource: named(this, INCOMING_PAGES_TOPIC) });
    this.#pages = Topic.fromTopicArn(this, 'Pages', topicArn);
    const rules = Object.entries(RULES).filter(([, { needsLogin }]) => cluster.auth || !needsLogin);
    this.alarms = [
      ...rules.map(([name, rule]) => this.watch(name, rule)),
      this.watchFor(
        'login',
        `The login to the etcd cluster ${cluster.name} does not have the root role, so every remediation is refused.`,
        'LoginUnfit',
        TreatMissingData.MISSING,
      ),
      this.watchFor(
        'detector',
        `Nothing watches the etcd cluster ${cluster.name}: the detector fails, or does not run.`,
        'DetectorErrors',
        // Silence is what it is there for.
        TreatMissingData.BREACHING,
      ),
      ...(speaksTls(cluster)
        ? [
            this.watchFor(
              'certificate-expiring',
              `A certificate of the etcd cluster ${cluster.name} ends within ${PAGE_DAYS} days, or has ended.`,
              'CertificatesEnding',
              TreatMissingData.MISSING,
            ),
          ]
        : []),
      ...(cluster.backups?.everyMinutes === undefined ? [] : [this.watchForBackups(cluster.backups.everyMinutes)]),
      ...(rehearsedEveryDays(cluster) === undefined ? [] : [this.watchForRehearsals()]),
    ];
  }

  /** Calls a person when it is raised, and off when it is over. */
  private page(alarm: Alarm): void {
    alarm.addAlarmAction(new SnsAction(this.#pages));
    alarm.addOkAction(new SnsAction(this.#pages));
  }

  private watch(name: string, { problem, metric, limit, minutes, pages = false }: RunbookAlarm): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: named(this, `${alarmPrefix(this.#cluster)}${name}`),
      alarmDescription: `The etcd cluster ${this.#cluster} ${problem} What to do: docs/runbooks.md#alarm-${name}`,
      metric: metricOf(this, { cluster: this.#cluster }, metric),
      ...comparisonOf(limit),
      evaluationPeriods: minutes,
      datapointsToAlarm: minutes,
      // What could not be read is neither good nor bad. Once it can be, and is bad, that is a change, and starts a remediation.
      treatMissingData: TreatMissingData.MISSING,
    });
    if (pages) this.page(alarm);
    return alarm;
  }

  /** Raised where two backups in a row were not made, whatever kept them: silence is what it is there for. It pages, and starts nothing. */
  private watchForBackups(everyMinutes: number): Alarm {
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: a day at most, in periods of a minute.
    const minutes = lateAfterMinutes(everyMinutes);
    const alarm = new Alarm(this, 'backup-late', {
      alarmName: named(this, `${WATCH_ALARM_PREFIX}backup-late/${this.#cluster}`),
      alarmDescription:
        `No backup of the etcd cluster ${this.#cluster} was made for ${minutes} minutes, and one is due every ${everyMinutes}. ` +
        'What to do: docs/runbooks.md#alarm-backup-late',
      metric: metricOf(this, { cluster: this.#cluster }, 'BackupsMade'),
      ...comparisonOf({ below: 1 }),
      evaluationPeriods: minutes,
      datapointsToAlarm: minutes,
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.page(alarm);
    return alarm;
  }

  /** Raised by a rehearsal that fails, or by none in time, and until one has passed: what was measured last holds. It pages, and starts nothing. */
  private watchForRehearsals(): Alarm {
    const alarm = new Alarm(this, 'backup-unproven', {
      alarmName: named(this, `${WATCH_ALARM_PREFIX}backup-unproven/${this.#cluster}`),
      alarmDescription:
        `A backup of the etcd cluster ${this.#cluster} could not be restored in a rehearsal, or none was rehearsed in time. ` +
        'What to do: docs/runbooks.md#alarm-backup-unproven',
      metric: metricOf(this, { cluster: this.#cluster }, 'RestoreUnproven'),
      ...comparisonOf({ atLeast: 1 }),
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.IGNORE,
    });
    this.page(alarm);
    return alarm;
  }

  /** Pages, and starts nothing. */
  private watchFor(name: string, problem: string, metric: MetricName, treatMissingData: TreatMissingData): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: named(this, `${WATCH_ALARM_PREFIX}${name}/${this.#cluster}`),
      alarmDescription: `${problem} What to do: docs/runbooks.md#alarm-${name}`,
      metric: metricOf(this, { cluster: this.#cluster }, metric),
      ...comparisonOf({ atLeast: 1 }),
      evaluationPeriods: 5,
      datapointsToAlarm: 5,
      treatMissingData,
    });
    this.page(alarm);
    return alarm;
  }
}

/** The worst value of a minute: the smallest where more is better. */
export function metricOf(
  scope: Construct,
  dimensions: { cluster: string; member?: string },
  metricName: MetricName,
): Metric {
  const isBetterHigh = ['HasLeader', 'HealthyVoters', 'CertificateDaysLeft'].includes(metricName);
  return new Metric({
    namespace: named(scope, METRIC_NAMESPACE),
    metricName,
    dimensionsMap: dimensions,
    statistic: isBetterHigh ? Stats.MINIMUM : Stats.MAXIMUM,
    period: DETECTOR_PERIOD,
  });
}

function comparisonOf(limit: RunbookAlarm['limit']): { comparisonOperator: ComparisonOperator; threshold: number } {
  if ('atLeast' in limit) {
    return {
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: limit.atLeast,
    };
  }
  return 'above' in limit
    ? { comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD, threshold: limit.above }
    : { comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD, threshold: limit.below };
}
