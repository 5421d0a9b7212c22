import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_PAGE_CHARS, type PageEvent } from '../../core/diagnosis/page.ts';
import { type Incident, RUNBOOKS } from '../../core/runbooks.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { evaluateTemplate } from '../../local/asl/expressions.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { type Page, publishTo } from '../../local/aws/sns.ts';
import { pagesOf } from './definitions.ts';
import { execute } from './execute.ts';
import { amazonQNotification, pagerDutyEvent } from './published-schemas.ts';
import { definitionOf, FLEET, PAGER, ROOT, synthesizeStacks } from './stacks.ts';

/** Every page of every workflow in each of its forms: what is wrong fits on a phone, and what is sent to tools is what they take. */

const PREFIX = 'p'.repeat(16);
const stacks = synthesizeStacks({ ...FLEET, prefix: PREFIX });
const [people, incoming] = ['etcd-remediation-pages', 'etcd-remediation-incoming-pages'].map(
  (name) => stacks.topics.find((arn) => arn.endsWith(`:${PREFIX}-${name}`)) ?? '',
);
const PAGES = Object.keys(stacks.stateMachines).flatMap((machine) =>
  machine.endsWith(PAGER)
    ? []
    : pagesOf(definitionOf(stacks, machine)).map(({ name, state }) => ({ name, state, machine })),
);

interface Told {
  cluster: string;
  incident: Incident;
  cause: string;
  plan: string[];
}

/** As long as each can be, in a region with a long name. */
const ID = 'i'.repeat(80);
const CLUSTER = 'c'.repeat(63);
const ARN = `arn:aws-us-gov:states:ap-southeast-9:123456789012:execution:${PREFIX}-etcd-remediation:${ID}`;
const CAUSE = `node-1 is down (connection refused). ${'It was asked three times. '.repeat(200)}`;
const JSON_CAUSE = `The step failed: {"errorType":"HostUnreachable","errorMessage":"Gone.","trace":["at x"]} (${ARN})`;
const LONG: Told = {
  cluster: CLUSTER,
  incident: 'auth-token-invalid',
  cause: CAUSE,
  plan: Array.from({ length: 12 }, (_, line) => `Step ${line}: ${'does something. '.repeat(10)}`),
};
const SHORT: Told = {
  cluster: 'orders',
  incident: 'quorum-lost',
  cause: 'Members m1 and m2 of 3 are down.',
  plan: ['Restore the snapshot of m3 on m1, m2 and m3', 'Start all members'],
};

/** What a state is evaluated with: the variables of its workflow, and how it was entered. */
function scopeOf(machine: string, { cluster, incident, cause, plan }: Told, id = ID) {
  const arn = ARN.replace(ID, id);
  const isRelease = machine.endsWith('lock-release');
  const input = JSON.stringify({ cluster, parameters: { deep: { er: 1 } } });
  const rounds = [
    { runbook: 'space-reclaim', outcome: 'Remediated', report: { outcome: 'Remediated' } },
    { runbook: 'quorum-recovery', outcome: 'Remediated', report: { loss: { explanation: cause } } },
  ];
  const variables = {
    cluster: isRelease ? cluster : { name: cluster },
    next: { incident, problem: cause, runbook: RUNBOOKS[incident].runbook },
    question: { plan: { plan, loss: { explanation: cause } } },
    ended: { outcome: 'VerificationFailed', summary: cause, rounds, remaining: [] },
    enabled: { changed: true, summary: cause },
    ...{ questions: 1, execution: arn, status: 'TIMED_OUT', cause },
  } as unknown as JsonObject;
  const Input = { cluster, detail: { executionArn: arn, name: id, input } };
  const states = {
    input: { error: 'HostUnreachable', cause, called: true },
    context: { Execution: { Id: arn, Name: id, Input } },
  };
  return { states, variables, functions: { parse: (text: string) => JSON.parse(text) } };
}

async function sent(page: (typeof PAGES)[number], told: Told, id?: string): Promise<Page & { event: PageEvent }> {
  const { Subject = '', Message = '', TopicArn = '' } = page.state.Arguments as Record<string, string>;
  const scope = scopeOf(page.machine, told, id);
  const received: Page[] = [];
  await publishTo(stacks.topics, (each) => received.push(each))(
    {
      TopicArn,
      Subject: await evaluateTemplate(Subject, scope, 'Subject'),
      Message: await evaluateTemplate(Message, scope, 'Message'),
    },
    {} as never,
  );
  expect(TopicArn).toBe(incoming);
  const [one] = received;
  if (!one?.event) throw new Error('It has no event.');
  return { ...one, event: one.event };
}

/** What the pager makes of these pages. */
async function handedOn(...records: { Subject: string; Message: string }[]): Promise<Page | undefined> {
  return handedOnWith([], ...records);
}

/** @param before what the history of each alarm is asked for in turn */
async function handedOnWith(
  before: unknown[],
  ...records: { Subject: string; Message: string }[]
): Promise<Page | undefined> {
  const machine = `${PREFIX}-${PAGER}`;
  const { ended, pages } = await execute(definitionOf(stacks, machine), {
    stateMachineName: machine,
    input: records.map((each) => ({ body: JSON.stringify(each) })) as never,
    topics: [people ?? ''],
    answers: { 'Ask what the alarm was before': before },
  });
  expect(ended).toMatchObject({ status: 'SUCCEEDED' });
  return pages[0];
}

describe.each(PAGES)('$name ($machine)', (page) => {
  it.each([
    ['in a few words', SHORT],
    ['whatever is as long as it can be', LONG],
    ['whatever there is of JSON in it', { ...SHORT, cause: JSON_CAUSE, plan: [JSON_CAUSE] }],
  ])('fits on a phone, without JSON: %s', async (_, told) => {
    const { message } = await sent(page, told);
    expect(message.length).toBeLessThan(MAX_PAGE_CHARS);
    expect(message).not.toMatch(/[{}]|\["|\\"/);
    expect(message).not.toMatch(/undefined|null|\[object/);
    // Addresses and commands are whole.
    expect(message.split('\n').find((line) => line.startsWith('Execution: '))).toMatch(
      new RegExp(
        `^Execution: https://console\\.amazonaws-us-gov\\.com/states/home\\?region=ap-southeast-9#/v2/executions/details/\\S+:${ID}$`,
      ),
    );
    expect(message).not.toMatch(/^(Approve|Reject|Until|Read|Correct|Start|Look|Execution|Report).*…$/m);
    for (const [address] of message.matchAll(/^Report: .*/gm)) {
      expect(address).toMatch(
        new RegExp(
          `^Report: https://console\\.amazonaws-us-gov\\.com/s3/object/[a-z0-9-]+\\?region=ap-southeast-9&prefix=remediations/${ID}\\.html$`,
        ),
      );
    }
    for (const [command] of message.matchAll(/npx --no etcd-remediation .*/g)) {
      expect(command).toMatch(
        new RegExp(
          `^npx --no etcd-remediation (approve ${ID}|reject ${ID} --reason WHY|status ${ID}|start (${told.cluster}|CLUSTER) --watch) --prefix ${PREFIX}$`,
        ),
      );
    }
  });

  it('is an event of PagerDuty, but for the key', async () => {
    for (const told of [SHORT, LONG]) {
      const { event, subject } = await sent(page, told);
      expect(pagerDutyEvent.parse({ ...event, routing_key: 'r'.repeat(32) })).toMatchObject({
        event_action: event.payload.class === 'resolved' ? 'resolve' : 'trigger',
        payload: { severity: event.payload.class === 'resolved' ? 'info' : 'critical', source: told.cluster },
      });
      expect(event.payload.summary.startsWith(subject)).toBe(true);
      // So that 20 fit into an execution of the pager.
      const text = JSON.stringify(event);
      expect(text.length).toBeLessThan(5_000);
      expect(text.match(/"/g)?.length).toBeLessThan(text.length / 3);
    }
  });

  it('is handed on as mail and as a notification of Amazon Q Developer', async () => {
    for (const told of [SHORT, LONG]) {
      const { event, subject, message } = await sent(page, told);
      const last = await handedOn({ Subject: subject, Message: JSON.stringify(event) });
      expect(last).toMatchObject({ subject, message });
      const chat = amazonQNotification.parse(JSON.parse(last?.chat ?? ''));
      expect(chat).toMatchObject({
        content: {
          title: subject,
          description: message.replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
          keywords: [told.cluster],
        },
        metadata: { threadId: event.dedup_key },
      });
    }
  });
});

it('says in the question what is wrong, the plan, the loss, and how to answer', async () => {
  const [page] = PAGES.filter(({ name }) => name === 'Page that an approval is wanted');
  if (!page) throw new Error('There is none.');
  const { message } = await sent(page, SHORT, 'orders-1');
  expect(message).toBe(
    [
      'orders has quorum-lost: Members m1 and m2 of 3 are down.',
      'Plan:\n- Restore the snapshot of m3 on m1, m2 and m3\n- Start all members',
      'Loss: Members m1 and m2 of 3 are down.',
      `Approve: npx --no etcd-remediation approve orders-1 --prefix ${PREFIX}\nReject: npx --no etcd-remediation reject orders-1 --reason WHY --prefix ${PREFIX}\n` +
        'Until then this runbook changes nothing. It ends in 4 hours.',
      `Execution: https://console.amazonaws-us-gov.com/states/home?region=ap-southeast-9#/v2/executions/details/${ARN.replace(ID, 'orders-1')}`,
    ].join('\n\n'),
  );
});

it('has what is resolved under the key of what was wrong, and of no other platform, region or account', async () => {
  const platform = `${PREFIX}-etcd-remediation/ap-southeast-9/123456789012`;
  const keys = Object.groupBy(
    await Promise.all(PAGES.map(async (page) => (await sent(page, SHORT)).event)),
    ({ dedup_key }) => dedup_key,
  );
  expect(
    Object.fromEntries(
      Object.entries(keys).map(([key, events]) => [
        key,
        [...new Set(events?.map(({ payload }) => payload.class))].toSorted(),
      ]),
    ),
  ).toEqual({
    [`${platform}/orders`]: ['approval-wanted', 'cut-off', 'failed', 'not-begun', 'not-started', 'resolved'],
    [`${platform}/orders/authentication`]: ['authentication-disabled', 'resolved'],
  });
});

describe('an alarm', () => {
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html */
  const alarm = (NewStateValue: string, OldStateValue: string) => ({
    Subject: `${NewStateValue}: "etcd-remediation/orders/quorum-lost" in EU (Ireland)`,
    Message: JSON.stringify({
      AlarmName: 'etcd-remediation/orders/quorum-lost',
      AlarmDescription: 'The etcd cluster orders has no quorum. What to do: docs/runbooks.md#alarm-quorum-lost',
      AWSAccountId: '123456789012',
      ...{ NewStateValue, OldStateValue },
      NewStateReason: 'Threshold Crossed: 3 datapoints [0.0, 0.0, 0.0] were less than the threshold (1.0).',
      StateChangeTime: '2026-11-29T07:53:08.000+0000',
      Region: 'EU (Ireland)',
      AlarmArn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:etcd-remediation/orders/quorum-lost',
      Trigger: { MetricName: 'HasLeader', Dimensions: [{ name: 'cluster', value: 'orders' }] },
    }),
  });
  /** https://docs.aws.amazon.com/cli/latest/reference/cloudwatch/describe-alarm-history.html */
  const historyOf = (before: string) => {
    const change = (from: string, to: string) => ({
      AlarmName: 'etcd-remediation/orders/quorum-lost',
      HistoryItemType: 'StateUpdate',
      HistorySummary: `Alarm updated from ${from} to ${to}`,
      HistoryData: JSON.stringify({ version: '1.0', oldState: { stateValue: from }, newState: { stateValue: to } }),
    });
    return { AlarmHistoryItems: [change('INSUFFICIENT_DATA', 'OK'), change(before, 'INSUFFICIENT_DATA')] };
  };
  const ADDRESS =
    'Alarm: https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/etcd-remediation%2Forders%2Fquorum-lost';

  it('that is raised is told in words, in its thread, and where to look', async () => {
    const page = await handedOn(alarm('ALARM', 'OK'));
    expect(page?.message).toBe(
      [
        'The etcd cluster orders has no quorum. What to do: docs/runbooks.md#alarm-quorum-lost',
        'Seen: Threshold Crossed: 3 datapoints [0.0, 0.0, 0.0] were less than the threshold (1.0).',
        `Look: npx --no etcd-remediation clusters --prefix ${PREFIX}`,
        ADDRESS,
      ].join('\n\n'),
    );
    expect(amazonQNotification.parse(JSON.parse(page?.chat ?? ''))).toMatchObject({
      content: { title: 'ALARM: "etcd-remediation/orders/quorum-lost" in EU (Ireland)', keywords: ['orders'] },
      metadata: { threadId: 'etcd-remediation/orders/quorum-lost' },
    });
  });

  it('that is over is told where it was raised before, and else not', async () => {
    const page = await handedOn(alarm('OK', 'ALARM'));
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/orders/quorum-lost" in EU (Ireland)');
    expect(page?.message).toMatch(/^The alarm is over: Threshold Crossed: .*\n\nAlarm: https:/);
    expect(await handedOnWith([historyOf('OK')], alarm('OK', 'INSUFFICIENT_DATA'))).toBeUndefined();
  });

  it('that is over is told where it was raised before it was out of sight', async () => {
    const away = alarm('OK', 'INSUFFICIENT_DATA');
    const page = await handedOnWith([historyOf('ALARM')], away);
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/orders/quorum-lost" in EU (Ireland)');
    expect(page?.message).toMatch(/^The alarm is over: Threshold Crossed: /);
    // The newest time counts.
    const twice = {
      AlarmHistoryItems: [...historyOf('OK').AlarmHistoryItems, ...historyOf('ALARM').AlarmHistoryItems],
    };
    expect(await handedOnWith([twice], away)).toBeUndefined();
    expect(await handedOnWith([{ AlarmHistoryItems: [] }], away)).toBeUndefined();
    // That it was never raised is not known.
    expect((await handedOnWith([new ExecutionError('CloudWatch.CloudWatchException', 'no')], away))?.subject).toMatch(
      /^RESOLVED: /,
    );
  });

  it('that is over is asked for each by itself', async () => {
    const [orders, billing] = ['orders', 'billing'].map((cluster) => {
      const { Subject, Message } = alarm('OK', 'INSUFFICIENT_DATA');
      return { Subject: Subject.replace('orders', cluster), Message: Message.replaceAll('orders', cluster) };
    }) as [Record<'Subject' | 'Message', string>, Record<'Subject' | 'Message', string>];
    const page = await handedOnWith([historyOf('OK'), historyOf('ALARM')], orders, billing);
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/billing/quorum-lost" in EU (Ireland)');
    const both = await handedOnWith([historyOf('ALARM'), historyOf('ALARM')], orders, billing);
    expect(both?.subject).toMatch(/^2 pages: RESOLVED: .*orders.*; RESOLVED: /);
  });

  it('whose news is none takes no place beside others', async () => {
    const page = await handedOnWith([historyOf('OK')], alarm('OK', 'INSUFFICIENT_DATA'), {
      Subject: 'By hand',
      Message: '{"event_action" is no JSON}',
    });
    expect(page).toMatchObject({ subject: 'By hand', message: '{"event_action" is no JSON}' });
  });
});

it('is one notification of Amazon Q Developer, however many pages there are', async () => {
  const [page] = PAGES;
  if (!page) throw new Error('There is none.');
  const records = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const { subject, event } = await sent(page, { ...LONG, cluster: `cluster-${index}` });
      return { Subject: subject, Message: JSON.stringify(event) };
    }),
  );
  const all = await handedOn(...records);
  const { content, metadata } = amazonQNotification.parse(JSON.parse(all?.chat ?? ''));
  expect(content.title).toMatch(/^20 pages: /);
  expect(content.keywords).toHaveLength(10);
  expect(metadata).not.toHaveProperty('threadId');
  for (const { Message } of records) expect(all?.message).toContain(JSON.parse(Message).payload.custom_details.text);
});

describe('the recipe for PagerDuty', () => {
  const text = readFileSync(join(ROOT, 'docs/recipes/pagerduty.json'), 'utf8');
  const { Resources } = JSON.parse(text);

  it('hands each event on as it is, and the key only where it is secret', () => {
    expect(Resources.Pipe.Properties.TargetParameters).toEqual({ InputTemplate: '<$.body>' });
    expect(Resources.Destination.Properties).toMatchObject({
      HttpMethod: 'POST',
      InvocationEndpoint: 'https://events.pagerduty.com/v2/enqueue',
    });
    expect(Resources.Connection.Properties.AuthParameters.InvocationHttpParameters.BodyParameters).toEqual([
      {
        Key: 'routing_key',
        // Of CloudFormation, which puts it there when it deploys.
        Value: { 'Fn::Sub': expect.stringMatching(/^\{\{resolve:secretsmanager:\$\{RoutingKeySecret\}\}\}$/) },
        IsValueSecret: true,
      },
    ]);
  });

  it('subscribes so that each page comes by one way: by a field that only that kind has', async () => {
    const [page] = PAGES;
    if (!page) throw new Error('There is none.');
    const { event } = await sent(page, SHORT);
    expect(Resources.Events.Properties.FilterPolicy).toEqual({ event_action: [{ exists: true }] });
    expect(Resources.Alarms.Properties.FilterPolicy).toEqual({ AlarmName: [{ exists: true }] });
    expect(event).toHaveProperty('event_action');
    expect(event).not.toHaveProperty('AlarmName');
    for (const { FilterPolicyScope } of [Resources.Events.Properties, Resources.Alarms.Properties]) {
      expect(FilterPolicyScope).toBe('MessageBody');
    }
  });
});
