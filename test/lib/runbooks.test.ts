import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import { STILL_RUNNING } from '../../core/hosts/run-host-commands.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { checkDefinition } from '../../local/asl/definition.ts';
import {
  ASK,
  callsOfAws,
  catchers,
  RESOURCES,
  RUN,
  reachableFrom,
  START,
  secondsOfRetries,
  statesOf,
  successors,
  tasksOf,
} from './definitions.ts';
import { AWS_ERROR_NAMES, WHILE_AN_INTERFACE_IS_MADE } from './lambda-errors.ts';
import { payloadOf } from './runbook-definition.ts';
import {
  BACKUP,
  CHECK,
  definitionOf,
  ENTRY,
  FLEET,
  GUARD,
  PAGER,
  REHEARSAL,
  RELEASE,
  resourcesOf,
  stateMachineOf,
  synthesizeStacks,
} from './stacks.ts';

/** What holds for every state machine: for the runbooks, for the entry workflow, and for those that rules start. */

const stacks = synthesizeStacks(FLEET);
const NAMES = [
  ...Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName),
  ENTRY,
  GUARD,
  RELEASE,
  CHECK,
  BACKUP,
  REHEARSAL,
  PAGER,
];

const OUTCOME =
  /^(NothingToDo|AlreadyInProgress|Planned|Remediated|BackedUp|Passed|Postponed|NotDue|\{% \$states\.input\.outcome %\}|\{% \$[a-z.]+ \? 'Remediated' : 'NothingToDo' %\})$/;
/** Words with blanks between them; a question has its mark. */
const SENTENCE = /^[A-Z][a-z]*:?( [a-z]+:?)* [a-z]+\??$|^Run [a-z-]+$|^(Planned|Remediated)$/;

it('the state machines are the ones that the registry names, the entry workflow, the guard, what gives locks back, the check, the backup, its rehearsal, and the pager', () => {
  expect(Object.keys(stacks.stateMachines).toSorted()).toEqual(NAMES.toSorted());
});

describe.each(NAMES)('the definition of %s', (stateMachineName) => {
  const definition = definitionOf(stacks, stateMachineName);
  const states = statesOf(definition);

  it('is valid Amazon States Language', () => {
    // A copy, for the validator writes into what it is given; and it takes no empty text in Assign, where any JSON may be:
    // https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    const copy = JSON.parse(JSON.stringify(definition), (_, value) => (value === '' ? 'empty' : value));
    const { isValid, errorsText } = validate(copy);
    expect(isValid, errorsText('\n')).toBe(true);
  });

  it('is one that the embedded runner implements as a whole', () => {
    expect(() => checkDefinition(definition, RESOURCES)).not.toThrow();
  });

  it('is written in JSONata throughout', () => {
    expect(definition.QueryLanguage).toBe('JSONata');
    for (const { name, state } of states) {
      expect(['JSONata', undefined], name).toContain(Object(state).QueryLanguage);
    }
  });

  it('names each state by a sentence of at most 80 characters, once, and each choice by a question', () => {
    const names = states.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, state } of states) {
      expect(name).toMatch(SENTENCE);
      // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
      expect(name.length, name).toBeLessThanOrEqual(80);
      if (state.Type === 'Choice') expect(name).toMatch(/\?$/);
    }
  });

  it('reaches every state, and from every state an end', () => {
    const names = states.map(({ name }) => name);
    const next = new Map(states.map(({ name, state }) => [name, [...successors(state), ...catchers(state)]]));
    const reached = reachableFrom([definition.StartAt], (name) => next.get(name) ?? []);
    expect(names.filter((name) => !reached.has(name))).toEqual([]);
    const ends = names.filter((name) => next.get(name)?.length === 0);
    const ending = reachableFrom(ends, (end) => names.filter((name) => next.get(name)?.includes(end)));
    expect(names.filter((name) => !ending.has(name))).toEqual([]);
  });

  it('ends nowhere but in a Succeed with an outcome or in a Fail with an error', () => {
    for (const { name, state } of states.filter(({ state }) => successors(state).length === 0)) {
      if (state.Type === 'Succeed') {
        expect(state.Output, name).toHaveProperty('outcome', expect.stringMatching(OUTCOME));
      } else {
        const errors = ['{% $states.input.error %}', '{% $ended.outcome %}', ...Object.values(ERROR_NAMES)];
        expect(state, name).toMatchObject({ Type: 'Fail', Cause: expect.any(String) });
        expect(errors, name).toContain(Object(state).Error);
      }
    }
  });

  it('goes on the same way however it was called: no state but a Fail forgets to say what comes next', () => {
    for (const { name, state } of states) {
      if (['Choice', 'Succeed', 'Fail'].includes(state.Type)) continue;
      expect(successors(state), name).toHaveLength(1);
    }
  });

  describe('in every state that calls AWS', () => {
    const calls = callsOfAws(definition).map((task) => [task.name, task.state] as const);

    it('there is no answer but what the entry workflow, what gives locks back and a rehearsal ask for', () => {
      expect(calls.length > 0).toBe([ENTRY, RELEASE, REHEARSAL].includes(stateMachineName));
    });

    it.each(calls)('%s waits for two minutes while AWS does not answer', (_, { Resource, Retry = [] }) => {
      // What such a task fails with may be a person's answer, or a runbook's own error: only what AWS says itself is waited out.
      const errors: Record<string, string[]> = {
        [ASK]: [
          ...['DynamoDb.ThrottlingException', 'DynamoDb.InternalServerErrorException'],
          ...['DynamoDb.DynamoDbException', 'DynamoDb.SdkClientException'],
        ],
        [RUN]: ['StepFunctions.ExecutionLimitExceededException', 'StepFunctions.SdkClientException'],
        [START]: ['StepFunctions.ExecutionLimitExceededException', 'StepFunctions.SdkClientException'],
      };
      for (const name of errors[Resource] ?? ['States.TaskFailed']) {
        expect(secondsOfRetries(Retry, name), name).toBe(131);
      }
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried).not.toContain('States.ALL');
      if (Resource in errors) expect(retried).not.toContain('States.TaskFailed');
    });

    const conditional = calls.filter(([, { Arguments }]) => Object(Arguments).ConditionExpression);
    it.each(conditional)('%s takes a condition that does not hold for an answer, at once', (_, { Retry = [] }) => {
      expect(Retry[0]?.ErrorEquals).toContain('DynamoDb.ConditionalCheckFailedException');
      expect(Retry[0]?.MaxAttempts).toBe(0);
    });

    it.each(calls)('%s leaves no error uncaught', (_, { Catch = [] }) => {
      expect(Catch.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
    });
  });

  describe('in every state that runs a step', () => {
    const tasks = tasksOf(definition).map((task) => [task.name, task] as const);
    // What is only for the report is tried once: test/lib/space-reclaim.test.ts.
    const needed = tasks.filter(([name]) => name !== 'Count keys');

    it('there is one, but where a lock is given back, or a page sent on', () => {
      expect(tasks.length > 0).toBe(![RELEASE, PAGER].includes(stateMachineName));
    });

    it.each(needed)(
      '%s waits while etcd settles, AWS does not answer or Lambda is not ready, runs the step again when Lambda dies, and asks on while commands run',
      (name, { state }) => {
        const { Retry } = state;
        // Each try may take a quarter of an hour.
        const isLong = name === 'Copy database on host';
        const isPhase = 'commands' in payloadOf(state);
        const [ofCdk, ...ours] = Retry ?? [];
        expect(ofCdk?.ErrorEquals).toContain('Lambda.ServiceException');
        expect(ours).toEqual([
          {
            ErrorEquals: ['EtcdUnavailable', 'AwsUnavailable'],
            ...(isLong
              ? { IntervalSeconds: 30, MaxAttempts: 1 }
              : { IntervalSeconds: 2, BackoffRate: 1.5, MaxDelaySeconds: 20, MaxAttempts: 12 }),
          },
          {
            ErrorEquals: ['Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown'],
            IntervalSeconds: 1,
            BackoffRate: 2,
            MaxAttempts: 2,
          },
          {
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
          },
          ...(isPhase
            ? [
                {
                  ErrorEquals: ['HostCommandRunning'],
                  IntervalSeconds: 5,
                  BackoffRate: 1.2,
                  MaxDelaySeconds: 60,
                  MaxAttempts: 1000,
                },
              ]
            : []),
        ]);
      },
    );

    it.each(needed)(
      "%s waits for minutes while Lambda makes an idle function's network interface anew",
      (_, { state }) => {
        for (const name of WHILE_AN_INTERFACE_IS_MADE) {
          // Lambda takes about a minute, so that three leave room.
          expect(secondsOfRetries(state.Retry ?? [], name), name).toBeGreaterThanOrEqual(3 * 60);
        }
      },
    );

    it.each(tasks)('%s leaves no error uncaught', (_, { state: { Catch = [] } }) => {
      expect(Catch.map(({ ErrorEquals }) => ErrorEquals)).toEqual([['States.ALL']]);
    });

    const phases = tasks.filter(([, { state }]) => 'commands' in payloadOf(state));
    it.each(phases)('%s is asked on for longer than the execution may take', (_, { state: { Retry = [] } }) => {
      expect(secondsOfRetries(Retry, STILL_RUNNING)).toBeGreaterThan(definition.TimeoutSeconds ?? 0);
    });

    it.each(tasks)('%s names no error in two retriers', (_, { state: { Retry = [] } }) => {
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(new Set(retried).size).toBe(retried.length);
    });

    it.each(tasks)('%s handles only errors that exist', (_, { state: { Retry = [], Catch = [] } }) => {
      const known = [...Object.values<string>(ERROR_NAMES), STILL_RUNNING, ...AWS_ERROR_NAMES];
      for (const name of [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals)) expect(known).toContain(name);
    });

    it.each(tasks)('%s never retries what a second try cannot cure', (_, { state: { Retry = [] } }) => {
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      const final = [
        ...['States.ALL', 'States.TaskFailed', 'UnsafeToProceed', 'PreconditionFailed', 'InvalidInput'],
        ...['VerificationFailed', 'HostCommandFailed', 'HostUnreachable'],
        ...['Lambda.ResourceNotFoundException', 'Lambda.InvalidSubnetIDException'],
        ...[
          'Lambda.InvalidSecurityGroupIDException',
          'Lambda.EC2AccessDeniedException',
          'Lambda.KMSAccessDeniedException',
        ],
      ];
      for (const name of final) expect(retried).not.toContain(name);
    });
  });

  it('is traced, and logs every event into the log of all workflows, which is kept for half a year, also when the stack goes', () => {
    const { Properties } = stateMachineOf(stacks.platform, stateMachineName);
    expect(Properties).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    const [destination] = Properties.LoggingConfiguration.Destinations;
    const [logGroup] = destination.CloudWatchLogsLogGroup.LogGroupArn['Fn::GetAtt'];
    const resource = resourcesOf(stacks.platform, 'AWS::Logs::LogGroup')[logGroup];
    expect(resource).toMatchObject({
      Properties: { RetentionInDays: 180 },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    // A second deployment after the stack has gone would meet a group of a fixed name that is still there.
    const stackId = { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] };
    expect(resource?.Properties.LogGroupName).toEqual({
      'Fn::Join': ['', ['/aws/vendedlogs/states/etcd-remediation-workflows-', stackId]],
    });
  });
});
