import { describe, expect, it } from 'vitest';
import { DESCRIBED_STATES, describeResult } from '../../cli/step-results.ts';
import { reportsOf } from '../../core/hosts/host-reports.ts';
import { statesOf } from '../lib/definitions.ts';
import { definitionOf, FLEET, synthesizeStacks } from '../lib/stacks.ts';

/** What a phase came to on the hosts of these members: a result, or the message of an error. */
function reports(ends: Record<string, object | string>) {
  return reportsOf(
    Object.entries(ends).map(([member, end]) => ({
      ...{ member, host: `i-${member}` },
      end: typeof end === 'string' ? { error: { name: 'HostCommandFailed', message: end } } : { result: end },
    })),
  );
}

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
    [
      'Choose next change',
      { action: 'ArchiveDataDir', commands: [{ member: 'm2' }, { member: 'm3' }] },
      'next: archive data dir m2, m3',
    ],
    ['Choose next change', { action: 'PromoteMember', member: 'm3' }, 'next: promote member m3'],
    ['Choose next change', { action: 'Finish' }, 'next: nothing is left to change'],
    ['Stop service', reports({ m3: { activeState: 'inactive', subState: 'dead' } }), 'm3: inactive (dead)'],
    ['Stop service', reports({ m3: 'The disk is gone.\npanic' }), 'm3: HostCommandFailed: The disk is gone.'],
    ['Move data aside', reports({ m3: { dataDir: '', walDir: '' } }), 'm3: there was none'],
    [
      'Write membership and start',
      reports({
        m3: { file: '/etc/etcd.yaml', copy: '/etc/etcd.yaml.run', activeState: 'active', subState: 'running' },
      }),
      'm3: /etc/etcd.yaml (as it was: /etc/etcd.yaml.run); active (running)',
    ],
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
    ['Restart service', reports({ m3: { activeState: 'active', subState: 'running' } }), 'm3: active (running)'],
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
    [
      'Salvage data on every host',
      reports({ m1: { method: 'replayed', revision: '42' }, m2: { method: 'none', problem: 'there is no data' } }),
      'm1: replay, revision 42; m2: there is no data',
    ],
    [
      'Plan recovery',
      { winner: { source: 'raw', member: 'm2', revision: '42' }, loss: { explanation: 'At most 7 writes are lost.' } },
      'raw of m2, revision 42; At most 7 writes are lost.',
    ],
    [
      'Restore on every host',
      reports({
        m1: { revision: '42', sizeBytes: 2048 },
        m2: 'No way there.',
        m3: { revision: '42', sizeBytes: 2048 },
      }),
      'm1, m3: 2.0 KiB, revision 42; m2: HostCommandFailed: No way there.',
    ],
    [
      'Put restored data in place',
      reports({ m1: { dataDir: '', file: '/etc/etcd.yaml' }, m2: { dataDir: '', file: '' } }),
      'm1: stopped; there was nothing before; m2: stopped',
    ],
    [
      'Move all data back',
      reports({ m1: { reverted: true, setAside: '' }, m2: { reverted: true, setAside: '' } }),
      'm1, m2: it is in its place again',
    ],
    ['Forget the recovery', reports({ m1: { discarded: true } }), 'm1: '],
  ])('in "%s" of %j is "%s"', (state, output, said) => {
    const lines = describeResult(state, output).map(({ members, text }) => (members ? `${members}: ${text}` : text));
    expect(lines.join('; ')).toBe(said);
  });
});
