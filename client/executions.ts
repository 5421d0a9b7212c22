import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type ExecutionStatus,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { AWS_CLIENT } from './aws.ts';
import { answerOf } from './aws-answers.ts';

/**
 * Step Functions describes 250 executions at once and then ten in a second, for the whole account: in a storm a list of clusters asks for more. So
 * the SDK slows down by itself where it is throttled.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const PACED = { ...AWS_CLIENT, retryMode: 'adaptive', maxAttempts: 5 };

/** Undefined where there is none, or Step Functions has forgotten it. @throws Problem `unavailable` */
export async function findExecution(
  client: SFNClient,
  executionArn: string,
): Promise<DescribeExecutionOutput | undefined> {
  return answerOf<DescribeExecutionOutput | undefined>(client.send(new DescribeExecutionCommand({ executionArn })), {
    ExecutionDoesNotExist: () => undefined,
  });
}

/** The cluster that its input names; empty where it was started with something else. */
export function clusterOf({ input = '{}' }: DescribeExecutionOutput): string {
  const { cluster } = (JSON.parse(input) ?? {}) as { cluster?: unknown };
  return typeof cluster === 'string' ? cluster : '';
}

/** What has come of it, in a word: the outcome of its report, the name of an error, or how it was ended. */
export function endedAs(
  status: ExecutionStatus,
  report: { outcome: string } | null,
  error: string | undefined,
): string {
  if (status === 'SUCCEEDED') return report?.outcome ?? status;
  return status === 'FAILED' ? (error ?? status) : status;
}
