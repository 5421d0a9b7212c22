import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { ArnFormat, CfnOutput, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { INCOMING_PAGES_TOPIC, PAGES_TOPIC, WATCH_ALARM_PREFIX } from '../core/diagnosis/detection.ts';
import { named } from './names.ts';
import { type PageMessage, pageMessage } from './page-message.ts';
import { queueForPeople } from './queue-for-people.ts';
import { policyOf } from './role-policy.ts';
import { MAX_SUBJECT_CHARS } from './subject.ts';
import { Pager } from './workflows/pager.ts';
import { WHILE_AWS_IS_AWAY } from './workflows/parts/retry-policies.ts';

/**
 * A message of SNS in a message of SQS is JSON in JSON: a quotation mark takes four characters there, and what both put around a page 3 KB. A page has at
 * most 5,000 characters (its text 1,500, its addresses three times 300), and one that is a third quotation marks, as JSON is at most, 5,000 + 3 x 1,667
 * there: 20 x 13 KB = 260 KB of the 262 KB that an execution's input may have.
 */
const PAGES_AT_ONCE = 20;
/** How much later a page comes for not being alone. An alarm has taken a minute at least to be raised. */
const COLLECTED_FOR = Duration.seconds(20);
/** The pipe tries a batch again when this has passed. */
const TRIED_AGAIN_AFTER = Duration.minutes(1);
const TRIES = 5;

interface PageProps extends PageMessage {
  comment?: string;
  /** JSONata without delimiters. Yields one line of ASCII, which is cut to SNS's limit. */
  subject: string;
  /** Variables that it sets. */
  assign?: Record<string, string>;
  /** Whether its output is its input. */
  passOn?: boolean;
  /** Whether it is tried again here; not where a loop comes by again anyway. */
  tries?: boolean;
}

/**
 * Calls a person, through a topic to which the person on call subscribes.
 *
 * Pages come in through a topic of their own, and wait in a queue for 20 seconds: those that came in together are one message. In an outage of a zone
 * hundreds of clusters call within a minute. What could not be sent stays in a queue, and alarms call for a person without any of this.
 */
export class Pages extends Construct {
  readonly #incoming: Topic;
  readonly #people: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#people = this.topic('Topic', PAGES_TOPIC);
    this.#incoming = this.topic('Incoming', INCOMING_PAGES_TOPIC);
    new CfnOutput(this, 'TopicArn', {
      value: this.#people.topicArn,
      description: 'To subscribe to: it calls for a person',
    });
    new CfnOutput(this, 'EventsTopicArn', {
      value: this.#incoming.topicArn,
      description: 'For programs: each page by itself, as an event of PagerDuty or as an alarm of CloudWatch',
    });
    const { stateMachine } = new Pager(this, 'Pager', { people: this.#people });
    const unsent = queueForPeople(this, 'Unsent');
    const collected = new Queue(this, 'Collected', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: TRIED_AGAIN_AFTER,
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: unsent, maxReceiveCount: TRIES },
    });
    this.#incoming.addSubscription(new SqsSubscription(collected));
    this.collect(collected, stateMachine);
    this.watch('unsent', unsent.metricApproximateNumberOfMessagesVisible(EACH_MINUTE), 1);
    this.watch('late', collected.metricApproximateAgeOfOldestMessage(EACH_MINUTE), Duration.minutes(5).toSeconds());
    this.watch('failed', stateMachine.metricFailed(EACH_MINUTE), 1);
  }

  /** To subscribe to: it calls for people. */
  get people(): ITopic {
    return this.#people;
  }

  /** A topic with a policy of its own takes from CloudWatch only what that lets in: all that is called `etcd-remediation…`. */
  private topic(id: string, topicName: string): Topic {
    const topic = new Topic(this, id, {
      topicName: named(this, topicName),
      displayName: 'etcd-remediation',
      enforceSSL: true,
    });
    const stack = Stack.of(this);
    const alarms = stack.formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: named(this, 'etcd-remediation*'),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    // https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html#sns-allow-cloudwatch-alarm-to-publish-to-topic-in-another-account
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    );
    return topic;
  }

  /**
   * Starts the pager with what the queue has collected. A message is deleted when an execution holds it.
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
   */
  private collect(queue: Queue, pager: StateMachine): void {
    const role = new Role(this, 'PipeRole', {
      description: 'Starts the pager with the pages that were collected',
      assumedBy: new ServicePrincipal('pipes.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      // A pipe asks for its permissions when it is made: they are there by then.
      inlinePolicies: policyOf(
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [queue.queueArn],
        },
        { actions: ['states:StartExecution'], resources: [pager.stateMachineArn] },
      ),
    });
    new CfnPipe(this, 'Pipe', {
      description: 'Hands on the pages that came in together',
      roleArn: role.roleArn,
      source: queue.queueArn,
      sourceParameters: {
        sqsQueueParameters: {
          batchSize: PAGES_AT_ONCE,
          maximumBatchingWindowInSeconds: COLLECTED_FOR.toSeconds(),
        },
      },
      target: pager.stateMachineArn,
      targetParameters: { stepFunctionStateMachineParameters: { invocationType: 'FIRE_AND_FORGET' } },
    });
  }

  /** No page can say that pages are not sent. */
  private watch(problem: 'unsent' | 'late' | 'failed', metric: IMetric, threshold: number): void {
    const alarm = new Alarm(this, `${problem}Alarm`, {
      alarmName: named(this, `${WATCH_ALARM_PREFIX}pages/${problem}`),
      alarmDescription: 'Pages of etcd-remediation are not sent on. What to do: docs/runbooks.md#alarm-pages',
      metric,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#people));
  }

  /** Calls for a person when `alarm` is raised, and off when it is over. */
  pageOn(alarm: Alarm): void {
    alarm.addAlarmAction(new SnsAction(this.#incoming));
    alarm.addOkAction(new SnsAction(this.#incoming));
  }

  /** A state that sends a page. */
  page(
    scope: Construct,
    name: string,
    { comment, subject, assign, passOn = false, tries = true, ...message }: PageProps,
  ): SnsPublish {
    const state = SnsPublish.jsonata(scope, name, {
      ...(comment && { comment }),
      topic: this.#incoming,
      subject: `{% $substring(${subject}, 0, ${MAX_SUBJECT_CHARS}) %}`,
      message: TaskInput.fromText(pageMessage(subject, message, named(this, 'etcd-remediation'))),
      ...(assign && { assign }),
      ...(passOn && { outputs: '{% $states.input %}' }),
    });
    if (tries) state.addRetry(WHILE_AWS_IS_AWAY);
    return state;
  }
}

/** As the embedded platform knows it, too. */
const EACH_MINUTE = { period: Duration.minutes(1), statistic: 'Maximum' };
