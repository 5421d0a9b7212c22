import { describe, expect, it } from 'vitest';
import { result, run } from './harness.ts';

const members = [
  { id: 'a', size: 5 },
  { id: 'b', size: 20 },
  { id: 'c', size: 30 },
];

describe('an expression gives', () => {
  it.each([
    ['a list of those that pass a filter', '{% [$states.input.xs[size > 10].id] %}', ['b', 'c']],
    ['the bare value when a filter leaves one', '{% $states.input.xs[size > 25].id %}', 'c'],
    ['a list of one where brackets keep it', '{% [$states.input.xs[size > 25].id] %}', ['c']],
    ['an empty list where brackets hold nothing', '{% [$states.input.xs[size > 99]] %}', []],
    ['one field of each item of a list', '{% $states.input.xs.id %}', ['a', 'b', 'c']],
    ['an object grouped by a key', '{% $states.input.xs{id: size} %}', { a: 5, b: 20, c: 30 }],
    [
      'what lambdas make of a list',
      '{% $map($filter([1, 2, 3], function($v) { $v > 1 }), function($v, $i) { $v * 2 + $i }) %}',
      [4, 7],
    ],
    ['what a function bound by the expression returns', '{% ($f := function($x) { $x * 2 }; $f(4)) %}', 8],
    ['what a chain of functions makes of a sorted list', '{% $states.input.xs^(>size).id ~> $join(">") %}', 'c>b>a'],
    [
      'text matched by regular expressions',
      "{% $replace('a  b', /[^a-z]+/, '-') & ($contains('a b', /b$/) ? '!' : '') %}",
      'a-b!',
    ],
    ['null for null', '{% $states.input.nothing %}', null],
    ['existence, also of null', '{% $exists($states.input.nothing) and $not($exists($states.input.no)) %}', true],
    ['membership', "{% 'b' in $states.input.xs.id ? 'yes' : 'no' %}", 'yes'],
    ['objects without what is undefined', '{% {"a": 1, "b": $states.input.no} %}', { a: 1 }],
    ['chunks of a list', '{% $partition([1, 2, 3], 2) %}', [[1, 2], [3]]],
    ['a range, ends included', '{% $range(0, 4, 2) %}', [0, 2, 4]],
    ['a falling range', '{% $range(3, 1, -1) %}', [3, 2, 1]],
    ['a hash', "{% $hash('x', 'SHA-256') %}", '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'],
    ['parsed JSON', '{% $parse(\'{"a": [1]}\').a %}', [1]],
    ['a UUID', '{% $length($uuid()) %}', 36],
    ['the random number it was given', '{% $random() %}', 0.5],
    [
      'the same number for the same seed, and another for another',
      '{% [$random(7) = $random(7), $random(7) = $random(8)] %}',
      [true, false],
    ],
    ["the clock's time in milliseconds", '{% $millis() %}', 1735689600000],
    ["the clock's time as text", '{% $now() %}', '2025-01-01T00:00:00.000Z'],
    ["the clock's time in a format", "{% $now('[Y0001]/[M01] [H01]', '+0200') %}", '2025/01 02'],
  ])('%s', async (_, expression, output) => {
    const ended = await run({ A: result(expression) }, { xs: members, nothing: null });
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect((ended as { output: unknown }).output).toEqual(output);
  });
});

describe('an expression fails with States.QueryEvaluationError', () => {
  it.each([
    ['for nothing', '{% $states.input.no %}', 'returned nothing (undefined)'],
    ['for a variable never assigned', '{% $nobody %}', 'returned nothing (undefined)'],
    ['for a filter that leaves nothing', '{% $states.input.xs[size > 99] %}', 'returned nothing (undefined)'],
    ['for a lambda', '{% function($x) { $x } %}', 'returned a function'],
    ['for a built-in function', '{% $sum %}', 'returned a function'],
    ['for a function inside the result', '{% {"f": $uuid} %}', 'returned a function'],
    ['for a type error', "{% 1 + 'a' %}", 'must evaluate to a number'],
    ['for its own $error', "{% $error('my words') %}", 'my words'],
    ['for JSON that does not parse', "{% $parse('{') %}", 'JSON'],
    ['for an unknown hash', "{% $hash('x', 'CRC') %}", '$hash takes'],
    ['for a range without a step', '{% $range(0, 4, 0) %}', '$range takes'],
    ['for chunks of no length', '{% $partition([1], 0) %}', '$partition takes'],
  ])('%s', async (_, expression, words) => {
    const ended = await run({ A: result({ deep: [expression] }) }, { xs: members });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect((ended as { cause: string }).cause).toContain(words);
    expect((ended as { cause: string }).cause).toContain("'Output/deep[0]'");
  });
});

describe('the result of an expression', () => {
  it('is a copy: what a task does to its arguments does not reach the variables', async () => {
    const { INVOKE } = await import('./harness.ts');
    const ended = await run(
      {
        A: { Type: 'Pass', Assign: { kept: { list: [1] } }, Next: 'B' },
        B: { Type: 'Task', Resource: INVOKE, Arguments: '{% $kept %}', Next: 'C' },
        C: result('{% $kept %}'),
      },
      {},
      {
        tasks: {
          [INVOKE]: async (args) => {
            (args as { list: number[] }).list.push(2);
          },
        },
      },
    );
    expect(ended).toMatchObject({ output: { list: [1] } });
  });
});
