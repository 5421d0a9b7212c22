import { Duration } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Errors, Pass, type StateMachine, Succeed, TaskInput, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import { SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { MAX_SUBJECT_CHARS } from '../subject.ts';
import { WHILE_AWS_IS_AWAY } from './parts/retry-policies.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';

const ONE_TRY = Duration.minutes(1);

export interface PagerProps {
  /** To which the person on call subscribes. */
  people: ITopic;
}

/**
 * Sends the pages that came in together as one message: a person who gets three hundred reads none.
 *
 * Its input is a batch of messages of SQS, each of which holds what was published to a topic of SNS. A page that is alone goes on as it came. Of several,
 * the subjects stand first, so that each is named at the beginning, and then each page as a whole. One that was delivered twice is reported once.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
 */
export class Pager extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { people }: PagerProps) {
    super(scope, id);
    const read = Pass.jsonata(this, 'Read the pages', {
      comment: 'What was published, out of the messages of the queue',
      outputs: {},
      assign: {
        // A message published by hand needs no subject.
        pages:
          "{% [$distinct($states.input.$parse(body).{'subject': Subject ? Subject : 'A page without a subject', 'message': Message})] %}",
      },
    });
    const send = SnsPublish.jsonata(this, 'Send one message', {
      comment: 'To whoever is on call; where it cannot be sent, an alarm calls for a person on a way of its own',
      topic: people,
      subject: `{% $count($pages) = 1 ? $pages[0].subject : $substring($count($pages) & ' pages: ' & $join($pages.subject, '; '), 0, ${MAX_SUBJECT_CHARS}) %}`,
      message: TaskInput.fromText(
        "{% $count($pages) = 1 ? $pages[0].message : $count($pages) & ' pages came in together:\\n- ' & $join($pages.subject, '\\n- ') & " +
          "'\\n\\n' & $join($pages.(subject & '\\n\\n' & message), '\\n\\n----------\\n\\n') %}",
      ),
      outputs: {},
      taskTimeout: Timeout.duration(ONE_TRY),
    });
    // With eleven tries it fails before the execution times out, of which no alarm would tell: 11 + 2 minutes.
    send.addRetry({ ...WHILE_AWS_IS_AWAY, errors: [Errors.TASKS_FAILED, Errors.TIMEOUT] });
    const sent = Succeed.jsonata(this, 'Message sent', {
      comment: 'One message, however many pages it holds',
      outputs: { outcome: 'Remediated', pages: '{% $count($pages) %}' },
    });
    this.stateMachine = runbookStateMachine(this, {
      name: PAGER_STATE_MACHINE,
      comment: 'Sends the pages that came in within some seconds as one message',
      start: read.next(send).next(sent),
      timeout: Duration.minutes(15),
      steps: [],
    });
  }
}
