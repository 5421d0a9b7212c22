import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import { RUNBOOKS } from '../../lib/workflows/registry.ts';
import { checkDefinition } from '../../local/asl/definition.ts';
import type { State, TaskState } from '../../local/asl/types.ts';
import { INVOKE } from '../local/asl/harness.ts';
import { FLEET, functionOf, resourcesOf, spaceReclaim, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = spaceReclaim(stacks);
const states = Object.entries(definition.States);
const tasks = states.filter((entry): entry is [string, TaskState] => entry[1].Type === 'Task');
const ERROR_STATE = 'Stop with the error';

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors, all of them */
const INVOKE_ERRORS = [
  'CodeArtifactUserDeletedException',
  'CodeArtifactUserFailedException',
  'CodeArtifactUserPendingException',
  'DurableExecutionAlreadyStartedException',
  'EC2AccessDeniedException',
  'EC2ThrottledException',
  'EC2UnexpectedException',
  'EFSIOException',
  'EFSMountConnectivityException',
  'EFSMountFailureException',
  'EFSMountTimeoutException',
  'ENILimitReachedException',
  'ENINotReadyException',
  'InvalidParameterValueException',
  'InvalidRequestContentException',
  'InvalidRuntimeException',
  'InvalidSecurityGroupIDException',
  'InvalidSubnetIDException',
  'InvalidZipFileException',
  'KMSAccessDeniedException',
  'KMSDisabledException',
  'KMSInvalidStateException',
  'KMSNotFoundException',
  'ModeNotSupportedException',
  'NoPublishedVersionException',
  'RecursiveInvocationException',
  'RequestTooLargeException',
  'ResourceConflictException',
  'ResourceNotFoundException',
  'ResourceNotReadyException',
  'S3FilesMountConnectivityException',
  'S3FilesMountFailureException',
  'S3FilesMountTimeoutException',
  'SerializedRequestEntityTooLargeException',
  'ServiceException',
  'ServiceQuotaExceededException',
  'SnapStartException',
  'SnapStartNotReadyException',
  'SnapStartRegenerationFailureException',
  'SnapStartTimeoutException',
  'SubnetIPAddressLimitReachedException',
  'TooManyRequestsException',
  'UnsupportedMediaTypeException',
];

const AWS_ERROR_NAMES = [
  ...INVOKE_ERRORS.map((name) => `Lambda.${name}`),
  // https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html and Lambda's own runtime errors
  'States.ALL',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
];

/**
 * What an invocation may end with while Lambda makes the network interface of an idle function anew, in the words of AWS:
 * "the function is inactive and its VPC connection is no longer available", "the elastic network interface isn't ready yet",
 * "Amazon EC2 throttled AWS Lambda during function initialization", and "the function is currently in the following state:
 * Pending", which is a conflict.
 * https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 * https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
 */
const WHILE_AN_INTERFACE_IS_MADE = [
  'Lambda.ResourceNotReadyException',
  'Lambda.ENINotReadyException',
  'Lambda.EC2ThrottledException',
  'Lambda.ResourceConflictException',
];

/** How long the first retrier that knows the error waits in all, in seconds, before it gives up. */
function secondsOfRetries({ Retry = [] }: TaskState, error: string): number {
  const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error));
  if (!retrier) return 0;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity, MaxAttempts = 3 } = retrier;
  let seconds = 0;
  for (let retry = 0; retry < MaxAttempts; retry++) {
    seconds += Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds);
  }
  return seconds;
}

function successors(state: State): string[] {
  if (state.Type === 'Choice')
    return [...state.Choices.map(({ Next }) => Next), ...(state.Default ? [state.Default] : [])];
  return 'Next' in state && state.Next ? [state.Next] : [];
}

describe('the definition', () => {
  it('is valid Amazon States Language', () => {
    // The validator writes into what it is given.
    const { isValid, errorsText } = validate(structuredClone(definition));
    expect(isValid, errorsText('\n')).toBe(true);
  });

  it('is one that the embedded runner implements as a whole', () => {
    expect(() => checkDefinition(definition, [INVOKE])).not.toThrow();
  });

  it('is written in JSONata throughout', () => {
    expect(definition.QueryLanguage).toBe('JSONata');
    for (const [name, state] of states) expect(['JSONata', undefined], name).toContain(Object(state).QueryLanguage);
  });

  it('is the one that the registry names for its incident', () => {
    const registered = Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName);
    expect(Object.keys(stacks.stateMachines)).toEqual(registered);
  });

  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(Object.fromEntries(states.map(([name, state]) => [name, successors(state)]))).toEqual({
      'Load cluster': ['Assess space'],
      'Assess space': ['Is there anything to reclaim?'],
      'Is there anything to reclaim?': ['Nothing to do', 'Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Compact history'],
      'Compact history': ['Choose next member'],
      'Choose next member': ['What comes next?'],
      'What comes next?': ['Move leadership', 'Defragment member', 'Disarm alarms'],
      'Move leadership': ['Choose next member'],
      'Defragment member': ['Choose next member'],
      'Disarm alarms': ['Prove writes on every member'],
      'Prove writes on every member': ['Space reclaimed'],
      'Nothing to do': [],
      Planned: [],
      'Space reclaimed': [],
      [ERROR_STATE]: [],
    });
  });

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess space', 'assess-space'],
    ['Compact history', 'compact-history'],
    ['Choose next member', 'choose-next-member'],
    ['Move leadership', 'move-leadership'],
    ['Defragment member', 'defragment-member'],
    ['Disarm alarms', 'disarm-alarms'],
    ['Prove writes on every member', 'prove-writes'],
  ])('runs in the state "%s" the step %s', (name, step) => {
    const [logicalId] = functionOf(stacks.platform, step);
    const { Arguments } = definition.States[name] as TaskState;
    expect(Arguments).toMatchObject({ FunctionName: expect.stringMatching(new RegExp(`:function:${logicalId}$`)) });
  });

  it('ends nowhere but in a Succeed with an outcome or in the Fail', () => {
    const ends = states.filter(([, state]) => successors(state).length === 0);
    expect(ends.map(([name, { Type }]) => [name, Type])).toEqual(
      expect.arrayContaining([
        ['Nothing to do', 'Succeed'],
        ['Planned', 'Succeed'],
        ['Space reclaimed', 'Succeed'],
        [ERROR_STATE, 'Fail'],
      ]),
    );
    expect(ends).toHaveLength(4);
    for (const [name, state] of ends) {
      if (state.Type === 'Succeed') expect(state.Output, name).toHaveProperty('outcome');
    }
    for (const [name, state] of states) expect(state, name).not.toHaveProperty('End');
  });

  it('ends by itself after four hours, longer than seven members take at their slowest, twice each', () => {
    const [, { Timeout }] = functionOf(stacks.platform, 'defragment-member');
    expect(definition.TimeoutSeconds).toBe(4 * 3600);
    expect(definition.TimeoutSeconds).toBeGreaterThan(2 * 7 * Timeout);
  });
});

describe('every state that runs a step', () => {
  it.each(tasks)(
    '%s waits while etcd settles, AWS does not answer or Lambda is not ready, and runs the step again when Lambda dies',
    (_, { Retry }) => {
      expect(Retry).toContainEqual({
        ErrorEquals: ['EtcdUnavailable', 'AwsUnavailable'],
        IntervalSeconds: 2,
        BackoffRate: 1.5,
        MaxDelaySeconds: 20,
        MaxAttempts: 12,
      });
      expect(Retry).toContainEqual({
        ErrorEquals: ['Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown'],
        IntervalSeconds: 1,
        BackoffRate: 2,
        MaxAttempts: 2,
      });
      expect(Retry).toContainEqual({
        ErrorEquals: [
          'Lambda.TooManyRequestsException',
          'Lambda.ResourceNotReadyException',
          'Lambda.ResourceConflictException',
          'Lambda.ENINotReadyException',
          'Lambda.EC2ThrottledException',
          'Lambda.CodeArtifactUserPendingException',
        ],
        IntervalSeconds: 2,
        BackoffRate: 2,
        MaxDelaySeconds: 30,
        MaxAttempts: 12,
      });
    },
  );

  it.each(tasks)("%s waits for minutes while Lambda makes an idle function's network interface anew", (_, state) => {
    for (const name of WHILE_AN_INTERFACE_IS_MADE) {
      // Lambda takes about a minute, so that three leave room.
      expect(secondsOfRetries(state, name), name).toBeGreaterThanOrEqual(3 * 60);
    }
  });

  it.each(tasks)('%s names no error in two retriers', (_, { Retry = [] }) => {
    const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
    expect(new Set(retried).size).toBe(retried.length);
  });

  it.each(tasks)('%s leaves no error uncaught', (_, { Catch }) => {
    expect(Catch?.map(({ ErrorEquals, Next }) => [ErrorEquals, Next])).toEqual([[['States.ALL'], ERROR_STATE]]);
  });

  it.each(tasks)('%s handles only errors that exist', (_, { Retry = [], Catch = [] }) => {
    const known = [...Object.values<string>(ERROR_NAMES), ...AWS_ERROR_NAMES];
    for (const name of [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals)) expect(known).toContain(name);
  });

  it.each(tasks)('%s never retries what a second try cannot cure', (_, { Retry = [] }) => {
    const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
    const final = [
      ...['States.ALL', 'States.TaskFailed', 'UnsafeToProceed', 'PreconditionFailed', 'InvalidInput'],
      ...['VerificationFailed', 'Lambda.ResourceNotFoundException', 'Lambda.InvalidSubnetIDException'],
      ...[
        'Lambda.InvalidSecurityGroupIDException',
        'Lambda.EC2AccessDeniedException',
        'Lambda.KMSAccessDeniedException',
      ],
    ];
    for (const name of final) expect(retried).not.toContain(name);
  });
});

describe('the state machine', () => {
  it('traces, and logs every event into a log group that is kept for half a year, also when the stack goes', () => {
    const [machine] = Object.values(resourcesOf(stacks.platform, 'AWS::StepFunctions::StateMachine'));
    expect(machine?.Properties).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    const [destination] = machine?.Properties.LoggingConfiguration.Destinations ?? [];
    const [logGroup] = destination.CloudWatchLogsLogGroup.LogGroupArn['Fn::GetAtt'];
    const resource = resourcesOf(stacks.platform, 'AWS::Logs::LogGroup')[logGroup];
    expect(resource).toMatchObject({
      Properties: { RetentionInDays: 180 },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    // A second deployment after the stack has gone would meet a group of a fixed name that is still there.
    expect(resource?.Properties).not.toHaveProperty('LogGroupName');
  });
});
