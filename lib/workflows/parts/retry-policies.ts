import { Errors, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { ERROR_NAMES } from '../../../core/errors.ts';
import { STILL_RUNNING } from '../../../core/hosts/run-host-commands.ts';

/**
 * etcd is not ready yet: an election, a member that restarts, a follower that catches up. Or an AWS API does not answer.
 * 2 s, growing by half up to 20 s: 2 + 3 + 4.5 + 6.8 + 10.1 + 15.2 + 6 x 20 = 162 s. A member with a large database takes about
 * as long to start.
 */
export const WHILE_ETCD_SETTLES: RetryProps = {
  errors: [ERROR_NAMES.EtcdUnavailable, ERROR_NAMES.AwsUnavailable],
  interval: Duration.seconds(2),
  backoffRate: 1.5,
  maxDelay: Duration.seconds(20),
  maxAttempts: 12,
};

/** The same where a try may take a quarter of an hour: two are enough, with half a minute between them, which an election takes at most. */
export const WHILE_ETCD_SETTLES_ONCE: RetryProps = {
  errors: [ERROR_NAMES.EtcdUnavailable, ERROR_NAMES.AwsUnavailable],
  interval: Duration.seconds(30),
  maxAttempts: 1,
};

/**
 * Commands still run on hosts, so the step runs again. Each time it watches them for 40 s itself.
 * 5 s, growing by a fifth up to a minute. The step gives up on a command that takes too long; this many are more than any runbook has time for:
 * 1000 x (60 + 40) s = 28 h.
 */
export const WHILE_COMMANDS_RUN: RetryProps = {
  errors: [STILL_RUNNING],
  interval: Duration.seconds(5),
  backoffRate: 1.2,
  maxDelay: Duration.minutes(1),
  maxAttempts: 1000,
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
 * Lambda could not start the function yet. The account is at its limit of concurrent executions. Or the function was idle for weeks, so
 * Lambda removed its network interface and makes a new one, and invocations fail meanwhile.
 * 2 s, doubling up to 30 s: 2 + 4 + 8 + 16 + 8 x 30 = 270 s.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
 * https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 */
export const WHILE_LAMBDA_IS_NOT_READY: RetryProps = {
  errors: [
    'Lambda.TooManyRequestsException',
    'Lambda.ResourceNotReadyException',
    'Lambda.ResourceConflictException',
    'Lambda.ENINotReadyException',
    'Lambda.EC2ThrottledException',
    'Lambda.CodeArtifactUserPendingException',
  ],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.seconds(30),
  maxAttempts: 12,
};

/** How the two of Step Functions' integrations with DynamoDB spell it: the SDK's, which is used, and its own. */
export const CONDITION_FAILED = [
  'DynamoDb.ConditionalCheckFailedException',
  'DynamoDB.ConditionalCheckFailedException',
];

/** A condition that does not hold is an answer. */
export const ONCE_ONLY: RetryProps = { errors: CONDITION_FAILED, maxAttempts: 0 };

/**
 * An API of AWS does not answer, or is asked too often. 1 s, doubling up to 20 s: 1 + 2 + 4 + 8 + 16 + 5 x 20 = 131 s. A timeout is one that
 * the state was given, and no failure of AWS.
 */
export const WHILE_AWS_IS_AWAY: RetryProps = {
  errors: [Errors.TASKS_FAILED],
  interval: Duration.seconds(1),
  backoffRate: 2,
  maxDelay: Duration.seconds(20),
  maxAttempts: 10,
};

/** The same where a task's failure may be a person's answer. */
export const WHILE_DYNAMODB_IS_AWAY: RetryProps = {
  ...WHILE_AWS_IS_AWAY,
  errors: [
    'DynamoDb.ProvisionedThroughputExceededException',
    'DynamoDb.RequestLimitExceededException',
    'DynamoDb.ThrottlingException',
    'DynamoDb.InternalServerErrorException',
    // Whatever its model has no name for, as a status of 503.
    'DynamoDb.DynamoDbException',
    'DynamoDb.SdkClientException',
  ],
};

/** The same where a task's failure is that of the execution which it has started. */
export const WHILE_NO_EXECUTION_STARTS: RetryProps = {
  ...WHILE_AWS_IS_AWAY,
  errors: [
    'StepFunctions.ExecutionLimitExceededException',
    'StepFunctions.AWSStepFunctionsException',
    'StepFunctions.SdkClientException',
  ],
};
