import { CfnOutput } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';

/** Calls a person, through a topic to which whoever is on call subscribes. */
export class Pages extends Construct {
  readonly #topic: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#topic = new Topic(this, 'Topic', { displayName: 'etcd-remediation', enforceSSL: true });
    new CfnOutput(this, 'TopicArn', {
      value: this.#topic.topicArn,
      description: 'To subscribe to: it calls for a person',
    });
  }

  /**
   * A state that sends a page.
   * @param subject fewer than 100 characters of ASCII @param message JSONata @param passOn whether its output is its input
   */
  page(
    scope: Construct,
    name: string,
    { subject, message, passOn = false }: { subject: string; message: string; passOn?: boolean },
  ): SnsPublish {
    return SnsPublish.jsonata(scope, name, {
      topic: this.#topic,
      subject,
      message: TaskInput.fromText(message),
      ...(passOn && { outputs: '{% $states.input %}' }),
    });
  }
}
