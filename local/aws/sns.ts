import { randomUUID } from 'node:crypto';
import { type PageEvent, pageEventSchema } from '../../core/diagnosis/page.ts';
import { ExecutionError } from '../asl/errors.ts';
import { isObject } from '../asl/json.ts';
import type { TaskHandler } from '../asl/types.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;

/** What a topic's subscribers receive. */
export interface Page {
  subject: string;
  /** As mail has it. */
  message: string;
  /** As incident tools take it, of what a workflow has sent. */
  event?: PageEvent;
  /** As Amazon Q Developer in chat applications takes it, of what the pager has sent: JSON. */
  chat?: string;
}

/**
 * What the embedded platform knows of SNS: publishing to a synthesized topic, which has one subscriber. As Step Functions' integration
 * `arn:aws:states:::sns:publish`.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html
 */
export function publishTo(topics: readonly string[], subscriber: (page: Page) => void): TaskHandler {
  return async (args) => {
    const { TopicArn, Subject, Message, MessageStructure, ...others } = isObject(args) ? args : {};
    const [unknown] = Object.keys(others);
    if (unknown !== undefined)
      throw new ExecutionError('SNS.InvalidParameterException', `This endpoint does not know ${unknown}.`);
    if (typeof TopicArn !== 'string' || !topics.includes(TopicArn)) {
      throw new ExecutionError('SNS.NotFoundException', 'Topic does not exist');
    }
    // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: no blank at the front, and less than 100 characters.
    if (typeof Subject !== 'string' || !/^[\x21-\x7e][\x20-\x7e]{0,98}$/.test(Subject)) {
      throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: Subject');
    }
    if (typeof Message !== 'string' || Message === '') {
      throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: Empty message');
    }
    if (Buffer.byteLength(Message) > MAX_MESSAGE_BYTES) {
      throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: Message too long');
    }
    subscriber({ subject: Subject, ...formsOf(Message, MessageStructure) });
    return { MessageId: randomUUID() };
  };
}

function formsOf(message: string, structure: unknown): Omit<Page, 'subject'> {
  if (structure === undefined) {
    if (!message.startsWith('{"event_action":')) return { message };
    const event = pageEventSchema.parse(JSON.parse(message));
    return { message: event.payload.custom_details.text, event };
  }
  const forms: unknown = structure === 'json' ? JSON.parse(message) : undefined;
  if (!isObject(forms) || typeof forms.default !== 'string' || typeof forms.https !== 'string') {
    throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: MessageStructure');
  }
  return { message: forms.default, chat: forms.https };
}
