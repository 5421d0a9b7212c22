import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS } from '../../core/hosts/host-commands.ts';
import type { State } from '../../local/asl/definition.ts';
import { reachableFrom } from './definitions.ts';
import { commandsSent, HALF_THE_CONFIRMATION, runbookDefinition } from './runbook-definition.ts';
import { authTokenReset, FLEET, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = authTokenReset(stacks);
const { states, stateOf, following, waysOn, waysOfErrors, ends, expectStep } = runbookDefinition(stacks, definition);
const STOP = 'Stop with the error';
const TELL = 'Explain what was changed';
const TOGGLE = 'Toggle authentication';
const ENABLE = 'Enable authentication';
const PAGE = 'Page that authentication may be disabled';
const ASK = 'Was authentication to be disabled?';

/** Where a state leads once the variable `toggled` is true. */
function followingToggled(name: string): string[] {
  return name === ASK ? ['Keep the error'] : following(name);
}

/** What a state assigns to a variable, on each of its ways out. */
function assignmentsOf(variable: string, state: State): unknown[] {
  const exits = [
    state,
    ...('Choices' in state ? state.Choices : []),
    ...('Catch' in state && state.Catch ? state.Catch : []),
  ];
  return exits.flatMap((exit) =>
    'Assign' in exit && exit.Assign && variable in exit.Assign ? [exit.Assign[variable]] : [],
  );
}

describe('the definition', () => {
  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(waysOn()).toEqual({
      'Load cluster': ['Assess tokens'],
      'Assess tokens': ['Does a member reject tokens?'],
      'Does a member reject tokens?': [
        'Authentication is enabled again',
        'Nothing to do',
        'May it be enabled now?',
        'Inspect hosts',
        'Wait before the next reading',
        'Plan token reset',
      ],
      'Wait before the next reading': ['Assess tokens'],
      'May it be enabled now?': ['Enabling is planned', ENABLE],
      'Inspect hosts': ['Plan token reset'],
      'Plan token reset': ['Is it confirmed?'],
      'Is it confirmed?': ['Is this a dry run?', 'Wait before the next reading'],
      'Is this a dry run?': ['Planned', 'Choose next token action'],
      'Choose next token action': ['What comes next?'],
      'What comes next?': ['Restart service', 'Wait for the restarted member', TOGGLE, 'Verify tokens'],
      'Restart service': ['Did the restart fail?'],
      'Did the restart fail?': [ASK, 'Choose next token action'],
      'Wait for the restarted member': ['Choose next token action'],
      [TOGGLE]: ['Choose next token action'],
      'Verify tokens': ['Prove writes on every member'],
      'Prove writes on every member': ['Tokens are taken'],
      [ASK]: ['Keep the error', TELL],
      [TELL]: [STOP],
      'Keep the error': [ENABLE],
      [ENABLE]: ['Could a step still disable it?'],
      'Could a step still disable it?': [
        'Wait until no step can disable it',
        'Page that authentication is enabled',
        'Was there an error?',
        'Was there an error?',
      ],
      'Page that authentication is enabled': ['Was there an error?'],
      'Wait until no step can disable it': [ENABLE],
      [PAGE]: ['Wait before enabling it again'],
      'Wait before enabling it again': [ENABLE],
      'Was there an error?': [TELL, 'Assess tokens'],
      'Nothing to do': [],
      'Authentication is enabled again': [],
      'Enabling is planned': [],
      Planned: [],
      'Tokens are taken': [],
      [STOP]: [],
    });
  });

  it('stops at an error before the first cure, and later asks whether authentication was to be disabled', () => {
    expect(waysOfErrors()).toEqual({
      'Load cluster': [STOP],
      'Assess tokens': [STOP],
      'Inspect hosts': [STOP],
      'Plan token reset': [STOP],
      'Choose next token action': [ASK],
      'Restart service': [ASK],
      [TOGGLE]: [ASK],
      'Verify tokens': [ASK],
      'Prove writes on every member': [ASK],
      [ENABLE]: [PAGE],
      [PAGE]: ['Wait before enabling it again'],
      'Page that authentication is enabled': ['Was there an error?'],
    });
  });

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess tokens', 'assess-tokens'],
    ['Inspect hosts', 'run-host-commands'],
    ['Plan token reset', 'plan-token-reset'],
    ['Choose next token action', 'choose-next-token-action'],
    ['Restart service', 'run-host-commands'],
    [TOGGLE, 'toggle-authentication'],
    [ENABLE, 'enable-authentication'],
    ['Verify tokens', 'verify-tokens'],
    ['Prove writes on every member', 'prove-writes'],
  ])('runs in the state "%s" the step %s', expectStep);

  it('sends hosts no command but to be looked at and to restart the service', () => {
    expect(commandsSent(definition)).toEqual({
      'Inspect hosts': 'inspect-host',
      'Restart service': 'control-service',
    });
  });

  it('ends in one of five reports, or in the error', () => {
    expect(ends()).toEqual({
      'Nothing to do': 'Succeed',
      'Authentication is enabled again': 'Succeed',
      'Enabling is planned': 'Succeed',
      Planned: 'Succeed',
      'Tokens are taken': 'Succeed',
      [STOP]: 'Fail',
    });
  });
});

describe('before the first change', () => {
  it('a dry run has ended: no change is reached but through a question that it ends at', () => {
    const questions = ['Is this a dry run?', 'May it be enabled now?'];
    for (const question of questions) {
      expect(stateOf(question).state).toMatchObject({ Choices: [{ Condition: '{% $dryRun %}' }] });
    }
    const without = reachableFrom(['Load cluster'], (name) => (questions.includes(name) ? [] : following(name)));
    for (const name of ['Choose next token action', 'Restart service', TOGGLE, ENABLE]) {
      expect(reachableFrom(questions, following), name).toContain(name);
      expect(without, name).not.toContain(name);
    }
  });

  it('nothing is asked of a host but to be looked at', () => {
    const before = reachableFrom(['Load cluster'], (name) => (name === 'Is this a dry run?' ? [] : following(name)));
    const sent = Object.entries(commandsSent(definition)).filter(([name]) => before.has(name));
    expect(sent.map(([, command]) => command)).toEqual(['inspect-host']);
  });

  it('readings lie half of the confirmation time apart, so that three of them span it', () => {
    expect(stateOf('Wait before the next reading').state).toMatchObject(HALF_THE_CONFIRMATION);
  });
});

describe('from the moment in which authentication may be disabled', () => {
  const toggling = states.filter(({ state }) => assignmentsOf('toggled', state).includes(true));

  it('an execution knows it: it is written down on each way to the state that disables it, and never taken back', () => {
    expect(toggling.map(({ name }) => name)).toEqual(['What comes next?']);
    const leading = states.flatMap(({ name }) => (following(name).includes(TOGGLE) ? [name] : []));
    expect(leading).toEqual(['What comes next?']);
    const { state } = stateOf('What comes next?');
    const choices = 'Choices' in state ? state.Choices : [];
    expect(choices.filter(({ Next }) => Next === TOGGLE)).toMatchObject([{ Assign: { toggled: true } }]);
    expect(choices.filter(({ Assign }) => Assign).map(({ Next }) => Next)).toEqual([TOGGLE]);
    const others = states.filter(({ name }) => name !== 'What comes next?');
    expect(
      others.flatMap(({ name, state: other }) => assignmentsOf('toggled', other).map((value) => [name, value])),
    ).toEqual([['Load cluster', false]]);
    expect(reachableFrom([TOGGLE], following)).not.toContain('Load cluster');
  });

  it('an execution that asks whether it was to be disabled goes by what is written down', () => {
    expect(stateOf(ASK).state).toMatchObject({ Choices: [{ Condition: '{% $toggled %}', Next: 'Keep the error' }] });
  });

  it('no way leads to a failure but through enabling it', () => {
    const around = reachableFrom([TOGGLE], (name) => (name === ENABLE ? [] : followingToggled(name)));
    expect([...around].filter((name) => followingToggled(name).length === 0)).toEqual(['Tokens are taken']);
    expect(reachableFrom([TOGGLE], followingToggled)).toContain(STOP);
  });

  it('no way leads to the report of a success but through the proof that every member refuses strangers', () => {
    const around = reachableFrom([TOGGLE], (name) =>
      ['Verify tokens', ENABLE].includes(name) ? [] : followingToggled(name),
    );
    expect([...around].filter((name) => followingToggled(name).length === 0)).toEqual([]);
  });

  it('nothing ends the attempts to enable it but that it is certain', () => {
    const trying = reachableFrom([ENABLE], (name) => (name === 'Was there an error?' ? [] : following(name)));
    expect([...trying].toSorted()).toEqual(
      [
        ...[ENABLE, PAGE, 'Wait before enabling it again'],
        ...['Could a step still disable it?', 'Wait until no step can disable it', 'Was there an error?'],
        'Page that authentication is enabled',
      ].toSorted(),
    );
  });

  it('the error goes on under its own name, with what enabling it came to', () => {
    expect(stateOf('Was there an error?').state).toMatchObject({
      Choices: [
        {
          Next: TELL,
          Output: {
            error: '{% $failure.error %}',
            cause: expect.stringMatching(/\$failure\.cause.*\$enabled\.summary/),
          },
        },
      ],
    });
  });
});

describe('the time', () => {
  it('is asked for in short: five seconds for a member that starts, 30 between two attempts to enable', () => {
    expect(stateOf('Wait for the restarted member').state).toMatchObject({ Type: 'Wait', Seconds: 5 });
    expect(stateOf('Wait before enabling it again').state).toMatchObject({ Type: 'Wait', Seconds: 30 });
  });

  it('is two hours at most, enough for the longest confirmation and seven members at their slowest', () => {
    expect(definition.TimeoutSeconds).toBe(2 * 3600);
    const restartSeconds = HOST_COMMANDS['control-service'].timeoutSeconds;
    // A restarted member is waited for 36 times.
    expect(definition.TimeoutSeconds).toBeGreaterThan(3600 + 7 * (restartSeconds + 36 * 5));
  });
});
