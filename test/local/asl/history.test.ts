import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { countStateTransitions } from '../../../report/state-transitions.ts';
import { chain, INVOKE, invoke, result, run } from './harness.ts';

/** Each event as `id < previous: type`. */
function outline(history: HistoryEvent[]) {
  return history.map(({ id, previousEventId, type }) => `${id} < ${previousEventId}: ${type}`);
}

const lambda = { resourceType: 'lambda', resource: 'invoke' };
const untruncated = { truncated: false };

describe('the history of an execution', () => {
  it('has the events and details of GetExecutionHistory for a task that succeeds', async () => {
    const { history } = await run(
      { A: invoke({ echo: 1 }, { TimeoutSeconds: 9, Assign: { x: [1] }, Output: { y: 2 } }) },
      { in: true },
    );
    const timestamp = new Date('2025-01-01T00:00:00.000Z');
    const input = { input: '{"in":true}', inputDetails: untruncated };
    const output = { output: '{"y":2}', outputDetails: untruncated };
    expect(history).toEqual([
      { timestamp, id: 1, previousEventId: 0, type: 'ExecutionStarted', executionStartedEventDetails: input },
      {
        timestamp,
        id: 2,
        previousEventId: 0,
        type: 'TaskStateEntered',
        stateEnteredEventDetails: { name: 'A', ...input },
      },
      {
        timestamp,
        id: 3,
        previousEventId: 2,
        type: 'TaskScheduled',
        taskScheduledEventDetails: {
          ...lambda,
          region: 'local',
          parameters: '{"FunctionName":"f","Payload":{"echo":1}}',
          timeoutInSeconds: 9,
        },
      },
      { timestamp, id: 4, previousEventId: 3, type: 'TaskStarted', taskStartedEventDetails: lambda },
      {
        timestamp,
        id: 5,
        previousEventId: 4,
        type: 'TaskSucceeded',
        taskSucceededEventDetails: { ...lambda, output: '{"Payload":1}', outputDetails: untruncated },
      },
      {
        timestamp,
        id: 6,
        previousEventId: 5,
        type: 'TaskStateExited',
        stateExitedEventDetails: {
          name: 'A',
          ...output,
          assignedVariables: { x: '[1]' },
          assignedVariablesDetails: untruncated,
        },
      },
      { timestamp, id: 7, previousEventId: 6, type: 'ExecutionSucceeded', executionSucceededEventDetails: output },
    ]);
  });

  it('shows a retry as the task scheduled again, and the end with its error', async () => {
    const Retry = [{ ErrorEquals: ['E'], MaxAttempts: 1 }];
    const { history } = await run({ A: invoke({ do: 'fail', error: 'E', message: 'm' }, { Retry }) });
    expect(outline(history)).toEqual([
      '1 < 0: ExecutionStarted',
      '2 < 0: TaskStateEntered',
      '3 < 2: TaskScheduled',
      '4 < 3: TaskStarted',
      '5 < 4: TaskFailed',
      '6 < 5: TaskScheduled',
      '7 < 6: TaskStarted',
      '8 < 7: TaskFailed',
      '9 < 8: ExecutionFailed',
    ]);
    expect(history[4]?.taskFailedEventDetails).toEqual({ ...lambda, error: 'E', cause: '{"errorMessage":"m"}' });
    expect(history[8]?.executionFailedEventDetails).toEqual({ error: 'E', cause: '{"errorMessage":"m"}' });
    expect(history[8]?.timestamp).toEqual(new Date('2025-01-01T00:00:01.000Z'));
  });

  it('shows a timeout as TaskTimedOut, without a cause', async () => {
    const { history } = await run({ A: invoke({ do: 'hang' }, { TimeoutSeconds: 5 }) });
    expect(outline(history).slice(3)).toEqual(['4 < 3: TaskStarted', '5 < 4: TaskTimedOut', '6 < 5: ExecutionFailed']);
    expect(history[4]?.taskTimedOutEventDetails).toEqual({ ...lambda, error: 'States.Timeout' });
  });

  it('follows each iteration of a Map on its own', async () => {
    const A = {
      Type: 'Map',
      Items: [1, 2],
      MaxConcurrency: 1,
      ItemProcessor: chain({ B: { Type: 'Pass', End: true } }),
      End: true,
    };
    const { history } = await run({ A });
    expect(outline(history)).toEqual([
      '1 < 0: ExecutionStarted',
      '2 < 0: MapStateEntered',
      '3 < 2: MapStateStarted',
      '4 < 3: MapIterationStarted',
      '5 < 4: PassStateEntered',
      '6 < 5: PassStateExited',
      '7 < 6: MapIterationSucceeded',
      '8 < 3: MapIterationStarted',
      '9 < 8: PassStateEntered',
      '10 < 9: PassStateExited',
      '11 < 10: MapIterationSucceeded',
      '12 < 11: MapStateSucceeded',
      '13 < 11: MapStateExited',
      '14 < 13: ExecutionSucceeded',
    ]);
    expect(history[2]?.mapStateStartedEventDetails).toEqual({ length: 2 });
    expect(history[7]?.mapIterationStartedEventDetails).toEqual({ name: 'A', index: 1 });
  });

  it('follows each branch of a Parallel on its own', async () => {
    const Branches = [chain({ B: { Type: 'Wait', Seconds: 1, End: true } }), chain({ C: { Type: 'Succeed' } })];
    const { history } = await run({ A: { Type: 'Parallel', Branches, End: true } });
    expect(outline(history)).toEqual([
      '1 < 0: ExecutionStarted',
      '2 < 0: ParallelStateEntered',
      '3 < 2: ParallelStateStarted',
      '4 < 3: WaitStateEntered',
      '5 < 3: SucceedStateEntered',
      '6 < 5: SucceedStateExited',
      '7 < 4: WaitStateExited',
      '8 < 7: ParallelStateSucceeded',
      '9 < 7: ParallelStateExited',
      '10 < 9: ExecutionSucceeded',
    ]);
  });

  it('names the field and the state of an expression that failed', async () => {
    const { history } = await run({ A: result({ a: '{% $no %}' }) });
    expect(outline(history)).toEqual([
      '1 < 0: ExecutionStarted',
      '2 < 0: PassStateEntered',
      '3 < 2: EvaluationFailed',
      '4 < 3: ExecutionFailed',
    ]);
    expect(history[2]?.evaluationFailedEventDetails).toMatchObject({
      error: 'States.QueryEvaluationError',
      location: 'Output/a',
      state: 'A',
    });
  });

  it('has no exit for a Fail state, and leaves out what it did not say', async () => {
    const { history } = await run({ A: { Type: 'Fail', Error: 'E' } });
    expect(outline(history)).toEqual(['1 < 0: ExecutionStarted', '2 < 0: FailStateEntered', '3 < 2: ExecutionFailed']);
    expect(history[2]?.executionFailedEventDetails).toEqual({ error: 'E' });
  });

  it.each([
    ['arn:aws:states:::lambda:invoke', 'lambda', 'invoke'],
    ['arn:aws:states:::lambda:invoke.waitForTaskToken', 'lambda', 'invoke.waitForTaskToken'],
    ['arn:aws:states:::states:startExecution.sync:2', 'states', 'startExecution.sync:2'],
    ['arn:aws:states:::aws-sdk:dynamodb:putItem', 'aws-sdk:dynamodb', 'putItem'],
  ])('splits the resource %s', async (Resource, resourceType, resource) => {
    const { history } = await run(
      { A: { Type: 'Task', Resource, End: true } },
      {},
      { tasks: { [Resource]: async () => 1 } },
    );
    expect(history[3]?.taskStartedEventDetails).toEqual({ resourceType, resource });
  });

  it('tells a listener of each event when it happens', async () => {
    const live: (string | undefined)[] = [];
    const tasks = { [INVOKE]: async () => live.push('in the task') };
    const { history } = await run({ A: invoke(1) }, {}, { tasks, onEvent: ({ type }) => live.push(type) });
    const types: (string | undefined)[] = history.map(({ type }) => type);
    expect(live).toEqual(types.toSpliced(4, 0, 'in the task'));
  });
});

describe('state transitions', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['are the states entered', { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Succeed' } }, 2],
    [
      'include each retry',
      { A: invoke({ do: 'failTimes', errors: ['E', 'E'] }, { Retry: [{ ErrorEquals: ['E'] }] }) },
      3,
    ],
    [
      'include the states of every iteration',
      { A: { Type: 'Map', Items: [1, 2], ItemProcessor: chain({ B: { Type: 'Succeed' } }), End: true } },
      3,
    ],
    [
      'include the retry of a Parallel, with its states',
      {
        A: {
          Type: 'Parallel',
          Branches: [chain({ B: invoke({ do: 'failTimes', errors: ['E'] }) })],
          Retry: [{ ErrorEquals: ['E'] }],
          End: true,
        },
      },
      4,
    ],
  ])('%s', async (_, states, transitions) => {
    const { history } = await run(states);
    expect(countStateTransitions(history)).toBe(transitions);
  });
});
