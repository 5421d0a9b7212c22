import { describe, expect, it } from 'vitest';
import type { TaskState } from '../../local/asl/definition.ts';
import { catchers, statesOf, successors, tasksOf } from './definitions.ts';
import { FLEET, functionOf, spaceReclaim, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = spaceReclaim(stacks);
const states = statesOf(definition);
const ERROR_STATE = 'Stop with the error';

describe('the definition', () => {
  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(Object.fromEntries(states.map(({ name, state }) => [name, successors(state)]))).toEqual({
      'Load cluster': ['Assess space'],
      'Assess space': ['Is there anything to reclaim?'],
      'Is there anything to reclaim?': ['Nothing to do', 'Inspect hosts', 'Is this a dry run?'],
      'Inspect hosts': ['Check free disk space'],
      'Check free disk space': ['Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Compact history'],
      'Compact history': ['Defragment member'],
      'Choose next defragmentation': ['What comes next?'],
      'What comes next?': ['Move leadership', 'Defragment member', 'Choose next defragmentation', 'Disarm alarms'],
      'Move leadership': ['Defragment member'],
      'Defragment member': ['What comes next?'],
      'Disarm alarms': ['Prove writes on every member'],
      'Prove writes on every member': ['Count keys'],
      'Count keys': ['Space reclaimed'],
      'Nothing to do': [],
      Planned: [],
      'Space reclaimed': [],
      'Explain what was changed': [ERROR_STATE],
      [ERROR_STATE]: [],
    });
  });

  it.each(tasksOf(definition).map(({ name, state }) => [name, state] as const))(
    '%s ends the execution with the error that nothing cured, but for a look at hosts or keys',
    (name, state) => {
      const others: Record<string, string> = {
        'Load cluster': ERROR_STATE,
        'Inspect hosts': 'Check free disk space',
        'Count keys': 'Space reclaimed',
      };
      expect(catchers(state)).toEqual([others[name] ?? 'Explain what was changed']);
    },
  );

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess space', 'assess-space'],
    ['Inspect hosts', 'run-host-commands'],
    ['Check free disk space', 'weigh-room'],
    ['Compact history', 'compact-history'],
    ['Choose next defragmentation', 'choose-next-defragmentation'],
    ['Move leadership', 'move-leadership'],
    ['Defragment member', 'defragment-member'],
    ['Disarm alarms', 'disarm-alarms'],
    ['Prove writes on every member', 'prove-writes'],
    ['Count keys', 'count-keys'],
  ])('runs in the state "%s" the step %s', (name, step) => {
    const [logicalId] = functionOf(stacks.platform, step);
    const { Arguments } = definition.States[name] as TaskState;
    expect(Arguments).toMatchObject({
      FunctionName: expect.stringMatching(new RegExp(`:function:${logicalId}$`)),
      Payload: { step },
    });
  });

  it('counts keys once, for nothing depends on them', () => {
    const retried = tasksOf(definition).filter(({ state }) => !state.Retry);
    expect(retried.map(({ name }) => name)).toEqual(['Count keys']);
  });

  it('ends in one of three reports or in the error', () => {
    const ends = states.filter(({ state }) => successors(state).length === 0);
    expect(Object.fromEntries(ends.map(({ name, state }) => [name, state.Type]))).toEqual({
      'Nothing to do': 'Succeed',
      Planned: 'Succeed',
      'Space reclaimed': 'Succeed',
      [ERROR_STATE]: 'Fail',
    });
  });

  it('ends by itself after four hours, longer than seven members take at their slowest, twice each', () => {
    const [, { Timeout }] = functionOf(stacks.platform, 'defragment-member');
    expect(definition.TimeoutSeconds).toBe(4 * 3600);
    expect(definition.TimeoutSeconds).toBeGreaterThan(2 * 7 * Timeout);
  });
});
