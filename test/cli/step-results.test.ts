import { describe, expect, it } from 'vitest';
import { DESCRIBED_STATES, describeResult } from '../../cli/step-results.ts';
import { statesOf } from '../lib/definitions.ts';
import { definitionOf, FLEET, synthesizeStacks } from '../lib/stacks.ts';

describe('what a terminal says of a step', () => {
  it('is said of states that there are', () => {
    const stacks = synthesizeStacks(FLEET);
    const names = Object.keys(stacks.stateMachines).flatMap((stateMachine) =>
      statesOf(definitionOf(stacks, stateMachine)).map(({ name }) => name),
    );
    for (const state of DESCRIBED_STATES) expect(names).toContain(state);
  });

  it.each([
    ['Assess members', { summary: 'm3 is gone', readings: { equal: 1 } }, 'm3 is gone'],
    ['Assess members', { summary: 'm3 is gone', readings: { equal: 3 } }, 'the same for the third time'],
    ['Choose next change', { action: 'ArchiveDataDir', member: 'm3' }, 'next: archive data dir m3'],
    ['Choose next change', { action: 'Finish' }, 'next: nothing is left to change'],
    ['Stop service', { status: 'InProgress', result: null }, ''],
    ['Stop service', { status: 'Done', result: { activeState: 'inactive', subState: 'dead' } }, 'inactive (dead)'],
    ['Move data aside', { result: { dataDir: '', walDir: '' } }, 'there was none'],
    ['Remove member', { changed: false, member: '', id: '' }, 'not needed any more'],
    [
      'Wait for member',
      { answering: true, raftAppliedIndex: '12', leaderAppliedIndex: '7012', distance: '7000' },
      'at 12 of 7012 log entries, 7000 to go',
    ],
    ['Wait for member', { answering: false }, 'does not answer yet'],
    ['Assess tokens', { summary: 'm3 rejects them', readings: { equal: 1 } }, 'm3 rejects them'],
    ['Assess tokens', { summary: 'm3 rejects them', readings: { equal: 2 } }, 'the same for the second time'],
    ['Plan token cure', { steps: ['restart m3', 'prove it'] }, 'restart m3; prove it'],
    ['Choose next cure', { action: 'RestartService', member: 'm3' }, 'next: restart service m3'],
    ['Choose next cure', { action: 'ToggleAuthentication', through: 'm1' }, 'next: toggle authentication'],
    ['Choose next cure', { action: 'Finish' }, 'next: no member rejects tokens'],
    ['Restart service', { status: 'InProgress', result: null }, ''],
    ['Restart service', { result: { activeState: 'active', subState: 'running' } }, 'active (running)'],
    ['Toggle authentication', { window: { disabledAt: 1_000, enabledAt: 1_012 } }, 'it was disabled for 12 ms'],
    ['Toggle authentication', { window: null }, 'not now: the cluster has changed'],
    ['Enable authentication', { summary: 'It is enabled.', lookAgainSeconds: 0 }, 'It is enabled.'],
    [
      'Enable authentication',
      { summary: 'It is enabled.', lookAgainSeconds: 7 },
      'It is enabled. A step could still disable it.',
    ],
    ['Verify tokens', { summary: 'Every member takes tokens.' }, 'Every member takes tokens.'],
    ['Assess quorum', { verdict: 'Confirm', summary: 'nobody leads', readings: { lost: 1 } }, 'nobody leads'],
    ['Assess quorum', { verdict: 'Lost', summary: 'nobody leads', readings: { lost: 3 } }, 'lost for the third time'],
    ['Choose rescue', { action: 'MoveBack', summary: 'It was cut off.' }, 'next: move back: It was cut off.'],
    ['Wait for quorum', { led: false, summary: 'No leader:\n- m1 follows nobody' }, 'No leader'],
    ['Look once more', { led: false, summary: 'No leader:\n- m1 follows nobody' }, 'No leader'],
    ['Salvage data', { result: { method: 'none', problem: 'there is no data' } }, 'there is no data'],
    ['Salvage data', { result: { method: 'replayed', revision: '42' } }, 'replayed, revision 42'],
    [
      'Plan recovery',
      { winner: { source: 'raw', member: 'm2', revision: '42' }, loss: { explanation: 'At most 7 writes are lost.' } },
      'raw of m2, revision 42; At most 7 writes are lost.',
    ],
    ['Restore snapshot', { status: 'InProgress', result: null }, ''],
    ['The restore: how is it?', { status: 'InProgress', result: null }, 'it still runs'],
    ['The restore: how is it?', { status: 'Done', result: {} }, 'it has ended well'],
    ['Restore snapshot', { result: { revision: '42', sizeBytes: 2048 } }, '2.0 KiB, revision 42'],
    ['Place restored data', { result: { dataDir: '', walDir: '' } }, 'there was nothing before'],
    ['Move data back', { result: { reverted: true, setAside: '' } }, 'it is in its place again'],
    ['Keep the inspection', { member: 'm3' }, ''],
  ])('in "%s" of %j is "%s"', (state, output, said) => {
    expect(describeResult(state, output)).toBe(said);
  });
});
