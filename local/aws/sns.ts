import { randomUUID } from 'node:crypto';
import { ExecutionError } from '../asl/errors.ts';
import { isObject } from '../asl/json.ts';
import type { TaskHandler } from '../asl/types.ts';

/** What a topic's subscribers receive. */
export interface Page {
  subject: string;
  message: string;
}

/**
 * What the embedded platform knows of SNS: publishing to a synthesized topic, which has one subscriber. As Step Functions' integration
 * `arn:aws:states:::sns:publish`.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html
 */
export function publishTo(topics: readonly string[], subscriber: (page: Page) => void): TaskHandler {
  return async (args) => {
    const { TopicArn, Subject, Message, ...others } = isObject(args) ? args : {};
    const [unknown] = Object.keys(others);
    if (unknown !== undefined)
      throw new ExecutionError('SNS.InvalidParameterException', `This endpoint does not know ${unknown}.`);
    if (typeof TopicArn !== 'string' || !topics.includes(TopicArn)) {
      throw new ExecutionError('SNS.NotFoundException', 'Topic does not exist');
    }
    // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    if (typeof Subject !== 'string' || !/^[\x20-\x7e]{1,100}$/.test(Subject)) {
      throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: Subject');
    }
    if (typeof Message !== 'string' || Message === '') {
      throw new ExecutionError('SNS.InvalidParameterException', 'Invalid parameter: Empty message');
    }
    subscriber({ subject: Subject, message: Message });
    return { MessageId: randomUUID() };
  };
}
