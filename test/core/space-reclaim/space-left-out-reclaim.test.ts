import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../core/cluster/observation.ts';
import { FRAGMENTED, FULL, failureOf, ledBy, noSpace, observation, refusing, silent, voter } from '../observations.ts';
import { cluster, full, PROBLEM, parameters } from './degraded-store.ts';
import { assessSpace, chooseAlarmsToDisarm, chooseNextDefragmentation, provenWrites } from './space-decisions.ts';

describe('in the middle of a reclaim', () => {
  const reading = full(cluster(3, [3]));
  const decisions: [string, (seen: Observation, leftOut: string[]) => unknown][] = [
    ['the next choice', (seen, leftOut) => chooseNextDefragmentation(seen, parameters, [], 0, leftOut)],
    ['the disarming', (seen, leftOut) => chooseAlarmsToDisarm(seen, parameters, leftOut)],
    ['the report', (seen, leftOut) => provenWrites({ ...seen, alarms: [] }, leftOut)],
  ];

  it.each(decisions)('%s waits for a member that has gone silent since, however full the store is', (_, decide) => {
    const failure = failureOf(() => decide(reading, []));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain('- node3 (https://node3:2379)');
  });

  it.each(decisions)('%s waits where a second one is gone: no quorum is left', (_, decide) => {
    const second = full(cluster(3, [2, 3]), { memberList: [] });
    expect(failureOf(() => decide(second, ['node3'])).name).toBe('EtcdUnavailable');
  });

  it.each(decisions)('%s waits where no quorum can be asked, however many members answer', (_, decide) => {
    const failure = failureOf(() => decide(full(cluster(3, [3]), { memberList: [] }), ['node3']));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain('it is unknown whether a quorum works without');
  });

  it.each(decisions)('%s stops at a member that was left out and now refuses us', (_, decide) => {
    const failure = failureOf(() => decide(full([...cluster(2, []), refusing('node3')]), ['node3']));
    expect(failure.message).toContain('has not failed: correct what is wrong with node3');
  });

  it('takes followers first and moves leadership among those that answer, the one left out neither here nor there', () => {
    const { leftOut } = assessSpace(reading, parameters);
    const names = leftOut.map(({ member }) => member);
    expect(chooseNextDefragmentation(reading, parameters, [], 0, names)).toEqual({
      action: 'Defragment',
      member: 'node2',
    });
    const half = full([voter('node1', FRAGMENTED), voter('node2'), silent('node3')]);
    expect(chooseNextDefragmentation(half, parameters, ['node2'], 1, names)).toEqual({
      action: 'MoveLeadership',
      member: 'node1',
      transferee: 'node2',
    });
    const moved = full([...ledBy('node2', [voter('node1', FRAGMENTED), voter('node2')]), silent('node3')]);
    expect(chooseNextDefragmentation(moved, parameters, ['node2'], 2, names)).toEqual({
      action: 'Defragment',
      member: 'node1',
    });
    const done = full([voter('node1'), voter('node2'), silent('node3')]);
    expect(chooseNextDefragmentation(done, parameters, ['node2', 'node1'], 3, names)).toEqual({ action: 'Finish' });
  });

  it('gives a member that comes back its turn', () => {
    const back = full([voter('node1'), voter('node2'), voter('node3', FRAGMENTED)]);
    expect(chooseNextDefragmentation(back, parameters, ['node1', 'node2'], 3, ['node3'])).toEqual({
      action: 'Defragment',
      member: 'node3',
    });
    const failure = failureOf(() => chooseAlarmsToDisarm(back, parameters, ['node3']));
    expect(failure.message).toContain('Still over 90 % of the quota: node3.');
  });

  it('waits for a member that comes back until it is caught up', () => {
    const back = full([voter('node1'), voter('node2'), voter('node3', { raftAppliedIndex: '12' })]);
    expect(failureOf(() => chooseNextDefragmentation(back, parameters, [], 3, ['node3']))).toMatchObject({
      name: 'EtcdUnavailable',
      message:
        'Not every member is caught up: node3 has applied 12 of 7000 entries. If it lasts, look at the disk, the network and the log of those that are behind.',
    });
  });
});

describe('the end of a reclaim without some members', () => {
  it('disarms every alarm in the list, that of the member which was left out too', () => {
    const alarms = [noSpace('node1'), noSpace('node3')];
    const reading = full([voter('node1'), voter('node2'), silent('node3')], { alarms });
    expect(chooseAlarmsToDisarm(reading, parameters, ['node3'])).toEqual(alarms);
  });

  it('disarms nothing while a member that answers is over the threshold', () => {
    const reading = full([voter('node1'), voter('node2', FULL), silent('node3')]);
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters, ['node3'])).name).toBe('VerificationFailed');
  });

  it('says who was left out, what is still wrong, and what happens when it comes back', () => {
    const settled = provenWrites(observation([voter('node1'), voter('node2'), silent('node3')]), ['node3']);
    expect(settled.members.map(({ name }) => name)).toEqual(['node1', 'node2']);
    expect(settled).toMatchObject({ leftOut: [{ member: 'node3', problem: PROBLEM }], remaining: ['member-failed'] });
    expect(settled.summary).toContain('node3 was left out and still does not answer: replace it next');
    expect(settled.summary).toContain('Should it come back with the database that it has, NOSPACE is raised again');
  });

  it('says nothing of the kind once it is back, and of a cluster that is whole', () => {
    const whole = { leftOut: [], remaining: [], summary: '' };
    expect(provenWrites(observation([voter('node1'), voter('node2')]), ['node2'])).toMatchObject(whole);
    expect(provenWrites(observation([voter('node1'), voter('node2')]))).toMatchObject(whole);
  });

  it('blames the alarm that is back on the member that is back', () => {
    const reading = full([voter('node1'), voter('node2'), voter('node3', FULL)], { alarms: [noSpace('node3')] });
    const failure = failureOf(() => provenWrites(reading, ['node3']));
    expect(failure.name).toBe('VerificationFailed');
    expect(failure.message).toContain('node3 was left out, and is back with the database that it had: start again');
    expect(failureOf(() => provenWrites(reading)).message).not.toContain('was left out');
  });
});
