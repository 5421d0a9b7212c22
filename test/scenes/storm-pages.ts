import { randomUUID } from 'node:crypto';
import type { Template } from 'aws-cdk-lib/assertions';
import { INCOMING_PAGES_TOPIC } from '../../core/diagnosis/detection.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import type { Page } from '../../local/aws/sns.ts';
import { type Resource, resourcesOf } from '../lib/stacks.ts';
import type { StormClock } from './storm-clock.ts';

/** The pages of alarms and workflows, on their way to a person: they wait in a queue, which a pipe reads for the pager. */

/** Lambda, by which pipes read queues, begins with five that wait for messages at once, and any of them gets the next one. */
const POLLERS = 5;

export function stormPages({
  platform,
  clock,
  random,
  startPager,
}: {
  platform: Template;
  clock: StormClock;
  random: () => number;
  startPager: (records: JsonObject[]) => void;
}) {
  /** What alarms and workflows have sent, and what a person gets of it. */
  const pages: Page[] = [];
  const messages: Page[] = [];
  const queue: Page[] = [];

  const [pipe] = Object.values(resourcesOf(platform, 'AWS::Pipes::Pipe'));
  const { BatchSize, MaximumBatchingWindowInSeconds } = (pipe as Resource).Properties.SourceParameters
    .SqsQueueParameters;
  let isOver = false;
  const polling = Array.from({ length: POLLERS }, () => poll());

  async function poll(): Promise<void> {
    await clock.wait(random() * 1_000);
    while (!isOver) {
      const first = queue.shift();
      if (!first) {
        await clock.wait(1_000);
        continue;
      }
      const batch = [first];
      const until = clock.now() + MaximumBatchingWindowInSeconds * 1_000;
      while (clock.now() < until && batch.length < BatchSize) {
        // One message at a time: those of an outage are spread over all of them.
        batch.push(...queue.splice(0, 1));
        await clock.wait(200);
      }
      startPager(batch.map(recordOf));
    }
  }

  return {
    pages,
    messages,
    /** @param queued what the queue gets, where that is another text */
    page(sent: Page, queued = sent): void {
      pages.push(sent);
      queue.push(queued);
    },
    receive(sent: Page): void {
      messages.push(sent);
    },
    areWaiting: () => queue.length > 0,
    /** Reads no more. */
    async over(): Promise<void> {
      isOver = true;
      await Promise.all(polling);
    },
  };
}

/** A message of SQS that holds what a topic of SNS was told. https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html */
function recordOf({ subject, message, event }: Page): JsonObject {
  return {
    messageId: randomUUID(),
    receiptHandle: 'handle',
    body: JSON.stringify({
      Type: 'Notification',
      MessageId: randomUUID(),
      TopicArn: `arn:aws:sns:local:000000000000:${INCOMING_PAGES_TOPIC}`,
      Subject: subject,
      Message: event ? JSON.stringify(event) : message,
      Timestamp: '2025-01-01T00:00:00.000Z',
    }),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    awsRegion: 'local',
  };
}
