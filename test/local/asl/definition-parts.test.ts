import { describe, expect, it } from 'vitest';
import { chain, invoke, machine, result } from './harness.ts';
import { problems } from './problems.ts';

const pass = { Type: 'Pass', End: true };
const retrier = { ErrorEquals: ['E'] };
const catcher = { ErrorEquals: ['E'], Next: 'A' };
const map = (more: object) => ({ Type: 'Map', ItemProcessor: chain({ B: pass }), End: true, ...more });
const parallel = (more: object) => ({ Type: 'Parallel', Branches: [chain({ B: pass })], End: true, ...more });

describe('retriers and catchers are refused', () => {
  it.each<[string, object, string]>([
    ['without errors', { Retry: [{}] }, 'Retry[0].ErrorEquals: is missing'],
    ['with no errors', { Retry: [{ ErrorEquals: [] }] }, 'Retry[0].ErrorEquals: must be a non-empty array'],
    [
      'with an interval of 0',
      { Retry: [{ ...retrier, IntervalSeconds: 0 }] },
      'Retry[0].IntervalSeconds: must be an integer',
    ],
    [
      'with a shrinking interval',
      { Retry: [{ ...retrier, BackoffRate: 0.5 }] },
      'Retry[0].BackoffRate: must be a number',
    ],
    [
      'with a fraction of an attempt',
      { Retry: [{ ...retrier, MaxAttempts: 1.5 }] },
      'Retry[0].MaxAttempts: must be an integer',
    ],
    [
      'with another jitter',
      { Retry: [{ ...retrier, JitterStrategy: 'SOME' }] },
      'Retry[0].JitterStrategy: must be "FULL" or "NONE"',
    ],
    ['with an unknown field', { Retry: [{ ...retrier, Delay: 1 }] }, 'Retry[0].Delay: is not a field'],
    [
      'with States.ALL before others',
      { Retry: [{ ErrorEquals: ['States.ALL'] }, retrier] },
      'Retry[0].ErrorEquals: States.ALL must stand alone',
    ],
    [
      'with States.ALL among others',
      { Catch: [{ ...catcher, ErrorEquals: ['E', 'States.ALL'] }] },
      'Catch[0].ErrorEquals: States.ALL must stand alone',
    ],
    ['that go nowhere', { Catch: [{ ErrorEquals: ['E'] }] }, 'Catch[0].Next: is missing'],
    ['that go to a state that is not there', { Catch: [{ ...catcher, Next: 'B' }] }, 'Catch[0].Next: names "B"'],
    ['with a ResultPath', { Catch: [{ ...catcher, ResultPath: '$' }] }, 'Catch[0].ResultPath: is not a field'],
  ])('%s', (_, fields, problem) => {
    expect(problems(machine({ A: invoke(1, fields) }))).toEqual([expect.stringContaining(`- States.A.${problem}`)]);
  });
});

describe('variables are refused', () => {
  it.each<[string, unknown, string]>([
    ['named states', { ...pass, Assign: { states: 1 } }, 'States.A.Assign.states: is a reserved name'],
    [
      'with a name that no expression can read',
      { ...pass, Assign: { 'a-b': 1 } },
      'States.A.Assign.a-b: is not a variable name',
    ],
    [
      'that hide one of a scope around',
      map({ Assign: { x: 1 }, ItemProcessor: chain({ B: { ...pass, Assign: { x: 1 } } }) }),
      'States.A.ItemProcessor.States.B.Assign.x: is already a variable',
    ],
    [
      'that hide what a catcher around assigns',
      parallel({ Catch: [{ ...catcher, Assign: { x: 1 } }], Branches: [chain({ B: { ...pass, Assign: { x: 1 } } })] }),
      'States.A.Branches[0].States.B.Assign.x: is already a variable',
    ],
  ])('%s', (_, state, problem) => {
    expect(problems(machine({ A: state }))).toEqual([expect.stringContaining(`- ${problem}`)]);
  });
});

describe('an expression', () => {
  it.each([
    ['does not parse', '{% 1 + %}', 'is not a JSONata expression'],
    ['is not closed', '{% 1', 'must start with {% and end with %}'],
    ['is not opened', '1 %}', 'must start with {% and end with %}'],
    ['has a space before it', ' {% 1 %}', 'must start with {% and end with %}'],
    ['calls an unknown function', '{% $toJson({}) %}', 'calls $toJson'],
    ['calls one deep inside', '{% $states.input.xs[$nope(id)] %}', 'calls $nope'],
    ['calls one in a chain', '{% $states.input ~> $nope %}', 'calls $nope'],
    ['calls a chained one with arguments', '{% $states.input ~> $nope(1) %}', 'calls $nope'],
    ['applies one in part', '{% ($f := $nope(?, 1); $f(2)) %}', 'calls $nope'],
    ['calls a variable', '{% $v(1) %}', 'calls $v'],
    ['calls a JSONPath intrinsic', "{% States.Format('x') %}", 'reads the bare name'],
    ['calls $eval', "{% $eval('1') %}", 'uses $eval'],
    ['hands $eval on', '{% $map(["1"], $eval) %}', 'uses $eval'],
    ['reads $', '{% $ %}', 'reads $ at top level'],
    ['reads $ as a path', '{% $.a %}', 'reads $ at top level'],
    ['reads $ in a predicate', '{% $states.input.xs[$ > 1] %}', 'reads $: no history of AWS shows'],
    ['reads $ in a step', '{% $states.input.xs.($ + 1) %}', 'reads $: no history of AWS shows'],
    ['reads $$', '{% $states.input.xs[$$.a = 1] %}', 'reads $$'],
    ['starts from a bare name', '{% states.input %}', 'the bare name states'],
    ['starts from a bare name in an argument', '{% $sum(xs) %}', 'the bare name xs'],
    ['starts from a wildcard', '{% *.a %}', 'the wildcard operator'],
    ['uses ??', '{% $states.input.a ?? 1 %}', 'uses ?? or ?:'],
    ['uses ?:', '{% $states.input.a ?: 1 %}', 'uses ?? or ?:'],
    ['reads $states.result where there is none', '{% $states.result.a %}', 'reads $states.result'],
    ['reads $states.errorOutput where there is none', '{% $states.errorOutput %}', 'reads $states.errorOutput'],
    ['reads what $states never has', '{% $states.inputs %}', 'reads $states.inputs'],
  ])('that %s is refused', (_, expression, problem) => {
    const found = problems(machine({ A: result(expression) }));
    expect(found[0]).toContain('- States.A.Output: ');
    expect(found[0]).toContain(problem);
  });

  it.each([
    ['reads names in predicates, sorts, groups and steps', '{% $states.input.xs[a = 1]^(b){c: d}.(e & f) %}'],
    ['reads names in the predicate of a variable', '{% $v[a = 1] %}'],
    ['reads names in a transform', '{% $states.input ~> |xs|{"a": b}| %}'],
    [
      'binds a function of its own, also one that calls itself',
      '{% ($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f(3)) %}',
    ],
    ['calls a parameter', '{% (function($g) { $g(1) })($string) %}'],
    ['hands on a built-in function', '{% $map([1], $string) ~> $join %}'],
    ['has a conditional that repeats itself', '{% $exists($v) ? $v : 1 %}'],
    ['has a conditional on what it returns', '{% $v ? $v : 1 %}'],
  ])('that %s is accepted', (_, expression) => {
    expect(problems(machine({ A: result(expression) }))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['Arguments', { Arguments: '{% $states.result %}' }, 'States.A.Arguments'],
    ['TimeoutSeconds', { TimeoutSeconds: '{% $states.result %}' }, 'States.A.TimeoutSeconds'],
    ["a catcher's Output", { Catch: [{ ...catcher, Output: '{% $states.result %}' }] }, 'States.A.Catch[0].Output'],
  ])('that reads the result is refused in %s', (_, fields, path) => {
    expect(problems(machine({ A: invoke(1, fields) }))[0]).toContain(
      `- ${path}: '$states.result' reads $states.result`,
    );
  });
});
