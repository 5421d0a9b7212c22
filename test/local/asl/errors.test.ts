import { describe, expect, it } from 'vitest';
import { matchesError, retryDelayMs } from '../../../local/asl/retry.ts';
import { chain, INVOKE, invoke, result, run, virtualClock } from './harness.ts';

describe('ErrorEquals', () => {
  it.each([
    [['Mine'], 'Mine', true],
    [['Mine'], 'mine', false],
    [['Other', 'Mine'], 'Mine', true],
    [['States.ALL'], 'Mine', true],
    [['States.ALL'], 'States.Timeout', true],
    [['States.ALL'], 'States.QueryEvaluationError', true],
    [['States.ALL'], 'States.DataLimitExceeded', true],
    [['States.DataLimitExceeded'], 'States.DataLimitExceeded', true],
    [['States.ALL'], 'States.Runtime', false],
    [['States.Runtime'], 'States.Runtime', false],
    [['States.TaskFailed'], 'Mine', true],
    [['States.TaskFailed'], 'States.Timeout', false],
    [['States.TaskFailed'], 'States.DataLimitExceeded', false],
    [['States.Timeout'], 'States.Timeout', true],
    [['States.Timeout'], 'Mine', false],
  ])('%j against %s: %s', (names, error, matches) => {
    expect(matchesError(names, error)).toBe(matches);
  });
});

describe('the delay before a retry', () => {
  it.each([
    ['starts at one second and doubles', {}, [1000, 2000, 4000]],
    ['grows by the rate from the interval', { IntervalSeconds: 2, BackoffRate: 1.5 }, [2000, 3000, 4500]],
    ['stops growing at the longest delay', { IntervalSeconds: 3, MaxDelaySeconds: 5 }, [3000, 5000, 5000]],
    [
      'is a part of that with full jitter',
      { IntervalSeconds: 3, MaxDelaySeconds: 5, JitterStrategy: 'FULL' as const },
      [750, 1250, 1250],
    ],
    ['is all of it with no jitter', { JitterStrategy: 'NONE' as const }, [1000, 2000, 4000]],
  ])('%s', (_, retrier, delays) => {
    const policy = { ErrorEquals: ['States.ALL'], ...retrier };
    expect([0, 1, 2].map((retry) => retryDelayMs(policy, retry, () => 0.25))).toEqual(delays);
  });
});

describe('Retry', () => {
  async function attempts(errors: string[], Retry: unknown[], more: object = {}) {
    const clock = virtualClock();
    const flaky = invoke({ do: 'failTimes', errors }, { Retry, Output: '{% $states.result.Payload.calls %}', ...more });
    const ended = await run({ A: flaky, C: result('caught') }, {}, { clock });
    return { ended, sleeps: clock.sleeps };
  }

  it('attempts the state again until it succeeds', async () => {
    const { ended, sleeps } = await attempts(['E', 'E'], [{ ErrorEquals: ['E'], MaxAttempts: 2 }]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 3 });
    expect(sleeps).toEqual([1000, 2000]);
  });

  it('gives up after three retries unless told otherwise', async () => {
    const { ended, sleeps } = await attempts(['E', 'E', 'E', 'E'], [{ ErrorEquals: ['E'] }]);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'E' });
    expect(sleeps).toEqual([1000, 2000, 4000]);
  });

  it('never retries with MaxAttempts 0, though a later retrier would', async () => {
    const { ended, sleeps } = await attempts(
      ['E'],
      [{ ErrorEquals: ['E'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }],
    );
    expect(ended).toMatchObject({ status: 'FAILED', error: 'E' });
    expect(sleeps).toEqual([]);
  });

  it('counts for each retrier on its own', async () => {
    const retriers = [
      { ErrorEquals: ['A', 'B'], IntervalSeconds: 1, MaxAttempts: 2 },
      { ErrorEquals: ['C'], IntervalSeconds: 5, MaxAttempts: 1 },
    ];
    const { ended, sleeps } = await attempts(['A', 'B', 'C', 'B'], retriers, {
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 'caught' });
    expect(sleeps).toEqual([1000, 2000, 5000]);
  });

  it('starts counting anew each time the state is entered', async () => {
    const clock = virtualClock();
    const Retry = [{ ErrorEquals: ['E'], MaxAttempts: 1 }];
    const states = {
      A: invoke(
        { do: 'failTimes', errors: ['E', 'E', 'E', 'E'] },
        { Retry, Catch: [{ ErrorEquals: ['E'], Next: 'A' }], Output: 'done' },
      ),
    };
    const ended = await run(states, {}, { clock });
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(clock.sleeps).toEqual([1000, 1000]);
  });

  it('evaluates the arguments again, with the count of retries in the context', async () => {
    const { ExecutionError } = await import('../../../local/asl/errors.ts');
    const seen: unknown[] = [];
    const A = {
      Type: 'Task',
      Resource: INVOKE,
      Arguments: '{% $states.context.State.RetryCount %}',
      Retry: [{ ErrorEquals: ['E'] }],
      End: true,
    };
    await run(
      { A },
      {},
      {
        tasks: {
          [INVOKE]: async (args) => {
            seen.push(args);
            if (seen.length < 3) throw new ExecutionError('E');
          },
        },
      },
    );
    expect(seen).toEqual([0, 1, 2]);
  });

  it('uses the given randomness for full jitter', async () => {
    const { sleeps } = await attempts(['E'], [{ ErrorEquals: ['E'], IntervalSeconds: 10, JitterStrategy: 'FULL' }]);
    expect(sleeps).toEqual([5000]);
  });

  it('runs all of a Parallel again', async () => {
    const clock = virtualClock();
    const branch = chain({ B: invoke({ do: 'failTimes', errors: ['E'] }) });
    const ended = await run(
      { A: { Type: 'Parallel', Branches: [branch], Retry: [{ ErrorEquals: ['E'] }], End: true } },
      {},
      { clock },
    );
    expect(ended).toMatchObject({ output: [{ Payload: { calls: 2 } }] });
  });
});

describe('Catch', () => {
  const failing = { do: 'fail', error: 'Mine', message: 'boom' };
  const C = { Type: 'Pass', End: true };

  it.each<[string, Record<string, unknown>, unknown]>([
    [
      'gives its Output the error, the cause and the input',
      {
        A: invoke(failing, {
          Catch: [
            {
              ErrorEquals: ['Mine'],
              Output: [
                '{% $states.errorOutput.Error %}',
                '{% $parse($states.errorOutput.Cause).errorMessage %}',
                '{% $states.input.z %}',
              ],
              Next: 'C',
            },
          ],
        }),
        C,
      },
      ['Mine', 'boom', 9],
    ],
    [
      'gives the error output on when it has no Output',
      { A: invoke(failing, { Output: 'of the state', Catch: [{ ErrorEquals: ['Mine'], Next: 'C' }] }), C },
      { Error: 'Mine', Cause: '{"errorMessage":"boom"}' },
    ],
    [
      'assigns its own variables, not those of the state',
      {
        A: invoke(failing, {
          Assign: { ok: true },
          Catch: [{ ErrorEquals: ['States.ALL'], Assign: { e: '{% $states.errorOutput.Error %}' }, Next: 'C' }],
        }),
        C: result(['{% $e %}', '{% $exists($ok) %}']),
      },
      ['Mine', false],
    ],
    [
      'is chosen in order',
      {
        A: invoke(failing, {
          Catch: [
            { ErrorEquals: ['Other'], Next: 'D' },
            { ErrorEquals: ['States.TaskFailed'], Next: 'C' },
            { ErrorEquals: ['Mine'], Next: 'D' },
          ],
        }),
        C: result('second'),
        D: C,
      },
      'second',
    ],
    [
      'catches arguments that do not evaluate',
      {
        A: invoke('{% $states.input.no %}', { Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'C' }] }),
        C: result('caught'),
      },
      'caught',
    ],
    [
      'catches an Output that does not evaluate',
      {
        A: invoke(1, {
          Output: '{% $states.result.no %}',
          Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'C' }],
        }),
        C: result('caught'),
      },
      'caught',
    ],
  ])('%s', async (_, states, output) => {
    const ended = await run(states, { z: 9 });
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect((ended as { output: unknown }).output).toEqual(output);
  });

  it('does not catch what its own Output does wrong', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.no %}', Next: 'C' }];
    expect(await run({ A: invoke(failing, { Catch }), C })).toMatchObject({ error: 'States.QueryEvaluationError' });
  });

  it('leaves an error that it does not name alone', async () => {
    const Catch = [{ ErrorEquals: ['Other'], Next: 'C' }];
    expect(await run({ A: invoke(failing, { Catch }), C })).toMatchObject({ status: 'FAILED', error: 'Mine' });
  });

  it('does not assign when the Output beside it fails', async () => {
    const A = invoke(1, {
      Assign: { half: true },
      Output: '{% $states.result.no %}',
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
    });
    expect(await run({ A, C: result('{% $exists($half) %}') })).toMatchObject({ output: false });
  });
});
