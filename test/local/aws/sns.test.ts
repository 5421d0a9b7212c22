import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../local/asl/json.ts';
import type { ContextObject } from '../../../local/asl/types.ts';
import { type Page, publishTo } from '../../../local/aws/sns.ts';

const TOPIC = 'arn:aws:sns:local:000000000000:Pages';
const PAGE = { TopicArn: TOPIC, Subject: 'CRITICAL: come', Message: 'Authentication may be disabled: "ü".' };

/** What comes of publishing, and what the subscriber received. */
async function publish(args: JsonValue, subscriber?: (page: Page) => void) {
  const received: Page[] = [];
  const handler = publishTo([TOPIC, `${TOPIC}2`], subscriber ?? ((page) => received.push(page)));
  const context = { State: { Name: 'Page' } } as ContextObject;
  const task = { signal: new AbortController().signal, context, submitted: () => undefined };
  const answer = await handler(args, task).catch((error: unknown) => error);
  return { answer, received };
}

describe('a page', () => {
  it('reaches the subscriber, and is answered with an ID', async () => {
    const { answer, received } = await publish(PAGE);
    expect(received).toEqual([{ subject: PAGE.Subject, message: PAGE.Message }]);
    expect(answer).toEqual({ MessageId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it('may have a text for mail and another for chat', async () => {
    const Message = JSON.stringify({ default: 'Come.', sms: 'Come', https: '{"version":"1.0"}' });
    const { received } = await publish({ ...PAGE, Message, MessageStructure: 'json' });
    expect(received).toEqual([{ subject: PAGE.Subject, message: 'Come.', chat: '{"version":"1.0"}' }]);
  });

  it.each([
    ['a subject of one character', { Subject: '!' }],
    ['a subject of 99', { Subject: 'x'.repeat(99) }],
    ['a message of 256 KiB', { Message: 'x'.repeat(256 * 1024) }],
    ['another of the topics', { TopicArn: `${TOPIC}2` }],
  ])('may have %s', async (_, difference) => {
    expect((await publish({ ...PAGE, ...difference })).received).toHaveLength(1);
  });

  const INVALID = 'SNS.InvalidParameterException';
  const without = (name: string) => Object.fromEntries(Object.entries(PAGE).filter(([each]) => each !== name));

  it.each<[string, JsonValue, string, string]>([
    ['no topic', without('TopicArn'), 'SNS.NotFoundException', 'Topic does not exist'],
    ['another topic', { ...PAGE, TopicArn: `${TOPIC}3` }, 'SNS.NotFoundException', 'Topic does not exist'],
    ['a topic that is no text', { ...PAGE, TopicArn: [TOPIC] }, 'SNS.NotFoundException', 'Topic does not exist'],
    ['no subject', without('Subject'), INVALID, 'Subject'],
    ['an empty subject', { ...PAGE, Subject: '' }, INVALID, 'Subject'],
    ['a subject of 100 characters', { ...PAGE, Subject: 'x'.repeat(100) }, INVALID, 'Subject'],
    ['a blank before the subject', { ...PAGE, Subject: ' x' }, INVALID, 'Subject'],
    ['a line end in the subject', { ...PAGE, Subject: 'x\ny' }, INVALID, 'Subject'],
    ['a line end after the subject', { ...PAGE, Subject: 'x\n' }, INVALID, 'Subject'],
    ['a subject that is not ASCII', { ...PAGE, Subject: 'für' }, INVALID, 'Subject'],
    ['no message', without('Message'), INVALID, 'Empty message'],
    ['an empty message', { ...PAGE, Message: '' }, INVALID, 'Empty message'],
    ['a message that is no text', { ...PAGE, Message: { a: 1 } }, INVALID, 'Empty message'],
    ['a message that is too long, in bytes', { ...PAGE, Message: 'ü'.repeat(128 * 1024 + 1) }, INVALID, 'too long'],
    ['another structure', { ...PAGE, MessageStructure: 'xml' }, INVALID, 'MessageStructure'],
    ['no text for all protocols', { ...PAGE, Message: '{}', MessageStructure: 'json' }, INVALID, 'MessageStructure'],
    ['a parameter that it would have to heed', { ...PAGE, MessageAttributes: {} }, INVALID, 'MessageAttributes'],
    ['a phone in place of the topic', { ...without('TopicArn'), PhoneNumber: '+1' }, INVALID, 'PhoneNumber'],
    ['nothing', null, 'SNS.NotFoundException', 'Topic does not exist'],
  ])('is refused with %s', async (_, args, error, cause) => {
    const { answer, received } = await publish(args);
    expect(answer).toMatchObject({ error, cause: expect.stringContaining(cause) });
    expect(received).toEqual([]);
  });
});
