import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_PAGE_CHARS } from '../../core/diagnosis/page.ts';
import { amazonQNotification, pagerDutyEvent } from './published-schemas.ts';
import { ARN, handedOn, ID, JSON_CAUSE, LONG, PAGES, PREFIX, SHORT, sent } from './sent-pages.ts';
import { ROOT } from './stacks.ts';

/** Every page of every workflow in each of its forms: what is wrong fits on a phone, and what is sent to tools is what they take. */

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
