import { describe, expect, it } from 'vitest';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { verifyRecovery } from '../../../core/quorum-recovery/recovery-verification.ts';
import {
  clusterOf,
  configured,
  failureOf,
  learner,
  noSpace,
  observation,
  refusing,
  silent,
  voter,
} from '../observations.ts';
import { CLUSTER, MEMBERS } from './recoveries.ts';

const ALL = ['node1', 'node2', 'node3'];
const WELL = ALL.map((name) => voter(name));
const THIRD_AWAY = [voter('node1'), voter('node2'), silent('node3')];

function verify(
  members: MemberObservation[],
  {
    required = ALL,
    revision = '4030',
    cluster = CLUSTER,
    ...differences
  }: Partial<Observation> & {
    required?: string[];
    revision?: string;
    cluster?: typeof CLUSTER;
  } = {},
) {
  return verifyRecovery(observation(members, differences), { cluster, revision, required });
}

describe('a recovered cluster', () => {
  it('is verified where everybody follows one leader, with the data that was chosen', () => {
    const { healthy, remaining, summary, members } = verify(WELL);
    expect({ healthy, remaining }).toEqual({ healthy: ALL, remaining: [] });
    expect(summary).toBe('node1 leads; node1, node2, node3 are healthy, at revision 5000.');
    expect(members[1]).toEqual({
      name: 'node2',
      answering: true,
      leaderId: 'a1',
      version: '3.5.30',
      revision: '5000',
      raftAppliedIndex: '7000',
      problem: '',
    });
  });

  it.each([
    ['5000', 'no error'],
    ['5001', 'VerificationFailed'],
    ['40000', 'VerificationFailed'],
  ])('has to be at revision %s at least: %s', (revision, name) => {
    expect(failureOf(() => verify(WELL, { revision })).name).toBe(name);
  });

  it.each<[string, MemberObservation[], Partial<Observation>?]>([
    ['there is no leader', ALL.map((name) => voter(name, { leaderId: '0' })), { memberList: [] }],
    ['nobody answers', ALL.map((name) => silent(name)), { memberList: [] }],
    ['a member is still away', THIRD_AWAY],
    ['a member lets nobody in yet', [voter('node1'), voter('node2'), refusing('node3')]],
    ['a member follows no leader', [voter('node1'), voter('node2'), voter('node3', { leaderId: '0' })]],
    ['a member is behind', [voter('node1'), voter('node2'), voter('node3', { raftAppliedIndex: '5999' })]],
    ['a member is of another cluster', [voter('node1'), voter('node2'), voter('node3', { clusterId: 'beef' })]],
  ])('is waited for while %s', (_, members, differences) => {
    expect(failureOf(() => verify(members, differences)).name).toBe('EtcdUnavailable');
  });

  it('names whom it waits for', () => {
    expect(failureOf(() => verify(THIRD_AWAY)).message).toBe(
      'node1 leads, and not every member is healthy yet:\n- node3 does not answer: Nothing answers at this address.\nIf it lasts, look at the service and the log of these.',
    );
  });

  it('does not wait for members that were not started, and tells whose runbook is next', () => {
    const { healthy, remaining, summary, members } = verify(THIRD_AWAY, {
      required: ['node1', 'node2'],
      revision: '0',
    });
    expect({ healthy, remaining }).toEqual({ healthy: ['node1', 'node2'], remaining: ['member-failed'] });
    expect(summary).toBe(
      'node1 leads; node1, node2 are healthy, at revision 5000. node3 does not answer: Nothing answers at this address. Run the runbook for ' +
        'member-failed next.',
    );
    expect(members[2]).toMatchObject({
      name: 'node3',
      answering: false,
      problem: expect.stringContaining('does not answer'),
    });
  });

  it('waits for one that was started, even beside a quorum', () => {
    expect(failureOf(() => verify(THIRD_AWAY, { required: ['node3'] })).name).toBe('EtcdUnavailable');
  });

  it.each([
    ['a member', 'node2'],
    ['a member of the cluster that was', 'node9'],
  ])('hands NOSPACE to its runbook, raised by %s', (_, name) => {
    const { remaining, summary } = verify(WELL, { alarms: [noSpace(name)] });
    expect(remaining).toEqual(['space-exceeded']);
    expect(summary).toContain('NOSPACE is raised, so it takes no writes: run the runbook for space-exceeded next.');
  });

  it('tells both where both are left', () => {
    const { remaining } = verify(THIRD_AWAY, { required: [], alarms: [noSpace('node9')] });
    expect(remaining).toEqual(['space-exceeded', 'member-failed']);
  });

  it('is not touched where members may hold different data', () => {
    const alarms = [{ memberId: 'a2', alarm: 'CORRUPT' as const }];
    expect(failureOf(() => verify(WELL, { alarms })).name).toBe('UnsafeToProceed');
  });

  it('is only of the members that were restored', () => {
    const cluster = clusterOf(MEMBERS.slice(0, 2));
    const { healthy, remaining } = verify(WELL.slice(0, 2), { cluster, required: ['node1', 'node2'] });
    expect({ healthy, remaining }).toEqual({ healthy: ['node1', 'node2'], remaining: [] });
  });

  it('counts a learner that is to stay one as healthy', () => {
    const cluster = clusterOf([...MEMBERS, configured('node4', { learner: true })]);
    expect(verify([...WELL, learner('node4')], { cluster }).healthy).toEqual([...ALL, 'node4']);
  });
});
