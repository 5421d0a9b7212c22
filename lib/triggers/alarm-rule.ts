import { EventField, type EventPattern, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ALARM_PREFIX, WATCH_ALARM_PREFIX } from '../../core/diagnosis/detection.ts';
import { named } from '../names.ts';
import type { Pages } from '../pages.ts';
import { alarmOf, queueForPeople } from '../queue-for-people.ts';

export interface AlarmRuleProps {
  /** The entry workflow. */
  stateMachine: StateMachine;
  pages: Pages;
}

/**
 * Starts a remediation when an alarm is raised whose name begins with `etcd-remediation/`: one of ours, or one of a cluster's operators. One rule for
 * all clusters: the first step of the workflow takes the cluster from the alarm's name.
 *
 * CloudWatch says that an alarm has changed, once. What cannot be delivered within an hour is kept, and a person called: a start that comes
 * later than that would surprise the people who are working by then.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
export class AlarmRule extends Construct {
  constructor(scope: Construct, id: string, { stateMachine, pages }: AlarmRuleProps) {
    super(scope, id);
    const undelivered = queueForPeople(this, 'Undelivered');
    pages.pageOn(
      alarmOf(undelivered, {
        name: named(this, `${WATCH_ALARM_PREFIX}undelivered`),
        description:
          'An alarm of an etcd cluster was raised and could not start its remediation: the message in the queue names it. What to do: docs/runbooks.md#alarm-undelivered',
      }),
    );

    new Rule(this, 'Raised', {
      description: 'An alarm of an etcd cluster is raised: its incident is diagnosed and remediated',
      eventPattern: clusterAlarmRaised(this),
      targets: [
        new SfnStateMachine(stateMachine, {
          input: RuleTargetInput.fromObject({ alarm: EventField.fromPath('$.detail.alarmName') }),
          maxEventAge: Duration.hours(1),
          // All that EventBridge knows of; the age ends it.
          retryAttempts: 185,
          deadLetterQueue: undelivered,
        }),
      ],
    });
  }
}

/** That an alarm is raised whose name says that it is about a cluster. */
export function clusterAlarmRaised(scope: Construct): EventPattern {
  const alarms = Stack.of(scope).formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: named(scope, ALARM_PREFIX),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return {
    source: ['aws.cloudwatch'],
    detailType: ['CloudWatch Alarm State Change'],
    // The ARN ends with the alarm's name.
    resources: Match.prefix(alarms),
    detail: { state: { value: ['ALARM'] } },
  };
}
