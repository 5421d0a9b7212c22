import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import { catchers, reachableFrom, successors, tasksOf } from './definitions.ts';
import { commandsSent, HALF_THE_CONFIRMATION, payloadOf, runbookDefinition } from './runbook-definition.ts';
import { FLEET, quorumRecovery, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = quorumRecovery(stacks);
const { states, stateOf, following, expectStep } = runbookDefinition(stacks, definition);
const phases = tasksOf(definition).filter(({ state }) => 'commands' in payloadOf(state));
const STOP = 'Stop with the error';
const [UNTOUCHED, MOVED] = ['Note why nothing is restored', 'Note why data moves back'];
const KEPT = 'Tell what is kept';

/** The states of the main chain that can be entered from one on, errors included; without those behind `closed`. */
function statesAfter(name: string, closed = ''): Set<string> {
  return reachableFrom([name], (each) => (each === closed ? [] : following(each)));
}

describe('the definition', () => {
  it('goes from state to state in this order', () => {
    expect(definition.StartAt).toBe('Load cluster');
    expect(Object.fromEntries(states.map(({ name, state }) => [name, successors(state)]))).toEqual({
      'Load cluster': ['Assess quorum'],
      'Assess quorum': ['Is the quorum lost?'],
      'Is the quorum lost?': ['Nothing to do', 'Wait before the next reading', 'Inspect hosts'],
      'Wait before the next reading': ['Assess quorum'],

      'Inspect hosts': ['Choose rescue'],
      'Choose rescue': ['What may bring the quorum back?'],
      'What may bring the quorum back?': [
        ...['Undo the interrupted recovery', 'Close the interrupted recovery', 'Stop what has lost its data'],
        ...['Start what has data'],
        ...['Wait for quorum', 'Planned to finish an earlier recovery', 'Salvage data on every host'],
      ],
      'Undo the interrupted recovery': ['Did the undoing fail anywhere?'],
      'Did the undoing fail anywhere?': [STOP, 'Close the interrupted recovery'],
      'Close the interrupted recovery': ['Did the closing fail anywhere?'],
      'Did the closing fail anywhere?': [STOP, 'Inspect hosts'],
      'Stop what has lost its data': ['Did a stop of these fail?'],
      'Did a stop of these fail?': [STOP, 'Inspect hosts'],
      'Start what has data': ['Did enough start for a quorum?'],
      'Did enough start for a quorum?': ['Wait for quorum', 'Inspect hosts'],
      'Wait for quorum': ['Does a quorum follow a leader?'],
      'Does a quorum follow a leader?': ['Quorum came back', 'Verify recovery', 'Inspect hosts'],

      'Planned to finish an earlier recovery': [],
      'Salvage data on every host': ['Look into the backup'],
      'Look into the backup': ['Plan recovery'],
      'Plan recovery': ['Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Begin upload'],

      'Begin upload': ['Try and send the snapshot'],
      'Try and send the snapshot': ['Did the trial fail anywhere?'],
      'Did the trial fail anywhere?': [UNTOUCHED, 'Complete upload'],
      'Look once more': ['Did the quorum come back?'],
      'Did the quorum come back?': ['Discard what is not needed', 'Put restored data in place'],
      'Discard what is not needed': ['Discard unneeded upload'],
      'Discard unneeded upload': ['Quorum came back'],
      'Complete upload': ['Restore on every host'],
      'Restore on every host': ['Did the restore fail anywhere?'],
      'Did the restore fail anywhere?': [UNTOUCHED, 'Look once more'],
      'Put restored data in place': ['Did the placing fail anywhere?'],
      'Did the placing fail anywhere?': [MOVED, 'Start all services'],
      'Start all services': ['Did the start fail anywhere?'],
      'Did the start fail anywhere?': [KEPT, 'Verify recovery'],

      'Verify recovery': ['Can it take writes?'],
      'Can the others do without it?': ['Verify recovery', KEPT],
      'Compare hashes': ['Forget the recovery'],
      'Can it take writes?': ['Compare hashes', 'Prove writes on every member'],
      'Prove writes on every member': ['Compare hashes'],
      'Forget the recovery': ['Was data restored?'],
      'Was data restored?': ['Discard staged snapshot', 'Quorum restarted'],
      'Discard staged snapshot': ['Cluster restored'],

      [MOVED]: ['Move all data back'],
      'Move all data back': ['Start services again'],
      'Start services again': ['Is all data back?'],
      'Is all data back?': ['Was a snapshot staged?', 'Discard all scratch'],
      [UNTOUCHED]: ['Discard all scratch'],
      'Discard all scratch': ['Was a snapshot staged?'],
      'Was a snapshot staged?': ['Discard upload', 'Tell what was undone'],
      'Discard upload': ['Tell what was undone'],
      'Tell what was undone': [STOP],
      [KEPT]: [STOP],

      'Nothing to do': [],
      'Quorum came back': [],
      Planned: [],
      'Quorum restarted': [],
      'Cluster restored': [],
      [STOP]: [],
    });
  });

  it('leaves by the way that undoes what was done until then', () => {
    const caught = states.filter(({ state }) => state.Type === 'Task');
    expect(Object.fromEntries(caught.map(({ name, state }) => [name, catchers(state)]))).toEqual({
      'Load cluster': [STOP],
      'Assess quorum': [STOP],
      'Inspect hosts': [STOP],
      'Choose rescue': [STOP],
      'Undo the interrupted recovery': [STOP],
      'Close the interrupted recovery': [STOP],
      'Stop what has lost its data': [STOP],
      'Start what has data': [STOP],
      'Wait for quorum': [STOP],
      'Salvage data on every host': [UNTOUCHED],
      'Look into the backup': [UNTOUCHED],
      'Plan recovery': [UNTOUCHED],
      'Look once more': [UNTOUCHED],
      'Discard what is not needed': ['Quorum came back'],
      'Discard unneeded upload': ['Quorum came back'],
      'Begin upload': [UNTOUCHED],
      'Try and send the snapshot': [UNTOUCHED],
      'Complete upload': [UNTOUCHED],
      'Restore on every host': [UNTOUCHED],
      'Put restored data in place': [MOVED],
      'Start all services': [KEPT],
      'Verify recovery': ['Can the others do without it?'],
      'Compare hashes': [KEPT],
      'Prove writes on every member': [KEPT],
      'Forget the recovery': ['Was data restored?'],
      'Discard staged snapshot': ['Cluster restored'],
      'Move all data back': ['Start services again'],
      'Start services again': ['Is all data back?'],
      'Discard all scratch': ['Was a snapshot staged?'],
      'Discard upload': ['Tell what was undone'],
    });
  });

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess quorum', 'assess-quorum'],
    ['Choose rescue', 'choose-rescue'],
    ['Wait for quorum', 'wait-for-quorum'],
    ['Look once more', 'wait-for-quorum'],
    ['Plan recovery', 'plan-recovery'],
    ['Begin upload', 'stage-snapshot'],
    ['Complete upload', 'stage-snapshot'],
    ['Discard staged snapshot', 'stage-snapshot'],
    ['Discard upload', 'stage-snapshot'],
    ['Discard unneeded upload', 'stage-snapshot'],
    ['Verify recovery', 'verify-recovery'],
    ['Compare hashes', 'compare-hashes'],
    ['Prove writes on every member', 'prove-writes'],
    ['Inspect hosts', 'transfer-snapshots'],
    ['Look into the backup', 'transfer-snapshots'],
    ['Try and send the snapshot', 'transfer-snapshots'],
    ['Restore on every host', 'transfer-snapshots'],
    ['Undo the interrupted recovery', 'run-host-commands'],
    ['Close the interrupted recovery', 'run-host-commands'],
    ['Stop what has lost its data', 'run-host-commands'],
    ['Start what has data', 'run-host-commands'],
    ['Salvage data on every host', 'run-host-commands'],
    ['Discard what is not needed', 'run-host-commands'],
    ['Put restored data in place', 'run-host-commands'],
    ['Start all services', 'run-host-commands'],
    ['Forget the recovery', 'run-host-commands'],
    ['Move all data back', 'run-host-commands'],
    ['Start services again', 'run-host-commands'],
    ['Discard all scratch', 'run-host-commands'],
  ])('runs in the state "%s" the step %s', expectStep);

  it('sends each command from the states that are named after it', () => {
    expect(commandsSent(definition)).toEqual({
      'Inspect hosts': 'inspect-host',
      'Undo the interrupted recovery': 'revert-data-dir',
      'Close the interrupted recovery': 'discard-scratch',
      'Stop what has lost its data': 'control-service',
      'Start what has data': 'control-service',
      'Salvage data on every host': 'salvage-data-dir',
      'Look into the backup': 'examine-snapshot',
      'Discard what is not needed': 'discard-scratch',
      'Try and send the snapshot': 'send-snapshot',
      'Restore on every host': 'restore-snapshot',
      'Put restored data in place': 'swap-data-dir',
      'Start all services': 'start-restored',
      'Forget the recovery': 'discard-scratch',
      'Move all data back': 'revert-data-dir',
      'Start services again': 'control-service',
      'Discard all scratch': 'discard-scratch',
    });
  });
});

describe('a phase', () => {
  it.each(phases.map(({ name, state }) => [name, payloadOf(state)] as const))(
    '"%s" is sent to all hosts at once, for members that start wait for each other; only parts go one by one',
    (name, { atOnce }) => {
      expect(atOnce).toBe(name === 'Try and send the snapshot' ? 1 : undefined);
    },
  );
});

describe('before anything is stopped and data is moved', () => {
  it.each([
    ...['Plan recovery', 'Is this a dry run?', 'Try and send the snapshot', 'Did the trial fail anywhere?'],
    ...['Restore on every host', 'Did the restore fail anywhere?', 'Look once more', 'Did the quorum come back?'],
  ])('the way leads through "%s"', (name) => {
    expect(statesAfter('Load cluster')).toContain('Put restored data in place');
    expect(statesAfter('Load cluster', name)).not.toContain('Put restored data in place');
  });

  it('readings lie half of the confirmation time apart, so that three of them span it', () => {
    expect(stateOf('Wait before the next reading').state).toMatchObject(HALF_THE_CONFIRMATION);
  });
});

describe('before a member is started', () => {
  it.each(['Put restored data in place', 'Did the placing fail anywhere?'])('the way leads through "%s"', (name) => {
    expect(statesAfter('Load cluster')).toContain('Start all services');
    expect(statesAfter('Load cluster', name)).not.toContain('Start all services');
  });
});

describe('once a member may have been started', () => {
  it('no data is moved any more, and nothing is stopped', () => {
    const later = [...statesAfter('Start all services')];
    expect(later).toContain(KEPT);
    for (const name of ['Move all data back', 'Put restored data in place', 'Discard all scratch']) {
      expect(later).not.toContain(name);
    }
  });
});

describe('on the way back', () => {
  it.each([UNTOUCHED, MOVED])('from "%s" nothing is restored, stopped or placed any more', (way) => {
    const later = [...statesAfter(way)];
    expect(later).toContain(STOP);
    const allowed = [UNTOUCHED, MOVED, 'Move all data back', 'Start services again'].concat(
      ...[
        'Is all data back?',
        'Discard all scratch',
        'Was a snapshot staged?',
        'Discard upload',
        'Tell what was undone',
      ],
      STOP,
    );
    for (const name of later) expect(allowed).toContain(name);
  });

  it('no data is moved where none was', () => {
    expect(statesAfter(UNTOUCHED)).not.toContain('Move all data back');
    expect(statesAfter(UNTOUCHED)).not.toContain('Start services again');
  });
});

describe('the time', () => {
  it('is thirteen hours at most, which is enough for every host command at its slowest, and for each of eight parts to take 40 minutes', () => {
    expect(definition.TimeoutSeconds).toBe(13 * 3600);
    const slowest = phases
      .map(({ state }) => HOST_COMMANDS[payloadOf(state).command as HostCommandName].timeoutSeconds)
      .reduce<number>((sum, each) => sum + each, 0);
    expect(slowest + 8 * 40 * 60).toBeLessThan(13 * 3600);
  });
});
