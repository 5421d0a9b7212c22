import { CfnOutput } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';

interface PageProps {
  comment?: string;
  /** Fewer than 100 characters of ASCII. */
  subject: string;
  /** JSONata. */
  message: string;
  /** Whether its output is its input. */
  passOn?: boolean;
}

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

  /** A state that sends a page. */
  page(scope: Construct, name: string, { comment, subject, message, passOn = false }: PageProps): SnsPublish {
    return SnsPublish.jsonata(scope, name, {
      ...(comment && { comment }),
      topic: this.#topic,
      subject,
      message: TaskInput.fromText(message),
      ...(passOn && { outputs: '{% $states.input %}' }),
    });
  }
}
