import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { catchers, reachableFrom, successors, tasksOf } from './definitions.ts';
import { commandsSent, payloadOf, runbookDefinition } from './runbook-definition.ts';
import { FLEET, quorumRecovery, synthesizeStacks } from './stacks.ts';

const stacks = synthesizeStacks(FLEET);
const definition = quorumRecovery(stacks);
const { states, following, expectStep } = runbookDefinition(stacks, definition);
const phases = tasksOf(definition).filter(({ state }) => 'commands' in payloadOf(state));
const STOP = 'Stop with the error';
const [UNTOUCHED, MOVED] = ['Record why nothing is restored', 'Record why data moves back'];
const KEPT = 'Explain what is kept';

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
      'Is the quorum lost?': [
        ...['Nothing to do', 'Wait before the hosts are inspected', 'Wait before the next reading', 'Choose recovery'],
        'Inspect hosts',
      ],
      'Wait before the next reading': ['Assess quorum'],
      'Wait before the hosts are inspected': ['Inspect hosts'],

      'Inspect hosts': ['Is the loss confirmed?'],
      'Is the loss confirmed?': ['Wait before the next reading', 'Choose recovery'],
      'Choose recovery': ['What may bring the quorum back?'],
      'What may bring the quorum back?': [
        ...['Undo the interrupted recovery', 'Finish the interrupted recovery', 'Stop what has lost its data'],
        ...['Start what has data', 'Wait for quorum', 'Planned to finish an earlier recovery'],
        'Snapshot data on every host',
      ],
      'Undo the interrupted recovery': ['Did undoing fail anywhere?'],
      'Did undoing fail anywhere?': [STOP, 'Finish the interrupted recovery'],
      'Finish the interrupted recovery': ['Did finishing fail anywhere?'],
      'Did finishing fail anywhere?': [STOP, 'Inspect hosts'],
      'Stop what has lost its data': ['Did a stop of these fail?'],
      'Did a stop of these fail?': [STOP, 'Inspect hosts'],
      'Start what has data': ['Did enough start for a quorum?'],
      'Did enough start for a quorum?': ['Wait for quorum', 'Inspect hosts'],
      'Wait for quorum': ['Does a quorum follow a leader?'],
      'Does a quorum follow a leader?': ['Quorum came back', 'Verify recovery', 'Inspect hosts'],

      'Planned to finish an earlier recovery': [],
      'Snapshot data on every host': ['Is a backup to be found?'],
      'Is a backup to be found?': ['Look for backups', 'Fetch the backup'],
      'Look for backups': ['Fetch the backup'],
      'Fetch the backup': ['Is the backup damaged?'],
      'Is the backup damaged?': ['Look for backups', 'Plan recovery'],
      'Plan recovery': ['Is this a dry run?'],
      'Is this a dry run?': ['Planned', 'Does it take several parts?'],

      'Does it take several parts?': ['Send the snapshot', 'Begin upload'],
      'Begin upload': ['Send the snapshot'],
      'Send the snapshot': ['Did sending fail anywhere?'],
      'Did sending fail anywhere?': [UNTOUCHED, 'Restore on every host', 'Complete upload'],
      'Check for a quorum once more': ['Did the quorum come back?'],
      'Did the quorum come back?': ['Discard unneeded scratch folders', 'Put restored data in place'],
      'Discard unneeded scratch folders': ['Discard unneeded upload'],
      'Discard unneeded upload': ['Quorum came back'],
      'Complete upload': ['Restore on every host'],
      'Restore on every host': ['Did the restore fail anywhere?'],
      'Did the restore fail anywhere?': [UNTOUCHED, 'Check for a quorum once more'],
      'Put restored data in place': ['Did the swap fail anywhere?'],
      'Did the swap fail anywhere?': [MOVED, 'Start all services'],
      'Start all services': ['Did the start fail anywhere?'],
      'Did the start fail anywhere?': [KEPT, 'Verify recovery'],

      'Verify recovery': ['Can it take writes?'],
      'Can the others do without it?': ['Verify recovery', KEPT],
      'Compare hashes': ['Clear the recovery marks'],
      'Can it take writes?': ['Compare hashes', 'Prove writes on every member'],
      'Prove writes on every member': ['Compare hashes'],
      'Clear the recovery marks': ['Was data restored?'],
      'Was data restored?': ['Discard staged snapshot', 'Quorum restarted'],
      'Discard staged snapshot': ['Cluster restored'],

      [MOVED]: ['Move all data back'],
      'Move all data back': ['Start services again'],
      'Start services again': ['Is all data back?'],
      'Is all data back?': ['Was a snapshot staged?', 'Discard scratch folders'],
      [UNTOUCHED]: ['Discard scratch folders'],
      'Discard scratch folders': ['Was a snapshot staged?'],
      'Was a snapshot staged?': ['Discard upload', 'Explain what was undone'],
      'Discard upload': ['Explain what was undone'],
      'Explain what was undone': [STOP],
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
      'Choose recovery': [STOP],
      'Undo the interrupted recovery': [STOP],
      'Finish the interrupted recovery': [STOP],
      'Stop what has lost its data': [STOP],
      'Start what has data': [STOP],
      'Wait for quorum': [STOP],
      'Snapshot data on every host': [UNTOUCHED],
      // What is left on hosts needs no bucket.
      'Look for backups': ['Fetch the backup'],
      'Fetch the backup': [UNTOUCHED],
      'Plan recovery': [UNTOUCHED],
      'Check for a quorum once more': [UNTOUCHED],
      'Discard unneeded scratch folders': ['Quorum came back'],
      'Discard unneeded upload': ['Quorum came back'],
      'Begin upload': [UNTOUCHED],
      'Send the snapshot': [UNTOUCHED],
      'Complete upload': [UNTOUCHED],
      'Restore on every host': [UNTOUCHED],
      'Put restored data in place': [MOVED],
      'Start all services': [KEPT],
      'Verify recovery': ['Can the others do without it?'],
      'Compare hashes': [KEPT],
      'Prove writes on every member': [KEPT],
      'Clear the recovery marks': ['Was data restored?'],
      'Discard staged snapshot': ['Cluster restored'],
      'Move all data back': ['Start services again'],
      'Start services again': ['Is all data back?'],
      'Discard scratch folders': ['Was a snapshot staged?'],
      'Discard upload': ['Explain what was undone'],
    });
  });

  it.each([
    ['Load cluster', 'load-cluster'],
    ['Assess quorum', 'assess-quorum'],
    ['Choose recovery', 'choose-recovery'],
    ['Wait for quorum', 'wait-for-quorum'],
    ['Check for a quorum once more', 'wait-for-quorum'],
    ['Look for backups', 'find-recovery-backup'],
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
    ['Fetch the backup', 'transfer-snapshots'],
    ['Send the snapshot', 'transfer-snapshots'],
    ['Restore on every host', 'transfer-snapshots'],
    ['Undo the interrupted recovery', 'run-host-commands'],
    ['Finish the interrupted recovery', 'run-host-commands'],
    ['Stop what has lost its data', 'run-host-commands'],
    ['Start what has data', 'run-host-commands'],
    ['Snapshot data on every host', 'run-host-commands'],
    ['Discard unneeded scratch folders', 'run-host-commands'],
    ['Put restored data in place', 'run-host-commands'],
    ['Start all services', 'run-host-commands'],
    ['Clear the recovery marks', 'run-host-commands'],
    ['Move all data back', 'run-host-commands'],
    ['Start services again', 'run-host-commands'],
    ['Discard scratch folders', 'run-host-commands'],
  ])('runs in the state "%s" the step %s', expectStep);

  it('sends each command from the states that are named after it', () => {
    expect(commandsSent(definition)).toEqual({
      'Inspect hosts': 'inspect-host',
      'Undo the interrupted recovery': 'revert-data-dir',
      'Finish the interrupted recovery': 'mark-recovery',
      'Stop what has lost its data': 'control-service',
      'Start what has data': 'control-service',
      'Snapshot data on every host': 'snapshot-data-dir',
      'Fetch the backup': 'fetch-backup',
      'Discard unneeded scratch folders': 'mark-recovery',
      'Send the snapshot': 'send-snapshot',
      'Restore on every host': 'restore-snapshot',
      'Put restored data in place': 'swap-data-dir',
      'Start all services': 'start-restored',
      'Clear the recovery marks': 'mark-recovery',
      'Move all data back': 'revert-data-dir',
      'Start services again': 'control-service',
      'Discard scratch folders': 'mark-recovery',
    });
  });
});

describe('a phase', () => {
  it.each(phases.map(({ name, state }) => [name, payloadOf(state)] as const))(
    '"%s" is sent to all hosts at once, for members that start wait for each other; only parts go one by one',
    (name, { atOnce }) => {
      expect(atOnce).toBe(name === 'Send the snapshot' ? 1 : undefined);
    },
  );
});

describe('before anything is stopped and data is moved', () => {
  it.each([
    ...['Plan recovery', 'Is this a dry run?', 'Send the snapshot', 'Did sending fail anywhere?'],
    ...[
      'Restore on every host',
      'Did the restore fail anywhere?',
      'Check for a quorum once more',
      'Did the quorum come back?',
    ],
  ])('the way leads through "%s"', (name) => {
    expect(statesAfter('Load cluster')).toContain('Put restored data in place');
    expect(statesAfter('Load cluster', name)).not.toContain('Put restored data in place');
  });
});

describe('before a member is started', () => {
  it.each(['Put restored data in place', 'Did the swap fail anywhere?'])('the way leads through "%s"', (name) => {
    expect(statesAfter('Load cluster')).toContain('Start all services');
    expect(statesAfter('Load cluster', name)).not.toContain('Start all services');
  });
});

describe('once a member may have been started', () => {
  it('no data is moved any more, and nothing is stopped', () => {
    const later = [...statesAfter('Start all services')];
    expect(later).toContain(KEPT);
    for (const name of ['Move all data back', 'Put restored data in place', 'Discard scratch folders']) {
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
        'Discard scratch folders',
        'Was a snapshot staged?',
        'Discard upload',
        'Explain what was undone',
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
