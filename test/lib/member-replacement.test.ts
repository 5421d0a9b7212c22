import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import type { TaskState } from '../../local/asl/definition.ts';
import { reachableFrom } from './definitions.ts';
import { commandsSent, HALF_THE_CONFIRMATION, payloadOf, runbookDefinition } from './runbook-definition.ts';
import { FLEET, memberReplacement, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = memberReplacement(stacks);
const { states, stateOf, following, waysOn, waysOfErrors, ends, expectStep } = runbookDefinition(stacks, definition);
const STOP = 'Stop with the error';
const UNDO = 'Is there a service to start again?';
const TELL = 'Was anything changed?';

/** The states of the main chain that can be entered from one on, errors included. */
function after(name: string): Set<string> {
  return reachableFrom([name], following);
}

describe('the definition', () => {
  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(waysOn()).toEqual({
      'Load cluster': ['Assess members'],
      'Assess members': ['Has a member failed?'],
      'Has a member failed?': ['Nothing to do', 'Wait before the next reading', 'Inspect hosts'],
      'Wait before the next reading': ['Assess members'],
      'Inspect hosts': ['Did an inspection fail?'],
      'Did an inspection fail?': [STOP, 'Plan replacement'],
      'Plan replacement': ['Is anything left to do?'],
      'Is anything left to do?': ['All came back', 'Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Choose next change'],
      'Choose next change': ['What comes next?'],
      'What comes next?': [
        'Stop service',
        'Move data aside',
        'Remove member',
        'Add member',
        'Write membership and start',
        'Wait for member',
        'Promote member',
        'Inspect why it does not join',
        'Prove writes on every member',
      ],
      'Stop service': ['Did the command fail?'],
      'Move data aside': ['Did the command fail?'],
      'Remove member': ['Choose next change'],
      'Add member': ['Choose next change'],
      'Write membership and start': ['Did the command fail?'],
      'Wait for member': ['Choose next change'],
      'Promote member': ['Choose next change'],
      'Inspect why it does not join': ['Did this inspection fail?'],
      'Did this inspection fail?': ['The host cannot say why', 'The member does not join'],
      'Did the command fail?': [TELL, 'Choose next change'],
      'Prove writes on every member': ['Compare hashes'],
      'Compare hashes': ['Member replaced'],
      [TELL]: ['Explain what was changed', UNDO],
      'Explain what was changed': [UNDO],
      [UNDO]: ['Start services again', STOP],
      'Start services again': [STOP],
      'Nothing to do': [],
      'All came back': [],
      Planned: [],
      'Member replaced': [],
      'The member does not join': [TELL],
      'The host cannot say why': [TELL],
      [STOP]: [],
    });
  });

  it('stops at an error before the first change, and later looks whether there is a service to start again', () => {
    expect(waysOfErrors()).toEqual({
      'Load cluster': [STOP],
      'Assess members': [STOP],
      'Inspect hosts': [STOP],
      'Plan replacement': [STOP],
      'Choose next change': [TELL],
      'Stop service': [TELL],
      'Move data aside': [TELL],
      'Remove member': [TELL],
      'Add member': [TELL],
      'Write membership and start': [TELL],
      'Wait for member': [TELL],
      'Promote member': [TELL],
      'Inspect why it does not join': ['The host cannot say why'],
      'Compare hashes': [TELL],
      'Prove writes on every member': [TELL],
      'Explain what was changed': [UNDO],
      'Start services again': [STOP],
    });
  });

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess members', 'assess-members'],
    ['Plan replacement', 'plan-replacement'],
    ['Choose next change', 'choose-next-change'],
    ['Remove member', 'change-membership'],
    ['Add member', 'change-membership'],
    ['Promote member', 'change-membership'],
    ['Wait for member', 'wait-for-member'],
    ['Inspect hosts', 'run-host-commands'],
    ['Stop service', 'run-host-commands'],
    ['Move data aside', 'run-host-commands'],
    ['Write membership and start', 'run-host-commands'],
    ['Inspect why it does not join', 'run-host-commands'],
    ['Start services again', 'run-host-commands'],
    ['Compare hashes', 'compare-hashes'],
    ['Prove writes on every member', 'prove-writes'],
    ['Explain what was changed', 'explain-changes'],
  ])('runs in the state "%s" the step %s', expectStep);

  it('sends each command from the states that are named after it, and none that moves data back', () => {
    expect(commandsSent(definition)).toEqual({
      'Inspect hosts': 'inspect-host',
      'Stop service': 'control-service',
      'Move data aside': 'archive-data-dir',
      'Write membership and start': 'join-cluster',
      'Inspect why it does not join': 'inspect-host',
      'Start services again': 'control-service',
    });
  });

  it('ends in one of four reports, or in the error', () => {
    expect(ends()).toEqual({
      'Nothing to do': 'Succeed',
      'All came back': 'Succeed',
      Planned: 'Succeed',
      'Member replaced': 'Succeed',
      [STOP]: 'Fail',
    });
    for (const name of ['The member does not join', 'The host cannot say why']) {
      expect(stateOf(name).state).toMatchObject({ Output: { error: 'VerificationFailed' } });
    }
  });
});

describe('before the first change', () => {
  it('a dry run has ended: no change is reached but through the question that it ends at', () => {
    const throughIt = after('Is this a dry run?');
    const changing = states.filter(({ name }) =>
      /^(Choose|Stop service|Move|Remove|Add|Write|Start|Promote)/.test(name),
    );
    expect(changing.length).toBeGreaterThan(7);
    const without = reachableFrom(['Load cluster'], (name) => (name === 'Is this a dry run?' ? [] : following(name)));
    for (const { name } of changing) {
      expect(throughIt, name).toContain(name);
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

  it('hosts are looked at together, though no more than five at once', () => {
    expect(payloadOf(stateOf('Inspect hosts').state as TaskState)).toMatchObject({ atOnce: 5 });
  });
});

describe('after an error', () => {
  it('no change is made to the cluster any more, and no data is moved: services are started, and nothing else', () => {
    const main = [...after(UNDO)];
    expect(main.toSorted()).toEqual([UNDO, 'Start services again', STOP].toSorted());
    expect(commandsSent(definition)['Start services again']).toBe('control-service');
  });

  it('the error goes on under its own name, whatever becomes of the services', () => {
    const { Output, Catch } = stateOf('Start services again').state as TaskState;
    const itsName = { error: '{% $states.input.error %}' };
    expect(Output).toMatchObject(itsName);
    expect(Catch).toMatchObject([{ ErrorEquals: ['States.ALL'], Output: itsName }]);
  });
});

describe('the time', () => {
  it('is four hours at most', () => {
    expect(definition.TimeoutSeconds).toBe(4 * 3600);
  });

  it('is enough for two members and their restart, with every host command at its slowest', () => {
    const sent = Object.values(commandsSent(definition)) as HostCommandName[];
    const slowest = Math.max(...sent.map((command) => HOST_COMMANDS[command]?.timeoutSeconds ?? 0));
    // Inspected, stopped, moved aside, configured and started; started again.
    expect(definition.TimeoutSeconds).toBeGreaterThan(2 * 5 * slowest);
  });
});
