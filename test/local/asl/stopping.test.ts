import { describe, expect, it } from 'vitest';
import { runTogether } from '../../../local/asl/concurrency.ts';
import { ExecutionError } from '../../../local/asl/errors.ts';
import { chain, EPOCH, INVOKE, invoke, machine, result, run, virtualClock } from './harness.ts';

const catchAll = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }] };
const C = result('caught');

describe('a task that outlasts its TimeoutSeconds', () => {
  it.each([
    ['literal', 3],
    ['an expression', '{% $states.input.s %}'],
  ])('fails with States.Timeout (%s)', async (_, TimeoutSeconds) => {
    const clock = virtualClock();
    const ended = await run({ A: invoke({ do: 'hang' }, { TimeoutSeconds }) }, { s: 3 }, { clock });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(clock.now() - EPOCH).toBe(3000);
  });

  it('can be caught, and retried, each attempt with the full time', async () => {
    const clock = virtualClock();
    const A = invoke(
      { do: 'hang' },
      { TimeoutSeconds: 2, Retry: [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }], ...catchAll },
    );
    expect(await run({ A, C }, {}, { clock })).toMatchObject({ output: 'caught' });
    expect(clock.now() - EPOCH).toBe(2000 + 1000 + 2000);
  });

  it('is told through its signal', async () => {
    let reason: unknown;
    const tasks = {
      [INVOKE]: (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise(() =>
          signal.addEventListener('abort', () => {
            reason = signal.reason;
          }),
        ),
    };
    await run({ A: invoke(1, { TimeoutSeconds: 1 }) }, {}, { tasks });
    expect(reason).toMatchObject({ error: 'States.Timeout' });
  });

  it('leaves one in time alone', async () => {
    const clock = virtualClock();
    const ended = await run(
      { A: invoke({ do: 'sleep', ms: 999 }, { TimeoutSeconds: 1, Output: '{% $states.result.Payload %}' }) },
      {},
      { clock },
    );
    expect(ended).toMatchObject({ output: 'slept' });
    expect(clock.now() - EPOCH).toBe(999);
    expect(clock.pending()).toBe(0);
  });
});

describe('an execution that outlasts the TimeoutSeconds of its machine', () => {
  it.each([
    ['in a task', invoke({ do: 'hang' }, catchAll)],
    ['in a wait', { Type: 'Wait', Seconds: 3600, End: true }],
    [
      'in a retry',
      invoke({ do: 'fail', error: 'E' }, { Retry: [{ ErrorEquals: ['E'], IntervalSeconds: 3600 }], ...catchAll }),
    ],
    [
      'in an iteration',
      { Type: 'Map', Items: [1, 2], ItemProcessor: chain({ B: invoke({ do: 'hang' }) }), End: true, ...catchAll },
    ],
  ])('is TIMED_OUT, past every catcher (%s)', async (_, A) => {
    const clock = virtualClock();
    const definition = machine({ A, C }, { TimeoutSeconds: 10 });
    const ended = await run({}, {}, { definition, clock });
    expect(ended).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(ended.history.at(-1)).toMatchObject({ type: 'ExecutionTimedOut' });
    expect(ended.history.filter(({ type }) => type?.endsWith('Exited'))).toEqual([]);
    expect(clock.now() - EPOCH).toBe(10_000);
  });

  it('leaves no timer behind when it ended before', async () => {
    const clock = virtualClock();
    await run({}, {}, { definition: machine({ A: result(1) }, { TimeoutSeconds: 10 }), clock });
    expect(clock.pending()).toBe(0);
  });
});

describe('an execution that is stopped', () => {
  it('is ABORTED with the error and cause of the reason, past every retrier and catcher', async () => {
    const stop = new AbortController();
    const clock = virtualClock();
    const A = invoke({ do: 'hang' }, { Retry: [{ ErrorEquals: ['States.ALL'] }], ...catchAll });
    const ended = run({ A, C }, {}, { clock, signal: stop.signal });
    await clock.sleep(5, new AbortController().signal);
    stop.abort(new ExecutionError('Stopped', 'by hand'));
    expect(await ended).toMatchObject({ status: 'ABORTED', error: 'Stopped', cause: 'by hand' });
    expect((await ended).history.slice(-2)).toMatchObject([
      { type: 'TaskStateAborted' },
      { type: 'ExecutionAborted', executionAbortedEventDetails: { error: 'Stopped', cause: 'by hand' } },
    ]);
  });

  it('stops a task that it is waiting for', async () => {
    const stop = new AbortController();
    let told = false;
    const tasks = {
      [INVOKE]: (_: unknown, { signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => {
          told = true;
        });
        queueMicrotask(() => stop.abort());
        return new Promise(() => undefined);
      },
    };
    expect(await run({ A: invoke(1) }, {}, { tasks, signal: stop.signal })).toMatchObject({
      status: 'ABORTED',
      error: '',
    });
    expect(told).toBe(true);
  });

  it('runs nothing when it was stopped before it began', async () => {
    const tasks = { [INVOKE]: () => Promise.reject(new Error('called')) };
    const ended = await run({ A: invoke(1) }, {}, { tasks, signal: AbortSignal.abort(new Error('too late')) });
    expect(ended).toMatchObject({ status: 'ABORTED', cause: 'too late' });
    expect(ended.history.map(({ type }) => type)).toEqual(['ExecutionStarted', 'ExecutionAborted']);
  });

  it('ends in the middle of a wait', async () => {
    const stop = new AbortController();
    const clock = virtualClock();
    const ended = run({ A: { Type: 'Wait', Seconds: 3600, End: true } }, {}, { clock, signal: stop.signal });
    clock.sleep(7000, new AbortController().signal).then(() => stop.abort());
    expect(await ended).toMatchObject({ status: 'ABORTED' });
    expect(clock.now() - EPOCH).toBe(7000);
  });
});

describe('when one part of a Map or Parallel fails', () => {
  it('its siblings are aborted, and no further iteration starts', async () => {
    const clock = virtualClock();
    const ItemProcessor = chain({
      B: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 1 %}', Next: 'Boom' }], Default: 'Slow' },
      Boom: { Type: 'Fail', Error: 'Boom' },
      Slow: { Type: 'Wait', Seconds: 60, End: true },
    });
    const A = { Type: 'Map', Items: [0, 1, 2, 3], MaxConcurrency: 2, ItemProcessor, End: true };
    const ended = await run({ A }, {}, { clock });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Boom' });
    expect(clock.now()).toBe(EPOCH);
    const types = ended.history.map(({ type }) => type);
    expect(types.filter((type) => type === 'MapIterationStarted')).toHaveLength(2);
    expect(types.slice(-5)).toEqual([
      'MapIterationFailed',
      'WaitStateAborted',
      'MapIterationAborted',
      'MapStateFailed',
      'ExecutionFailed',
    ]);
  });

  it('a Map that has no array to go through has failed before it has started', async () => {
    const ItemProcessor = chain({ B: { Type: 'Pass', End: true } });
    const { history } = await run({ A: { Type: 'Map', Items: '{% 7 %}', ItemProcessor, End: true } });
    expect(history.map(({ type }) => type)).toEqual([
      ...['ExecutionStarted', 'MapStateEntered', 'EvaluationFailed', 'MapStateFailed', 'ExecutionFailed'],
    ]);
    expect(history.at(-2)?.previousEventId).toBe(3);
  });

  it('the state goes on from the part that failed', async () => {
    const Branches = [
      chain({ B: { Type: 'Fail', Error: 'Boom' } }),
      chain({ C: { Type: 'Wait', Seconds: 60, End: true } }),
    ];
    const { history } = await run({ A: { Type: 'Parallel', Branches, End: true } });
    const failed = history.find(({ type }) => type === 'FailStateEntered');
    expect(history.at(-2)).toMatchObject({ type: 'ParallelStateFailed', previousEventId: failed?.id });
    expect(history.at(-1)).toMatchObject({ type: 'ExecutionFailed', previousEventId: history.at(-2)?.id });
  });

  it('nothing more starts, even where a sibling came through', async () => {
    const started: string[] = [];
    const job = (name: string, work: () => Promise<unknown>) => () => {
      started.push(name);
      return work();
    };
    const jobs = [
      job('fails', () => Promise.reject(new Error('boom'))),
      job('comes through', async () => new Promise((resolve) => setImmediate(resolve))),
      job('is left', async () => undefined),
    ];
    await expect(runTogether(jobs, 2, new AbortController().signal)).rejects.toThrow('boom');
    expect(started).toEqual(['fails', 'comes through']);
  });
});
