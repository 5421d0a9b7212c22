import { describe, expect, it } from 'vitest';
import { chain, invoke, machine, result, run } from './harness.ts';
import { problems } from './problems.ts';

const pass = { Type: 'Pass', End: true };
const retrier = { ErrorEquals: ['E'] };
const map = (more: object) => ({ Type: 'Map', ItemProcessor: chain({ B: pass }), End: true, ...more });
const parallel = (more: object) => ({ Type: 'Parallel', Branches: [chain({ B: pass })], End: true, ...more });
const choice = (rule: object) => ({ Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'A', ...rule }] });

describe('a definition', () => {
  it('that uses everything this runner implements is accepted', () => {
    const exit = { Assign: { v: 1 }, Output: '{% $states.input %}' };
    const recovery = {
      Retry: [
        {
          ...retrier,
          Comment: 'c',
          IntervalSeconds: 1,
          BackoffRate: 1.5,
          MaxDelaySeconds: 9,
          MaxAttempts: 0,
          JitterStrategy: 'FULL',
        },
        { ErrorEquals: ['States.ALL'] },
      ],
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Comment: 'c',
          Assign: { e: '{% $states.errorOutput.Error %}' },
          Output: '{% $states.errorOutput %}',
          Next: 'Z',
        },
      ],
    };
    const definition = machine(
      {
        P: { Type: 'Pass', Comment: 'c', QueryLanguage: 'JSONata', ...exit, Next: 'T' },
        T: invoke(1, { ...recovery, Assign: { r: '{% $states.result %}' }, TimeoutSeconds: '{% 1 %}', Next: 'C' }),
        C: {
          Type: 'Choice',
          Choices: [{ Comment: 'c', Condition: '{% $v = 1 %}', ...exit, Next: 'W' }],
          Default: 'Z',
          ...exit,
        },
        W: { Type: 'Wait', Seconds: 1, ...exit, Next: 'W2' },
        W2: { Type: 'Wait', Timestamp: '2025-01-01T00:00:00+02:00', Next: 'M' },
        M: map({
          Items: [1, '{% $v %}'],
          ItemSelector: '{% $states.context.Map.Item.Value %}',
          MaxConcurrency: 2,
          ...recovery,
          ItemProcessor: {
            Comment: 'c',
            ProcessorConfig: { Mode: 'INLINE' },
            ...chain({ I: { ...pass, Assign: { inner: 1 } } }),
          },
          Output: '{% $states.result %}',
        }),
        L: parallel({
          Arguments: { a: '{% $v %}' },
          ...recovery,
          Branches: [{ Comment: 'c', ...chain({ J: { ...pass, Assign: { inner: 1 } } }) }],
        }),
        F: { Type: 'Fail', Error: 'E', Cause: "{% 'c' %}" },
        Z: { Type: 'Succeed', Output: 1 },
      },
      { Comment: 'c', Version: '1.0', TimeoutSeconds: 60 },
    );
    expect(problems(definition)).toEqual([]);
  });

  it('is refused with all of its problems at once, each with its path', () => {
    const definition = machine({
      'Map one': map({ ItemProcessor: chain({ B: { ...pass, ResultPath: '$.x' } }) }),
      C: { Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage', Next: 'nowhere' },
      D: result({ list: ['{% $nope(1) %}'] }),
    });
    const found = problems(definition);
    expect(found).toHaveLength(4);
    expect(found[0]).toContain('- States.Map one.ItemProcessor.States.B.ResultPath: is not a field');
    expect(found[1]).toContain("- States.D.Output.list[0]: '$nope(1)' calls $nope");
    expect(found[2]).toContain('- States.C.Resource: "arn:aws:states:::sqs:sendMessage" is not a resource');
    expect(found[3]).toContain('- States.C.Next: names "nowhere"');
  });

  it('is refused before anything of the execution happens', async () => {
    const events: unknown[] = [];
    const refused = run({ A: { ...pass, Result: 1 } }, {}, { onEvent: (event) => events.push(event) });
    await expect(refused).rejects.toMatchObject({ name: 'UnsupportedDefinition' });
    expect(events).toEqual([]);
  });
});

describe('a state machine is refused', () => {
  it.each<[string, unknown, string]>([
    ['when it is no object', [], 'definition: must be an object'],
    ['without QueryLanguage', chain({ A: pass }), 'QueryLanguage: is missing'],
    ['in JSONPath', machine({ A: pass }, { QueryLanguage: 'JSONPath' }), 'QueryLanguage: must be "JSONata"'],
    ['without StartAt', { QueryLanguage: 'JSONata', States: { A: pass } }, 'StartAt: is missing'],
    ['with a StartAt that is no state', machine({ A: pass }, { StartAt: 'B' }), 'StartAt: names "B"'],
    ['with a field of another kind', machine({ A: pass }, { Other: 1 }), 'Other: is not a field'],
    ['with another Version', machine({ A: pass }, { Version: '2.0' }), 'Version: must be "1.0"'],
    ['with a TimeoutSeconds of 0', machine({ A: pass }, { TimeoutSeconds: 0 }), 'TimeoutSeconds: must be an integer'],
  ])('%s', (_, definition, problem) => {
    expect(problems(definition)).toEqual([expect.stringContaining(`- ${problem}`)]);
  });
});

it('a state machine without states is refused', () => {
  expect(problems({ QueryLanguage: 'JSONata', StartAt: 'A' })).toContain('- States: is missing.');
});

describe('a state is refused', () => {
  it.each<[string, unknown, string]>([
    ['that is no object', 1, 'States.A: must be an object'],
    ['of an unknown type', { Type: 'Activity' }, 'States.A.Type: "Activity" is not a state type'],
    ['of no type', {}, 'States.A.Type: undefined is not a state type'],
    ["of a type named like an object's own property", { Type: 'constructor' }, 'States.A.Type'],
    ['in JSONPath', { ...pass, QueryLanguage: 'JSONPath' }, 'States.A.QueryLanguage: must be "JSONata"'],
    ['that goes to a state that is not there', { Type: 'Pass', Next: 'B' }, 'States.A.Next: names "B"'],
    ['with both Next and End', { ...pass, Next: 'A' }, 'States.A: must have either Next or End'],
    ['with neither Next nor End', { Type: 'Pass' }, 'States.A: must have either Next or End'],
    ['with End false', { Type: 'Pass', End: false }, 'States.A.End: must be true'],
    ['that succeeds and goes on', { Type: 'Succeed', End: true }, 'States.A.End: is not a field'],
    ['that fails and goes on', { Type: 'Fail', Next: 'A' }, 'States.A.Next: is not a field'],
    ['that chooses and ends', { ...choice({}), End: true }, 'States.A.End: is not a field'],
    ['without a resource', { Type: 'Task', End: true }, 'States.A.Resource: is missing'],
    [
      'with a resource that does not run here',
      invoke(1, { Resource: 'arn:aws:states:::ecs:runTask' }),
      'States.A.Resource: "arn:aws:states:::ecs:runTask"',
    ],
    [
      'with a TimeoutSeconds of no seconds',
      invoke(1, { TimeoutSeconds: 0 }),
      'States.A.TimeoutSeconds: must be an integer',
    ],
    ['that waits for nothing', { Type: 'Wait', End: true }, 'States.A: must have either Seconds or Timestamp'],
    [
      'that waits for two things',
      { Type: 'Wait', Seconds: 1, Timestamp: '2025-01-01T00:00:00Z', End: true },
      'States.A: must have either Seconds or Timestamp',
    ],
    [
      'that waits for a negative time',
      { Type: 'Wait', Seconds: -1, End: true },
      'States.A.Seconds: must be an integer',
    ],
    [
      'that waits until no time',
      { Type: 'Wait', Timestamp: 'noon', End: true },
      'States.A.Timestamp: must be an RFC 3339',
    ],
    ['with an Error that is no text', { Type: 'Fail', Error: 1 }, 'States.A.Error: must be a string'],
    [
      'with a half of an expression as its Cause',
      { Type: 'Fail', Cause: '{% 1' },
      'States.A.Cause: must start with {%',
    ],
    ['without choices', { Type: 'Choice', Choices: [] }, 'States.A.Choices: must be a non-empty array'],
    ['with a Default that is not there', { ...choice({}), Default: 'B' }, 'States.A.Default: names "B"'],
    ['with a rule that goes nowhere', choice({ Next: 'B' }), 'States.A.Choices[0].Next: names "B"'],
    ['with a JSONPath rule', choice({ Variable: '$.x' }), 'States.A.Choices[0].Variable: is not a field'],
    [
      'with a Condition that is no expression',
      choice({ Condition: 'true' }),
      'States.A.Choices[0].Condition: must be an expression',
    ],
    ['without an item processor', { Type: 'Map', End: true }, 'States.A.ItemProcessor: is missing'],
    ['with Items that are no list', map({ Items: 'x' }), 'States.A.Items: must be an expression'],
    ['with a negative MaxConcurrency', map({ MaxConcurrency: -1 }), 'States.A.MaxConcurrency: must be an integer'],
    [
      'with a distributed Map',
      map({ ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, ...chain({ B: pass }) } }),
      'States.A.ItemProcessor.ProcessorConfig.Mode: must be "INLINE"',
    ],
    [
      'with an ExecutionType',
      map({ ItemProcessor: { ProcessorConfig: { ExecutionType: 'EXPRESS' }, ...chain({ B: pass }) } }),
      'States.A.ItemProcessor.ProcessorConfig.ExecutionType: is not a field',
    ],
    ['without branches', { Type: 'Parallel', End: true }, 'States.A.Branches: is missing'],
    [
      'with a branch that starts nowhere',
      parallel({ Branches: [{ StartAt: 'X', States: { B: pass } }] }),
      'States.A.Branches[0].StartAt: names "X"',
    ],
    [
      'with a branch that leaves it',
      parallel({ Branches: [chain({ B: { Type: 'Pass', Next: 'A' } })] }),
      'States.A.Branches[0].States.B.Next: names "A"',
    ],
    ['with a branch that is none', parallel({ Branches: [1] }), 'States.A.Branches[0]: must be an object'],
  ])('%s', (_, state, problem) => {
    expect(problems(machine({ A: state }))).toEqual([expect.stringContaining(`- ${problem}`)]);
  });

  it.each([
    [
      'Task',
      invoke(1),
      [
        'HeartbeatSeconds',
        'Credentials',
        'Parameters',
        'ResultPath',
        'ResultSelector',
        'InputPath',
        'OutputPath',
        'TimeoutSecondsPath',
      ],
    ],
    [
      'Map',
      map({}),
      [
        'ItemReader',
        'ItemBatcher',
        'ResultWriter',
        'Label',
        'ToleratedFailureCount',
        'ToleratedFailurePercentage',
        'ItemsPath',
        'Iterator',
        'Arguments',
      ],
    ],
    ['Parallel', parallel({}), ['Parameters', 'ResultPath', 'Items']],
    ['Pass', pass, ['Result', 'Parameters', 'Arguments', 'Retry', 'Catch', 'constructor']],
    ['Wait', { Type: 'Wait', Seconds: 1, End: true }, ['SecondsPath', 'TimestampPath', 'Catch']],
    ['Choice', choice({}), ['Next', 'Retry', 'Variable']],
    ['Fail', { Type: 'Fail' }, ['ErrorPath', 'CausePath', 'Output', 'Assign']],
    ['Succeed', { Type: 'Succeed' }, ['InputPath', 'Assign']],
  ])('of type %s with a field that type does not have here', (_, state, fields) => {
    for (const field of fields) {
      const found = problems(machine({ A: { ...state, [field]: 'A' } }));
      expect(found[0]).toContain(`- States.A.${field}: is not a field`);
    }
  });
});
