import type { ITopic } from 'aws-cdk-lib/aws-sns';
import {
  Choice,
  Condition,
  Errors,
  Pass,
  type StateMachine,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService, SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { named, prefixOption } from '../names.ts';
import { PAGE_FUNCTIONS } from '../page-message.ts';
import { MAX_SUBJECT_CHARS } from '../subject.ts';
import { WHILE_AWS_IS_AWAY } from './parts/retry-policies.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';

const ONE_TRY = Duration.minutes(1);
/** The same for a question. A page that calls for a person may be in the same batch, and waits for it. */
const ONE_QUESTION = Duration.seconds(10);

/** The prefix of what an SNS message is told of: our pages, CloudWatch's alarms; a person may have published anything else by hand. */
const IS_JSON = /^\{"(event_action|AlarmName)":[\s\S]*\}$/.source;

/**
 * JSONata: each page's subject and text, what it is about, and of which cluster. That an alarm is over is told where it was raised before. One that was
 * out of sight in between does not say so in its message: `wasAway` is its name, and its history says it.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 */
function readPages(option: string): string {
  const alarm = [
    "$isOver := $told.NewStateValue = 'OK'",
    "$seen := ($isOver ? 'The alarm is over: ' : 'Seen: ') & $cut($plain($told.NewStateReason), 300)",
    "$link := 'Alarm: ' & $console($told.AlarmArn, '/cloudwatch/home?region=REGION#alarmsV2:alarm/') & $encodeUrlComponent($told.AlarmName)",
    `$look := $isOver ? '' : 'Look: npx --no etcd-remediation clusters${option}'`,
    "$isOver and $not($told.OldStateValue in ['ALARM', 'INSUFFICIENT_DATA']) ? [] : $merge([{'subject': $replace($subject, /^OK: /, 'RESOLVED: '), " +
      "'text': $paragraphs([$isOver ? '' : $cut($plain($told.AlarmDescription), 400), $seen, $look, $exists($told.AlarmArn) ? $link : '']), " +
      "'key': $told.AlarmName, 'cluster': $contains($told.AlarmName, '/') ? $split($told.AlarmName, '/')[1] : 'etcd-remediation'}, " +
      "$isOver and $told.OldStateValue = 'INSUFFICIENT_DATA' ? {'wasAway': $told.AlarmName} : {}])",
  ];
  return `{% (${[
    ...PAGE_FUNCTIONS,
    '[$distinct($states.input.$parse(body).(' +
      // Whoever publishes by hand need not give a subject.
      "$subject := Subject ? Subject : 'A page without a subject'; " +
      `$told := $contains(Message, /${IS_JSON}/) ? $parse(Message) : {}; ` +
      `$exists($told.AlarmName) ? (${alarm.join('; ')}) : $exists($told.event_action) ? {'subject': $subject, ` +
      "'text': $told.payload.custom_details.text, 'key': $told.dedup_key, 'cluster': $told.payload.source} : {'subject': $subject, 'text': Message}))]",
  ].join('; ')}) %}`;
}

/** JSONata: the pages, of which one need not ask for `wasAway` any more. */
const known = (page: string) => `$sift(${page}, function($value, $field) { $field != 'wasAway' })`;
const AWAY = '$pages[$exists(wasAway)]';
/**
 * JSONata: those whose alarm was raised before it was out of sight are told, and of that alarm no others.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html
 */
const WITHOUT_NEWS = `{% (${[
  `$asked := ${AWAY}[0].wasAway`,
  "$before := ($states.result.AlarmHistoryItems.$parse(HistoryData))[newState.stateValue = 'INSUFFICIENT_DATA'][0].oldState.stateValue",
  `[$map($pages, function($page) { $page.wasAway = $asked ? ($before = 'ALARM' ? ${known('$page')}) : $page })]`,
].join('; ')}) %}`;

/** JSONata: of one page its subject; of several how many, and those of as many as there is room for. */
const TITLE = `$count($pages) = 1 ? $pages[0].subject : $substring($count($pages) & ' pages: ' & $join($pages.subject, '; '), 0, ${MAX_SUBJECT_CHARS})`;
/** Amazon Q Developer takes 8,000. What stands for a bracket has four characters. */
const MAX_CHAT_CHARS = 7_000;
const MAX_KEYWORDS = 10;

/**
 * JSONata: mail gets the text, a phone the title, and Amazon Q Developer in chat applications, which subscribes by HTTPS, a notification of its schema.
 * One about the same thing as another is in the same thread.
 * https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
const FOR_EACH_PROTOCOL = `{% (${[
  `$title := ${TITLE}`,
  "$text := $count($pages) = 1 ? $pages[0].text : $count($pages) & ' pages came in together:\\n- ' & $join($pages.subject, '\\n- ') & " +
    "'\\n\\n' & $join($pages.(subject & '\\n\\n' & text), '\\n\\n----------\\n\\n')",
  `$description := $substring($replace($replace($text, '<', '&lt;'), '>', '&gt;'), 0, ${MAX_CHAT_CHARS})`,
  "$thread := $count($pages) = 1 and $exists($pages[0].key) ? {'threadId': $pages[0].key} : {}",
  "$chat := {'version': '1.0', 'source': 'custom', 'content': {'textType': 'client-markdown', 'title': $title, 'description': $description, " +
    `'keywords': [$distinct($pages.cluster)[[0..${MAX_KEYWORDS - 1}]]]}, ` +
    "'metadata': $merge([{'summary': $title, 'eventType': 'etcd-remediation', 'enableCustomActions': false}, $thread])}",
  "$string({'default': $text, 'sms': $title, 'https': $string($chat)})",
].join('; ')}) %}`;

export interface PagerProps {
  /** To which the person on call subscribes. */
  people: ITopic;
}

/**
 * Sends the pages that came in together as one message: a person who gets three hundred reads none.
 *
 * Its input is a batch of messages of SQS, each of which holds what was published to a topic of SNS. Of a page that is alone its text goes on. Of several,
 * the subjects stand first, so that each is named at the beginning, and then each page as a whole. One that was delivered twice is reported once.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
 */
export class Pager extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { people }: PagerProps) {
    super(scope, id);
    const sent = Succeed.jsonata(this, 'Message sent', {
      comment: 'One message, however many pages it holds',
      outputs: { outcome: 'Remediated', pages: '{% $count($pages) %}' },
    });
    const read = Pass.jsonata(this, 'Read the pages', {
      comment: 'What was published, out of the messages of the queue',
      outputs: {},
      assign: { pages: readPages(prefixOption(this)) },
    });
    const alarms = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: named(this, 'etcd-remediation*'),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const isThereOne = Choice.jsonata(this, 'Is anything to be told?', {
      comment: 'That an alarm is well which was not raised before is no news',
    }).when(Condition.jsonata('{% $count($pages) = 0 %}'), sent);
    const send = SnsPublish.jsonata(this, 'Send one message', {
      comment: 'To whoever is on call; where it cannot be sent, an alarm calls for a person on a way of its own',
      topic: people,
      subject: `{% ${TITLE} %}`,
      message: TaskInput.fromText(FOR_EACH_PROTOCOL),
      messagePerSubscriptionType: true,
      outputs: {},
      taskTimeout: Timeout.duration(ONE_TRY),
    });
    // With eleven tries it fails before the execution times out, of which no alarm would tell: 11 + 2 minutes, and 16 for the questions before it.
    send.addRetry({ ...WHILE_AWS_IS_AWAY, errors: [Errors.TASKS_FAILED, Errors.TIMEOUT] });
    isThereOne.otherwise(send.next(sent));
    const ask = CallAwsService.jsonata(this, 'Ask what the alarm was before', {
      comment: 'Its history has that; the message has only that nothing was known of it in between',
      service: 'cloudwatch',
      action: 'describeAlarmHistory',
      iamAction: 'cloudwatch:DescribeAlarmHistory',
      iamResources: [alarms],
      parameters: {
        AlarmName: `{% ${AWAY}[0].wasAway %}`,
        HistoryItemType: 'StateUpdate',
        ScanBy: 'TimestampDescending',
        MaxRecords: 10,
      },
      outputs: {},
      assign: { pages: WITHOUT_NEWS },
      taskTimeout: Timeout.duration(ONE_QUESTION),
    });
    ask.addRetry({ ...WHILE_AWS_IS_AWAY, maxAttempts: 3 });
    // Better told for nothing than not at all.
    ask.addCatch(isThereOne, {
      outputs: {},
      assign: { pages: `{% [$map($pages, function($page) { ${known('$page')} })] %}` },
    });
    const wasOneAway = Choice.jsonata(this, 'Was an alarm out of sight?', {
      comment: 'One that was raised before that has to be told of as over',
    })
      .when(Condition.jsonata(`{% $count(${AWAY}) > 0 %}`), ask)
      .otherwise(isThereOne);
    ask.next(wasOneAway);
    this.stateMachine = runbookStateMachine(this, {
      name: PAGER_STATE_MACHINE,
      comment: 'Sends the pages that came in within some seconds as one message',
      start: read.next(wasOneAway),
      timeout: Duration.minutes(30),
      steps: [],
    });
    Validations.of(this.stateMachine.role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:${named(this, 'etcd-remediation*')}]`,
      reason: 'Which alarm it is, is found out only then: any that is called so.',
    });
  }
}
