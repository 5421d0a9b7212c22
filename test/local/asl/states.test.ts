import { describe, expect, it } from 'vitest';
import { EPOCH, INVOKE, invoke, result, run, virtualClock } from './harness.ts';
import { table } from './table.ts';

describe('a Pass state', () => {
  table([
    {
      title: 'hands its input on when it has no Output',
      states: { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', End: true } },
      input: [1],
      output: [1],
    },
    {
      title: 'assigns variables that later states read',
      states: {
        A: { Type: 'Pass', Assign: { x: '{% $states.input.a %}' }, Next: 'B' },
        B: result({ y: '{% $x + 1 %}' }),
      },
      input: { a: 1 },
      output: { y: 2 },
    },
    {
      title: 'evaluates Assign and Output against the variables as they were on entry',
      states: {
        A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: '{% $x + 10 %}', y: '{% $x %}' }, Output: '{% $x %}', Next: 'C' },
        C: result({ output: '{% $states.input %}', x: '{% $x %}', y: '{% $y %}' }),
      },
      output: { output: 1, x: 11, y: 1 },
    },
    {
      title: 'does not read in Output what it assigns itself',
      states: { A: { Type: 'Pass', Assign: { x: 1 }, Output: '{% $x %}', End: true } },
      error: 'States.QueryEvaluationError',
    },
    {
      title: 'evaluates expressions at any depth and leaves everything else as it is',
      states: {
        A: result({ list: [1, '{% 1 + 1 %}', { deep: '{% null %}' }], text: 'say {% 1 %} please', no: false }),
      },
      output: { list: [1, 2, { deep: null }], text: 'say {% 1 %} please', no: false },
    },
  ]);
});

describe('a Choice state', () => {
  const big = { Condition: '{% $states.input.n > 5 %}', Next: 'B' };
  const B = { Type: 'Pass', End: true };
  table([
    {
      title: "follows the first rule that holds, with that rule's Assign and Output",
      states: {
        A: {
          Type: 'Choice',
          Choices: [
            { ...big, Assign: { big: true }, Output: { n: '{% $states.input.n * 2 %}' } },
            { ...big, Output: 'second' },
          ],
          Output: 'state',
          Default: 'B',
        },
        B: result({ n: '{% $states.input.n %}', big: '{% $big %}' }),
      },
      input: { n: 6 },
      output: { n: 12, big: true },
    },
    {
      title: "follows Default, with the state's own Assign and Output, when no rule holds",
      states: {
        A: { Type: 'Choice', Choices: [{ ...big, Assign: { x: 1 } }], Default: 'B', Assign: { x: 2 }, Output: 'none' },
        B: result('{% $states.input & $string($x) %}'),
      },
      input: { n: 1 },
      output: 'none2',
    },
    {
      title: "keeps its input as output when the rule has no Output, whatever the state's own is",
      states: { A: { Type: 'Choice', Choices: [big], Output: 'state', Default: 'B' }, B },
      input: { n: 6 },
      output: { n: 6 },
    },
    {
      title: 'fails with States.Runtime when no rule holds and there is no Default',
      states: { A: { Type: 'Choice', Choices: [big] }, B },
      input: { n: 1 },
      error: 'States.Runtime',
    },
    {
      title: 'takes only true and false from a Condition',
      states: { A: { Type: 'Choice', Choices: [{ Condition: '{% 1 %}', Next: 'B' }], Default: 'B' }, B },
      error: 'States.QueryEvaluationError',
    },
  ]);
});

describe('Succeed and Fail states', () => {
  table([
    {
      title: 'Succeed ends the execution with its Output',
      states: { A: { Type: 'Succeed', Output: { k: '{% $states.input.a %}' } } },
      input: { a: 3 },
      output: { k: 3 },
    },
    {
      title: 'Fail ends it with evaluated Error and Cause',
      states: { A: { Type: 'Fail', Error: "{% 'E' & $states.input.n %}", Cause: "{% 'c' & $states.input.n %}" } },
      input: { n: 1 },
      error: 'E1',
      cause: 'c1',
    },
    { title: 'Fail may leave out both', states: { A: { Type: 'Fail' } }, error: '', cause: '' },
    {
      title: 'Fail takes only a string as its Error',
      states: { A: { Type: 'Fail', Error: '{% 1 %}' } },
      error: 'States.QueryEvaluationError',
    },
  ]);
});

describe('a Wait state', () => {
  it.each([
    ['a literal number of seconds', { Seconds: 5 }, 5_000],
    ['seconds from an expression', { Seconds: '{% $states.input.s %}' }, 3_000],
    ['until a timestamp', { Timestamp: '2025-01-01T00:01:00Z' }, 60_000],
    ['until a timestamp from an expression', { Timestamp: '{% $fromMillis($millis() + 7000) %}' }, 7_000],
    ['not at all for a timestamp gone by', { Timestamp: '2024-12-31T00:00:00Z' }, 0],
  ])('waits %s', async (_, fields, sleptMs) => {
    const clock = virtualClock();
    const ended = await run({ A: { Type: 'Wait', ...fields, Output: 'done', End: true } }, { s: 3 }, { clock });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
    expect(clock.sleeps).toEqual([sleptMs]);
    expect(clock.now() - EPOCH).toBe(sleptMs);
  });

  table([
    {
      title: 'refuses a negative number',
      states: { A: { Type: 'Wait', Seconds: '{% -1 %}', End: true } },
      error: 'States.QueryEvaluationError',
    },
    {
      title: 'refuses text that is no timestamp',
      states: { A: { Type: 'Wait', Timestamp: "{% 'soon' %}", End: true } },
      error: 'States.QueryEvaluationError',
    },
  ]);
});

describe('a Task state', () => {
  table([
    {
      title: 'gives its result to Output and Assign alike',
      states: {
        A: invoke(
          { echo: { k: '{% $states.input.k %}' } },
          { Assign: { kept: '{% $states.result.Payload.k %}' }, Output: '{% $states.result.Payload %}', Next: 'B' },
        ),
        B: result(['{% $states.input.k %}', '{% $kept %}']),
      },
      input: { k: 'v' },
      output: ['v', 'v'],
    },
    {
      title: 'has its result as output when it has no Output',
      states: { A: invoke({ echo: 1 }) },
      output: { Payload: 1 },
    },
    {
      title: 'takes its input as arguments when it has none, without evaluating what stands in it',
      states: { A: { Type: 'Task', Resource: INVOKE, Output: '{% $states.result.Payload %}', End: true } },
      input: { Payload: { echo: '{% 1 + 1 %}' } },
      output: '{% 1 + 1 %}',
    },
    {
      title: 'fails the execution under the name it threw',
      states: { A: invoke({ do: 'fail', error: 'MyError' }) },
      error: 'MyError',
    },
    {
      title: 'fails with States.Runtime, past every catcher, when what it threw is no ExecutionError',
      states: {
        A: invoke({ do: 'crash' }, { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }),
        B: result('hidden'),
      },
      error: 'States.Runtime',
      cause: 'the platform broke',
    },
  ]);

  it('takes its result as JSON', async () => {
    const tasks = { [INVOKE]: async () => ({ at: new Date(0), list: [undefined] }) };
    const ended = await run({ A: invoke(1) }, {}, { tasks });
    expect(ended).toMatchObject({ output: { at: '1970-01-01T00:00:00.000Z', list: [null] } });
  });

  it('hands the handler its arguments, the context object and a token of its own for each waiting attempt', async () => {
    const resource = `${INVOKE}.waitForTaskToken`;
    const tokens: unknown[] = [];
    const retry = [{ ErrorEquals: ['Again'], MaxAttempts: 1 }];
    const waiting = {
      Type: 'Task',
      Resource: resource,
      Arguments: '{% $states.context.Task.Token %}',
      Retry: retry,
      End: true,
    };
    const { ExecutionError } = await import('../../../local/asl/errors.ts');
    const ended = await run(
      { A: waiting },
      {},
      {
        tasks: {
          [resource]: async (args, { context }) => {
            tokens.push(args);
            expect(context.Task?.Token).toBe(args);
            expect(context.State.Name).toBe('A');
            if (tokens.length === 1) throw new ExecutionError('Again');
            return undefined;
          },
        },
      },
    );
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: null });
    expect(new Set(tokens).size).toBe(2);
  });
});

describe('the context object', () => {
  it('says which execution, state machine and state this is', async () => {
    const ended = await run(
      { A: { Type: 'Wait', Seconds: 2, Next: 'B' }, B: result('{% $states.context %}') },
      { q: 5 },
    );
    expect(ended).toMatchObject({
      output: {
        Execution: {
          Id: 'arn:aws:states:local:000000000000:execution:sample:run-1',
          Input: { q: 5 },
          Name: 'run-1',
          RoleArn: 'arn:aws:iam::000000000000:role/sample',
          RedriveCount: 0,
          StartTime: '2025-01-01T00:00:00.000Z',
        },
        StateMachine: { Id: 'arn:aws:states:local:000000000000:stateMachine:sample', Name: 'sample' },
        State: { Name: 'B', EnteredTime: '2025-01-01T00:00:02.000Z' },
      },
    });
  });
});

describe('the payload quota of 256 KiB', () => {
  const fits = 'x'.repeat(256 * 1024 - 2);
  const tooLong = `${fits}x`;
  const all = [{ ErrorEquals: ['States.ALL'], Next: 'C' }];
  const named = [{ ErrorEquals: ['States.DataLimitExceeded'], Next: 'C' }];
  table([
    {
      title: 'lets a payload of exactly that size pass',
      states: { A: { Type: 'Pass', End: true } },
      input: fits,
      output: fits,
    },
    {
      title: 'ends an execution whose input is longer',
      states: { A: { Type: 'Pass', Output: 1, End: true } },
      input: tooLong,
      error: 'States.DataLimitExceeded',
    },
    {
      title: 'counts bytes of UTF-8, not characters',
      states: { A: result('{% $states.input & $states.input %}') },
      input: 'é'.repeat(70_000),
      error: 'States.DataLimitExceeded',
    },
    {
      title: "holds for a state's output",
      states: { A: result("{% $states.input & 'y' %}") },
      input: fits,
      error: 'States.DataLimitExceeded',
    },
    {
      title: "holds for a task's result, which States.ALL catches",
      states: { A: invoke({ do: 'grow', length: 300_000 }, { Output: 1, Catch: all }), C: result('caught') },
      input: fits,
      output: 'caught',
    },
    {
      title: "holds for a task's arguments",
      states: { A: invoke({ echo: '{% $states.input %}' }, { Output: 1 }) },
      input: fits,
      error: 'States.DataLimitExceeded',
      cause: "Arguments of the state 'A': 262184 bytes of JSON, over the limit of 262144.",
    },
    {
      title: 'can be caught by its own name',
      states: { A: invoke({ do: 'grow', length: 300_000 }, { Output: 1, Catch: named }), C: result('caught') },
      input: fits,
      output: 'caught',
    },
  ]);
});
