import { Duration, Validations } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Keeps for 14 days what could not be delivered, until a person has seen to it. */
export function queueForPeople(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'It is itself the queue for what could not be delivered: nothing takes from it but a person.',
  });
  return queue;
}

/** Is raised while anything is in such a queue. */
export function alarmOf(queue: Queue, { name, description }: { name: string; description: string }): Alarm {
  return new Alarm(queue, 'Alarm', {
    alarmName: name,
    alarmDescription: description,
    metric: queue.metricApproximateNumberOfMessagesVisible({
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
