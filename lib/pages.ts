import { ArnFormat, CfnOutput, Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { PAGES_TOPIC } from '../core/contracts/detection.ts';
import { named } from './names.ts';
import { WHILE_AWS_IS_AWAY } from './workflows/parts/retry-policies.ts';

/** SNS refuses a subject of 100 characters or more. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const MAX_SUBJECT_CHARS = 99;

interface PageProps {
  comment?: string;
  /** JSONata without its delimiters, which comes to one line of ASCII: SNS is given as much of it as it takes. */
  subject: string;
  /** JSONata, in its delimiters. */
  message: string;
  /** Whether its output is its input. */
  passOn?: boolean;
  /** Whether it is tried again here; not where a loop comes by again anyway. */
  tries?: boolean;
}

/** Calls a person, through a topic to which whoever is on call subscribes. */
export class Pages extends Construct {
  readonly #topic: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#topic = new Topic(this, 'Topic', {
      topicName: named(this, PAGES_TOPIC),
      displayName: 'etcd-remediation',
      enforceSSL: true,
    });
    this.allowAlarms();
    new CfnOutput(this, 'TopicArn', {
      value: this.#topic.topicArn,
      description: 'To subscribe to: it calls for a person',
    });
  }

  /** A topic with a policy of its own takes from CloudWatch only what that lets in: all that is called `etcd-remediation…`. */
  private allowAlarms(): void {
    const stack = Stack.of(this);
    const alarms = stack.formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: named(this, 'etcd-remediation*'),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    // https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html#sns-allow-cloudwatch-alarm-to-publish-to-topic-in-another-account
    this.#topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.#topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    );
  }

  /** Calls for a person where `alarm` is raised. */
  pageOn(alarm: Alarm): void {
    alarm.addAlarmAction(new SnsAction(this.#topic));
  }

  /** A state that sends a page. */
  page(
    scope: Construct,
    name: string,
    { comment, subject, message, passOn = false, tries = true }: PageProps,
  ): SnsPublish {
    const state = SnsPublish.jsonata(scope, name, {
      ...(comment && { comment }),
      topic: this.#topic,
      subject: `{% $substring(${subject}, 0, ${MAX_SUBJECT_CHARS}) %}`,
      message: TaskInput.fromText(message),
      ...(passOn && { outputs: '{% $states.input %}' }),
    });
    if (tries) state.addRetry(WHILE_AWS_IS_AWAY);
    return state;
  }
}
