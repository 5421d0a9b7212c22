import { describe, expect, it } from 'vitest';
import { chain, EPOCH, invoke, result, run, virtualClock } from './harness.ts';
import { table } from './table.ts';

describe('a Map state', () => {
  table([
    {
      title: 'runs its processor for each item, shaped by ItemSelector, and keeps the order',
      states: {
        A: {
          Type: 'Map',
          Items: '{% $states.input.xs %}',
          ItemSelector: {
            v: '{% $states.context.Map.Item.Value %}',
            i: '{% $states.context.Map.Item.Index %}',
            of: '{% $count($states.input.xs) %}',
          },
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            ...chain({ B: result('{% $states.input.v * 10 + $states.input.i + $states.input.of %}') }),
          },
          Output: { r: '{% $states.result %}' },
          End: true,
        },
      },
      input: { xs: [1, 2, 3] },
      output: { r: [13, 24, 35] },
    },
    {
      title: 'takes its input as the items when it has no Items',
      states: { A: { Type: 'Map', ItemProcessor: chain({ B: result('{% $states.input + 1 %}') }), End: true } },
      input: [1],
      output: [2],
    },
    {
      title: 'gives an empty list for no items',
      states: { A: { Type: 'Map', Items: [], ItemProcessor: chain({ B: result(1) }), End: true } },
      output: [],
    },
    {
      title: 'takes nothing but an array',
      states: { A: { Type: 'Map', Items: '{% $states.input %}', ItemProcessor: chain({ B: result(1) }), End: true } },
      error: 'States.QueryEvaluationError',
    },
    {
      title: 'reads the variables around it, and keeps its own inside',
      states: {
        A: { Type: 'Pass', Assign: { base: 100 }, Next: 'M' },
        M: {
          Type: 'Map',
          Items: [1, 2],
          ItemProcessor: chain({
            B: { Type: 'Pass', Assign: { local: '{% $states.input %}' }, Next: 'C' },
            C: result('{% $base + $local %}'),
          }),
          Assign: { sum: '{% $sum($states.result) %}' },
          Next: 'Z',
        },
        Z: result(['{% $sum %}', '{% $exists($local) %}']),
      },
      output: [203, false],
    },
    {
      title: 'fails with the error of an iteration, which it can catch',
      states: {
        A: {
          Type: 'Map',
          Items: [1],
          ItemProcessor: chain({ B: invoke({ do: 'fail', error: 'Inner' }) }),
          Catch: [{ ErrorEquals: ['Inner'], Output: '{% $states.errorOutput.Error %}', Next: 'C' }],
          End: true,
        },
        C: { Type: 'Pass', End: true },
      },
      output: 'Inner',
    },
  ]);

  it.each([
    ['one after the other', { MaxConcurrency: 1 }, 6_000],
    ['two at a time', { MaxConcurrency: '{% 1 + 1 %}' }, 3_000],
    ['all at once', {}, 1_000],
    ['all at once for 0', { MaxConcurrency: 0 }, 1_000],
  ])('runs six iterations %s', async (_, fields, elapsedMs) => {
    const clock = virtualClock();
    const ItemProcessor = chain({ B: { Type: 'Wait', Seconds: 1, End: true } });
    const ended = await run({ A: { Type: 'Map', ItemProcessor, ...fields, End: true } }, [1, 2, 3, 4, 5, 6], { clock });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: [1, 2, 3, 4, 5, 6] });
    expect(clock.now() - EPOCH).toBe(elapsedMs);
  });
});

describe('a Parallel state', () => {
  table([
    {
      title: 'runs each branch on its Arguments and gives their outputs in order',
      states: {
        A: {
          Type: 'Parallel',
          Arguments: { n: '{% $states.input.n * 10 %}' },
          Branches: [
            chain({ B: { Type: 'Wait', Seconds: 5, Next: 'B2' }, B2: result('{% $states.input.n + 1 %}') }),
            chain({ C: result('{% $states.input.n + 2 %}') }),
          ],
          End: true,
        },
      },
      input: { n: 1 },
      output: [11, 12],
    },
    {
      title: 'gives its branches its input when it has no Arguments, and its Output their results',
      states: {
        A: {
          Type: 'Parallel',
          Branches: [chain({ B: result('{% $states.input.n %}') }), chain({ C: result(2) })],
          Output: '{% $sum($states.result) %}',
          End: true,
        },
      },
      input: { n: 1 },
      output: 3,
    },
    {
      title: 'fails with the error of a branch, which it can catch',
      states: {
        A: {
          Type: 'Parallel',
          Branches: [chain({ B: invoke({ do: 'fail', error: 'Inner' }) }), chain({ C: invoke({ do: 'hang' }) })],
          Catch: [{ ErrorEquals: ['Inner'], Output: '{% $states.errorOutput.Error %}', Next: 'D' }],
          End: true,
        },
        D: { Type: 'Pass', End: true },
      },
      output: 'Inner',
    },
  ]);
});
