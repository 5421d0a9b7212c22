import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import type { MapState } from '../../local/asl/types.ts';
import { reachableFrom } from './definitions.ts';
import { commandsOf, commandsSent, HALF_THE_CONFIRMATION, runbookDefinition } from './runbook-definition.ts';
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
      'Has a member failed?': ['Nothing to do', 'Wait before the next reading', 'Look at the old host'],
      'Wait before the next reading': ['Assess members'],
      'Look at the old host': ['Inspect hosts'],
      'Inspect old host': ['Has the look at the old host ended?'],
      'Has the look at the old host ended?': ['Report the look at the old host', 'Wait for the look at the old host'],
      'Wait for the look at the old host': ['The look at the old host: how is it?'],
      'The look at the old host: how is it?': ['Has the look at the old host ended?'],
      'Report the look at the old host': [],
      'Report the failure of the look at the old host': [],
      'Inspect hosts': ['Plan replacement'],
      'Inspect host': ['Has the inspection ended?'],
      'Has the inspection ended?': ['Keep the inspection', 'Wait for the inspection'],
      'Wait for the inspection': ['The inspection: how is it?'],
      'The inspection: how is it?': ['Has the inspection ended?'],
      'Keep the inspection': [],
      'Plan replacement': ['Is anything left to do?'],
      'Is anything left to do?': ['All came back', 'Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Choose next change'],
      'Choose next change': ['What comes next?'],
      'What comes next?': [
        'Stop service',
        'Move data aside',
        'Remove member',
        'Add member',
        'Write membership',
        'Start service',
        'Wait for member',
        'Promote member',
        'Look why it does not join',
        'Prove writes on every member',
      ],
      'Stop service': ['Has the host command ended?'],
      'Move data aside': ['Has the host command ended?'],
      'Remove member': ['Choose next change'],
      'Add member': ['Choose next change'],
      'Write membership': ['Has the host command ended?'],
      'Start service': ['Has the host command ended?'],
      'Wait for member': ['Choose next change'],
      'Promote member': ['Choose next change'],
      'Look why it does not join': ['Has the look ended?'],
      'Has the look ended?': ['The member does not join', 'Wait for the look'],
      'Wait for the look': ['The look: how is it?'],
      'The look: how is it?': ['Has the look ended?'],
      'Has the host command ended?': ['Choose next change', 'Wait for the host command'],
      'Wait for the host command': ['The host command: how is it?'],
      'The host command: how is it?': ['Has the host command ended?'],
      'Prove writes on every member': ['Compare hashes'],
      'Compare hashes': ['Member replaced'],
      [TELL]: ['Tell what was changed', UNDO],
      'Tell what was changed': [UNDO],
      [UNDO]: ['Start services again', STOP],
      'Start services again': [STOP],
      'Start service again': ['Has the restart ended?'],
      'Has the restart ended?': ['Service runs again', 'Wait for the restart'],
      'Wait for the restart': ['The restart: how is it?'],
      'The restart: how is it?': ['Has the restart ended?'],
      'Service runs again': [],
      'Service does not run again': [],
      'Nothing to do': [],
      'All came back': [],
      Planned: [],
      'Member replaced': [],
      'The member does not join': [TELL],
      'The host cannot tell why': [TELL],
      [STOP]: [],
    });
  });

  it('stops at an error before the first change, and later looks whether there is a service to start again', () => {
    expect(waysOfErrors()).toEqual({
      'Load cluster': [STOP],
      'Assess members': [STOP],
      'Look at the old host': [STOP],
      'Inspect old host': ['Report the failure of the look at the old host'],
      'The look at the old host: how is it?': ['Report the failure of the look at the old host'],
      'Inspect hosts': [STOP],
      'Inspect host': [],
      'The inspection: how is it?': [],
      'Plan replacement': [STOP],
      'Choose next change': [TELL],
      'Stop service': [TELL],
      'Move data aside': [TELL],
      'Remove member': [TELL],
      'Add member': [TELL],
      'Write membership': [TELL],
      'Start service': [TELL],
      'Wait for member': [TELL],
      'Promote member': [TELL],
      'Look why it does not join': ['The host cannot tell why'],
      'The look: how is it?': ['The host cannot tell why'],
      'The host command: how is it?': [TELL],
      'Compare hashes': [TELL],
      'Prove writes on every member': [TELL],
      'Tell what was changed': [UNDO],
      'Start services again': [STOP],
      'Start service again': ['Service does not run again'],
      'The restart: how is it?': ['Service does not run again'],
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
    ['Inspect old host', 'run-host-command'],
    ['The look at the old host: how is it?', 'run-host-command'],
    ['Inspect host', 'run-host-command'],
    ['The inspection: how is it?', 'run-host-command'],
    ['Stop service', 'run-host-command'],
    ['Move data aside', 'run-host-command'],
    ['Write membership', 'run-host-command'],
    ['Start service', 'run-host-command'],
    ['Look why it does not join', 'run-host-command'],
    ['The look: how is it?', 'run-host-command'],
    ['The host command: how is it?', 'run-host-command'],
    ['Start service again', 'run-host-command'],
    ['The restart: how is it?', 'run-host-command'],
    ['Compare hashes', 'compare-hashes'],
    ['Prove writes on every member', 'prove-writes'],
    ['Tell what was changed', 'tell-changes'],
  ])('runs in the state "%s" the step %s', expectStep);

  it('sends each command from the states that are named after it, and none that moves data back', () => {
    expect(commandsSent(definition)).toEqual({
      'Inspect old host': 'inspect-host',
      'Inspect host': 'inspect-host',
      'Stop service': 'control-service',
      'Move data aside': 'archive-data-dir',
      'Write membership': 'configure-membership',
      'Start service': 'control-service',
      'Look why it does not join': 'inspect-host',
      'Start service again': 'control-service',
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
    for (const name of ['The member does not join', 'The host cannot tell why']) {
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
    for (const { name } of changing.filter(({ around }) => around.length === 0)) {
      expect(throughIt, name).toContain(name);
      expect(without, name).not.toContain(name);
    }
  });

  it('nothing is asked of a host but to be looked at', () => {
    const { ItemProcessor } = stateOf('Inspect hosts').state as MapState;
    expect(commandsOf(ItemProcessor)).toEqual(['inspect-host', '{% $inspection.command %}']);
  });

  it('readings lie half of the confirmation time apart, so that three of them span it', () => {
    expect(stateOf('Wait before the next reading').state).toMatchObject(HALF_THE_CONFIRMATION);
  });

  it('hosts are looked at together, though not by more than five functions at once', () => {
    expect(stateOf('Inspect hosts').state).toMatchObject({ MaxConcurrency: 5 });
  });
});

describe('after an error', () => {
  it('no change is made to the cluster any more, and no data is moved: services are started, and nothing else', () => {
    const main = [...after(UNDO)];
    expect(main.toSorted()).toEqual([UNDO, 'Start services again', STOP].toSorted());
    const { ItemProcessor } = stateOf('Start services again').state as MapState;
    expect(Object.keys(ItemProcessor.States).toSorted()).toEqual(
      [
        'Start service again',
        'Has the restart ended?',
        'Wait for the restart',
        'The restart: how is it?',
        'Service runs again',
        'Service does not run again',
      ].toSorted(),
    );
  });

  it('the error goes on under its own name, whatever becomes of the services', () => {
    const { Output, Catch } = stateOf('Start services again').state as MapState;
    expect(Output).toMatchObject({ error: '{% $states.input.error %}' });
    expect(Catch).toMatchObject([{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}' }]);
  });
});

describe('the time', () => {
  it.each(['Wait for the inspection', 'Wait for the host command', 'Wait for the look', 'Wait for the restart'])(
    '%s: ten seconds between two questions',
    (name) => {
      expect(stateOf(name).state).toMatchObject({ Type: 'Wait', Seconds: 10 });
    },
  );

  it('is four hours at most', () => {
    expect(definition.TimeoutSeconds).toBe(4 * 3600);
  });

  it('is enough for two members and their restart, with every host command at its slowest', () => {
    const sent = commandsOf(definition) as HostCommandName[];
    const slowest = Math.max(...sent.map((command) => HOST_COMMANDS[command]?.timeoutSeconds ?? 0));
    // Inspected, stopped, moved aside, configured, started; started again.
    expect(definition.TimeoutSeconds).toBeGreaterThan(2 * 6 * slowest);
  });
});
