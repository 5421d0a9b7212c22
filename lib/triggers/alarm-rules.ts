import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventField, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { alarmPrefix, WATCH_ALARM_PREFIX } from '../../core/contracts/detection.ts';
import type { Incident } from '../../core/contracts/execution-input.ts';
import { ENTRY_STATE_MACHINE } from '../../core/contracts/remediation.ts';
import { type ClusterAlarms, NEARLY_FULL } from './alarms.ts';

export interface AlarmRulesProps {
  cluster: string;
  /** Who is called where an alarm could not start anything. */
  alarms: ClusterAlarms;
}

/**
 * Starts a remediation when an alarm is raised whose name begins with `etcd-remediation/<cluster>/`: one of ours, or one of whoever runs the
 * cluster.
 *
 * CloudWatch tells that an alarm has changed, once. What cannot be delivered within an hour is kept, and a person called: a start that comes
 * later than that would surprise whoever is at work by then.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
export class AlarmRules extends Construct {
  readonly #cluster: string;
  readonly #entry;
  readonly #undelivered: Queue;

  constructor(scope: Construct, id: string, { cluster, alarms }: AlarmRulesProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.#cluster = cluster;
    // By its name, so that the stack of a cluster imports nothing of the platform's.
    const arn = stack.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: ENTRY_STATE_MACHINE,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.#entry = StateMachine.fromStateMachineArn(this, 'Entry', arn);
    this.#undelivered = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.#undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is the queue for what the rules could not deliver: nothing takes from it but a person.',
    });
    alarms.page(this.watchUndelivered());

    const nearlyFull = `${alarmPrefix(cluster)}${NEARLY_FULL}`;
    const alarmArns = stack.formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: alarmPrefix(cluster),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.start('Raised', {
      description: `An alarm of the etcd cluster ${cluster} is raised: its incident is diagnosed and remediated`,
      // Two conditions for one field would be alternatives, so the beginning is looked for in the ARN, which ends with the name.
      resources: Match.prefix(alarmArns),
      alarmName: Match.anythingBut(nearlyFull),
    });
    this.start('NearlyFull', {
      description: `The etcd cluster ${cluster} is nearly full: space is reclaimed before it refuses writes`,
      alarmName: [nearlyFull],
      incident: 'space-exceeded',
    });
  }

  private start(
    id: string,
    {
      description,
      resources,
      alarmName,
      incident,
    }: { description: string; resources?: string[]; alarmName: string[]; incident?: Incident },
  ): void {
    new Rule(this, id, {
      description,
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        ...(resources && { resources }),
        detail: { alarmName, state: { value: ['ALARM'] } },
      },
      targets: [
        new SfnStateMachine(this.#entry, {
          input: RuleTargetInput.fromObject({
            cluster: this.#cluster,
            ...(incident && { incident }),
            alarm: EventField.fromPath('$.detail.alarmName'),
          }),
          maxEventAge: Duration.hours(1),
          // All that EventBridge knows of; the age ends it.
          retryAttempts: 185,
          deadLetterQueue: this.#undelivered,
        }),
      ],
    });
  }

  private watchUndelivered(): Alarm {
    return new Alarm(this, 'UndeliveredAlarm', {
      alarmName: `${WATCH_ALARM_PREFIX}undelivered/${this.#cluster}`,
      alarmDescription: `An alarm of the etcd cluster ${this.#cluster} was raised and could not start its remediation. What to do: docs/runbooks.md#alarm-undelivered`,
      metric: this.#undelivered.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: 1,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      // SQS tells nothing of a queue that nobody has used for six hours.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
