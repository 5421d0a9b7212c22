import { Duration } from 'aws-cdk-lib';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { ERROR_NAMES } from '../../../core/errors.ts';

/**
 * etcd is not ready yet: an election, a member that restarts, a follower that catches up.
 * 2 s, growing by half up to 20 s: 2 + 3 + 4.5 + 6.8 + 10.1 + 15.2 + 6 x 20 = 162 s, about as long as a member with a large database
 * takes to start.
 */
export const WHILE_ETCD_SETTLES: RetryProps = {
  errors: [ERROR_NAMES.EtcdUnavailable],
  interval: Duration.seconds(2),
  backoffRate: 1.5,
  maxDelay: Duration.seconds(20),
  maxAttempts: 12,
};

/**
 * Lambda ended the function before it could answer: its process was killed, or its timeout passed. Every step can be run
 * twice, so it is: after 1 s and 2 s.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export const WHEN_LAMBDA_DIES: RetryProps = {
  errors: ['Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown'],
  interval: Duration.seconds(1),
  backoffRate: 2,
  maxAttempts: 2,
};

/**
 * The account runs as many functions at once as it may, so Lambda did not start this one: 2 s, doubling up to 30 s,
 * 2 + 4 + 8 + 16 + 4 x 30 = 150 s.
 * https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
 */
export const WHILE_LAMBDA_IS_BUSY: RetryProps = {
  errors: ['Lambda.TooManyRequestsException'],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.seconds(30),
  maxAttempts: 8,
};
