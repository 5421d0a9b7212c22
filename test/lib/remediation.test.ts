import { describe, expect, it } from 'vitest';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { stateMachineArn } from '../../local/asl/arn.ts';
import type { TaskState } from '../../local/asl/definition.ts';
import {
  ASK,
  callsOfAws,
  catchers,
  pagesOf,
  RUN,
  reachableFrom,
  statesOf,
  successors,
  tasksOf,
} from './definitions.ts';
import { DYNAMODB } from './lock-table.ts';
import { definitionOf, ENTRY, FLEET, functionOf, synthesizeStacks } from './stacks.ts';

/** The entry workflow as a graph; what its executions come to is in the other tests of its name. */

const stacks = synthesizeStacks(FLEET);
const definition = definitionOf(stacks, ENTRY);
const states = statesOf(definition);
const names = states.map(({ name }) => name);

const TAKEN_BY = ['Take the lock', 'Take over the lock'];
const FIRST_WITH_LOCK = 'Diagnose cluster';
const GIVE_BACK = 'Give the lock back';

function following(name: string): string[] {
  const { state } = states.find((placed) => placed.name === name) ?? {};
  if (!state) throw new Error(`There is no state "${name}".`);
  return [...successors(state), ...catchers(state)];
}

/** The states that an execution may come to from here without giving the lock back. */
function reachedWithout(start: readonly string[], without: readonly string[]): string[] {
  return [...reachableFrom(start, (name) => (without.includes(name) ? [] : following(name)))];
}

const ENDS = states.filter(({ name }) => following(name).length === 0);

describe('the entry workflow', () => {
  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(Object.fromEntries(states.map(({ name, state }) => [name, successors(state)]))).toEqual({
      'Load cluster': ['Take the lock'],
      'Take the lock': [FIRST_WITH_LOCK],
      'Who holds the lock?': ['Is the lock held?'],
      'Is the lock held?': ['Already in progress', 'Take the lock', 'Look at the holder'],
      'Look at the holder': ['Is the holder running?'],
      'Is the holder running?': ['Did an alarm start it?', 'Take over the lock'],
      'Did an alarm start it?': ['Pass the alarm on to the holder', 'Already in progress'],
      'Pass the alarm on to the holder': ['Already in progress'],
      'Take over the lock': [FIRST_WITH_LOCK],
      'Already in progress': [],
      'Was the input wrong?': ['Stop with the error', 'Page that it could not begin'],
      'Page that it could not begin': ['Stop with the error'],
      'Stop with the error': [],
      [FIRST_WITH_LOCK]: ['Choose runbook'],
      'Choose runbook': ['Is there anything to do?'],
      'Is there anything to do?': [
        'Which runbook?',
        'Wait for an approval',
        'End with the error of the runbook',
        'Record the outcome',
      ],
      'Which runbook?': [...Object.values(RUNBOOKS).map(({ runbook }) => `Run ${runbook}`), 'There is no such runbook'],
      ...Object.fromEntries(
        Object.values(RUNBOOKS).map(({ runbook }) => [`Run ${runbook}`, ['Did the runbook only plan?']]),
      ),
      'There is no such runbook': ['Record the error'],
      'Did the runbook only plan?': ['Was a dry run asked for?', 'Record the round'],
      'Record the round': [FIRST_WITH_LOCK],
      'May another incident have stopped it?': ['Record the failure', 'Record the error'],
      'Record the failure': [FIRST_WITH_LOCK],
      'End with the error of the runbook': ['Record the error'],
      'Had a runbook failed before?': ['End with the error of the runbook', 'Record the error'],
      'Was a dry run asked for?': ['Record the plan', 'Prepare the question'],
      'Prepare the question': ['Page that an approval is wanted'],
      'Page that an approval is wanted': ['Wait for an approval'],
      'Wait for an approval': ['Is it approved?'],
      'Is it approved?': ['Withdraw the question', 'It was rejected'],
      'Is there time left to answer?': [FIRST_WITH_LOCK, 'Nobody has answered'],
      'Withdraw the question': [FIRST_WITH_LOCK],
      'It was rejected': ['Record the error'],
      'Nobody has answered': ['Record the error'],
      'The lock is lost': ['Record the error'],
      'Record the error': ['Is a page needed?'],
      'Is a page needed?': ['Record how it ended', 'Page that it has failed'],
      'Page that it has failed': ['Note that a person was called'],
      'Note that a person was called': ['Record how it ended'],
      'Record the plan': ['Is anything still wrong?'],
      'Record the outcome': ['Is anything still wrong?'],
      'Is anything still wrong?': ['Record how it ended', 'Forget that a person was called'],
      'Forget that a person was called': ['Was a person called before?'],
      'Was a person called before?': ['Page that it is resolved', 'Record how it ended'],
      'Page that it is resolved': ['Record how it ended'],
      'Record how it ended': [GIVE_BACK],
      [GIVE_BACK]: ['Did an alarm come in meanwhile?'],
      'Did an alarm come in meanwhile?': ['Start another one for it', 'How did it end?'],
      'Start another one for it': ['How did it end?'],
      'Page that no other one was started': ['How did it end?'],
      'How did it end?': ['Remediated', 'Nothing to do', 'Planned', 'Stop with the error that ended it'],
      Remediated: [],
      'Nothing to do': [],
      Planned: [],
      'Stop with the error that ended it': [],
    });
  });

  it('leads from every state with the lock over the one that gives it back, and by no other way to an end', () => {
    // What is entered once the lock is taken, and what may follow.
    const entered = TAKEN_BY.flatMap((name) => successors(Object(definition.States[name])));
    expect(new Set(entered)).toEqual(new Set([FIRST_WITH_LOCK]));
    const ends = reachedWithout(entered, [GIVE_BACK]).filter((name) => following(name).length === 0);
    expect(ends).toEqual([]);
  });

  it('does nothing to a cluster before it has the lock', () => {
    const before = reachedWithout([definition.StartAt], [FIRST_WITH_LOCK]).filter((name) => name !== FIRST_WITH_LOCK);
    expect(before.toSorted()).toEqual(
      [
        ...['Load cluster', 'Was the input wrong?', 'Page that it could not begin', 'Stop with the error'],
        ...[...TAKEN_BY, 'Who holds the lock?', 'Is the lock held?', 'Look at the holder', 'Is the holder running?'],
        ...['Did an alarm start it?', 'Pass the alarm on to the holder', 'Already in progress'],
      ].toSorted(),
    );
  });

  it('comes back to taking the lock by no way, once it has it', () => {
    expect(reachedWithout([FIRST_WITH_LOCK], []).filter((name) => TAKEN_BY.includes(name))).toEqual([]);
  });

  it('ends in a named outcome on every path, or in an error that has a name', () => {
    expect(
      Object.fromEntries(ENDS.map(({ name, state }) => [name, [state.Type, Object(state).Output?.outcome]])),
    ).toEqual({
      'Already in progress': ['Succeed', 'AlreadyInProgress'],
      Remediated: ['Succeed', 'Remediated'],
      'Nothing to do': ['Succeed', 'NothingToDo'],
      Planned: ['Succeed', 'Planned'],
      'Stop with the error': ['Fail', undefined],
      'Stop with the error that ended it': ['Fail', undefined],
    });
    for (const name of names) {
      const ends = reachedWithout([name], []).filter((each) => following(each).length === 0);
      expect(ends, name).not.toEqual([]);
    }
  });

  it('has a comment for each state, and says itself what to start it with', () => {
    for (const { name, state } of states) expect(Object(state).Comment, name).toMatch(/^[A-Z].{10,}/);
    expect(Object(definition).Comment).toContain('{"cluster":"orders"}');
  });

  it('leaves no failure of a task uncaught', () => {
    for (const { name, state } of states.filter(({ state }) => state.Type === 'Task')) {
      expect((state as TaskState).Catch?.at(-1)?.ErrorEquals, name).toEqual(['States.ALL']);
    }
  });

  it('catches whatever happens once it has the lock on its one way out', () => {
    const withLock = reachedWithout([FIRST_WITH_LOCK], [GIVE_BACK]);
    const tasks = [...tasksOf(definition), ...callsOfAws(definition), ...pagesOf(definition)].filter(({ name }) =>
      withLock.includes(name),
    );
    expect(Object.fromEntries(tasks.map(({ name, state }) => [name, catchers(state)]))).toEqual({
      [FIRST_WITH_LOCK]: ['Had a runbook failed before?'],
      'Choose runbook': ['Record the error'],
      ...Object.fromEntries(
        Object.values(RUNBOOKS).map(({ runbook }) => [`Run ${runbook}`, ['May another incident have stopped it?']]),
      ),
      'Page that an approval is wanted': ['Wait for an approval'],
      'Wait for an approval': ['The lock is lost', 'Is there time left to answer?', 'Record the error'],
      'Withdraw the question': ['The lock is lost', 'Record the error'],
      ...Object.fromEntries(
        ['Page that it has failed', 'Note that a person was called', 'Forget that a person was called'].map((name) => [
          name,
          ['Record how it ended'],
        ]),
      ),
      'Page that it is resolved': ['Note that a person was called'],
      'Record how it ended': [GIVE_BACK],
      [GIVE_BACK]: ['How did it end?', 'How did it end?'],
    });
  });

  it.each([
    ['Load cluster', 'load-remediation'],
    ['Diagnose cluster', 'diagnose-cluster'],
    ['Choose runbook', 'choose-runbook'],
  ])('runs in the state "%s" the step %s', (name, step) => {
    const [logicalId] = functionOf(stacks.platform, step);
    const { Arguments } = definition.States[name] as TaskState;
    expect(Arguments).toMatchObject({
      FunctionName: expect.stringMatching(new RegExp(`:function:${logicalId}$`)),
      Payload: { step },
    });
  });

  it.each(Object.entries(RUNBOOKS))(
    'starts the runbook for %s, and waits for its end',
    (_, { runbook, stateMachineName }) => {
      expect(definition.States[`Run ${runbook}`]).toMatchObject({
        Resource: RUN,
        Arguments: { StateMachineArn: stateMachineArn(stateMachineName), Input: '{% $next.input %}' },
      });
    },
  );

  it('looks at the cluster every ten minutes while it waits for a person, and takes less time itself than its lock lasts', () => {
    expect(definition.States['Wait for an approval']).toMatchObject({ Resource: ASK, TimeoutSeconds: 600 });
    const lasts = definition.TimeoutSeconds ?? 0;
    expect(lasts).toBe(60 * 3600);
    for (const name of TAKEN_BY) {
      const { Arguments } = definition.States[name] as TaskState;
      const { expiresAt } = (Arguments as { Item: { expiresAt: { N: string } } }).Item;
      const seconds = Number(/\+ (\d+)\)/.exec(expiresAt.N)?.[1]);
      expect(seconds, name).toBeGreaterThan(lasts);
    }
  });

  it('changes the lock of nobody else: each call says whose it has to be', () => {
    const writes = callsOfAws(definition).filter(
      ({ state }) => state.Resource.startsWith(DYNAMODB) && !state.Resource.endsWith('getItem'),
    );
    const conditions = writes.map(({ name, state }) => [name, Object(state.Arguments).ConditionExpression]);
    expect(Object.fromEntries(conditions)).toEqual({
      'Take the lock': 'attribute_not_exists(id) OR #owner = :owner OR expiresAt < :now',
      'Take over the lock': '#owner = :holder OR #owner = :owner',
      // The holder's: word is left with nobody else.
      'Pass the alarm on to the holder': '#owner = :owner',
      'Wait for an approval': '#owner = :owner',
      'Withdraw the question': '#owner = :owner',
      [GIVE_BACK]: '#owner = :owner',
      // A record is its execution's own.
      'Record how it ended': undefined,
    });
  });
});
