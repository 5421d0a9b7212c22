import { describe, expect, it } from 'vitest';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { requireSteadySilence } from '../../../core/space-reclaim/left-out-members.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  FRAGMENTED,
  FULL,
  failureOf,
  idOf,
  learner,
  ledBy,
  listed,
  noSpace,
  observation,
  refusing,
  silent,
  sizes,
  unreached,
  voter,
} from '../observations.ts';
import { assessSpace, chooseAlarmsToDisarm, chooseNextDefragmentation, provenWrites } from './space-decisions.ts';

const parameters = parse(spaceParametersSchema, {}, 'parameters');
const PROBLEM = 'does not answer: Nothing answers at this address.';

/** Members named node1, node2 and so on: fragmented voters, and those of `away` silent. */
function cluster(count: number, away: number[], others: MemberObservation[] = []): MemberObservation[] {
  const members = Array.from({ length: count }, (_, index) =>
    away.includes(index + 1) ? silent(`node${index + 1}`) : voter(`node${index + 1}`, FRAGMENTED),
  );
  return [...members, ...others];
}

function full(members: MemberObservation[], differences: Partial<Observation> = {}): Observation {
  return observation(members, { alarms: [noSpace('node1')], ...differences });
}

const asLearner = (name: string) => listed(name, { isLearner: true });

describe('a full store whose members do not all answer', () => {
  it.each([
    [
      '2 of 3',
      full(cluster(3, [3])),
      ['node2', 'node1'],
      ['node3'],
      '2 of 3 voters answer, a quorum, which needs each of them',
    ],
    ['3 of 5', full(cluster(5, [2, 4])), ['node3', 'node5', 'node1'], ['node2', 'node4'], '3 of 5 voters answer'],
    ['4 of 5', full(cluster(5, [5])), ['node2', 'node3', 'node4', 'node1'], ['node5'], '4 of 5 voters answer'],
  ])('is reclaimed with %s of its voters, without those', (_, reading, plan, names, summary) => {
    const assessment = assessSpace(reading, parameters);
    expect(assessment).toMatchObject({ verdict: 'Reclaim', plan });
    expect(assessment.leftOut).toEqual(names.map((member) => ({ member, problem: PROBLEM })));
    expect(assessment.members.map(({ name }) => name)).toEqual(plan.toSorted());
    expect(assessment.summary).toContain(`Left out, without an answer: ${names.join(', ')}. `);
    expect(assessment.summary).toContain(summary);
  });

  it.each([
    ['needs each of the others', full(cluster(3, [3])), true],
    ['can do without one more', full(cluster(5, [5])), false],
    ['needs each of the others, of an even number too', full(cluster(4, [4])), true],
  ])('has its responder look at the disks where the quorum %s', (_, reading, isSaid) => {
    expect(assessSpace(reading, parameters).summary.includes('whose disk has no room')).toBe(isSaid);
  });

  it.each([
    ['1 of 3', full(cluster(3, [2, 3])), '1 of 3 voters answer, and a quorum is 2'],
    ['2 of 4', full(cluster(4, [3, 4])), '2 of 4 voters answer, and a quorum is 3'],
    ['2 of 5', full(cluster(5, [3, 4, 5])), '2 of 5 voters answer, and a quorum is 3'],
    [
      '1 of 2, whatever learners there are',
      full(cluster(2, [2], [learner('node3'), learner('node4')])),
      '1 of 2 voters answer, and a quorum is 2',
    ],
    [
      '2 of 4, one of which was added and never started',
      full(cluster(3, [3], [silent('node4')]), {
        memberList: [
          listed('node1'),
          listed('node2'),
          listed('node3'),
          listed('', { peerUrls: ['https://node4:2380'] }),
        ],
      }),
      '2 of 4 voters answer, and a quorum is 3',
    ],
  ])('is left alone with %s: that is no quorum', (_, reading, seen) => {
    const failure = failureOf(() => assessSpace(reading, parameters));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(seen);
    expect(failure.message).toContain('see the incident quorum-lost');
  });

  it('is reclaimed without a learner that does not answer, and counts it in no quorum', () => {
    const members = [...cluster(3, []), silent('node4')];
    const memberList = [...['node1', 'node2', 'node3'].map((name) => listed(name)), asLearner('node4')];
    const { leftOut, summary } = assessSpace(full(members, { memberList }), parameters);
    expect(leftOut).toEqual([{ member: 'node4', problem: PROBLEM }]);
    expect(summary).toContain('3 of 3 voters answer');
    expect(summary).not.toContain('whose disk has no room');
  });

  it.each([
    [
      'was added and never started',
      [listed('node1'), listed('node2'), listed('', { id: 'a3', peerUrls: ['https://node3:2380'] })],
      'was added and never started; does not answer: Nothing answers at this address.',
    ],
  ])('says so of a silent member that %s', (_, memberList, problem) => {
    const { leftOut } = assessSpace(full(cluster(3, [3]), { memberList }), parameters);
    expect(leftOut).toEqual([{ member: 'node3', problem }]);
  });

  it('does not leave out a member that etcd does not list, for there is nothing to leave it out of', () => {
    const memberList = [listed('node1'), listed('node2')];
    const { leftOut, summary } = assessSpace(full(cluster(3, [3]), { memberList }), parameters);
    expect(leftOut).toEqual([]);
    expect(summary).toContain('etcd has no member node3, so there is nothing to reclaim of it');
  });

  it('is left alone where a silent member has another name in etcd', () => {
    const memberList = [
      listed('node1'),
      listed('node2'),
      listed('infra3', { id: 'a3', peerUrls: ['https://node3:2380/'] }),
    ];
    const failure = failureOf(() => assessSpace(full(cluster(3, [3]), { memberList }), parameters));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('"node3", and its name in etcd is "infra3". Correct name in clusters.json.');
  });

  it('takes no notice of a learner that was added and never started, whoever it was', () => {
    const stray = listed('', { id: 'a9', isLearner: true, peerUrls: ['https://typo:2380'] });
    const memberList = [...['node1', 'node2', 'node3'].map((name) => listed(name)), stray];
    expect(assessSpace(full(cluster(3, []), { memberList }), parameters).verdict).toBe('Reclaim');
  });

  it('says which of them has raised the alarm, by its name in the list', () => {
    const reading = full(cluster(3, [3]), { alarms: [noSpace('node3')] });
    expect(assessSpace(reading, parameters).summary).toContain('NOSPACE is raised by a3 (node3): etcd refuses writes.');
  });

  it.each([
    ['refuses us', full([...cluster(2, []), refusing('node3')]), 'has not failed: correct what is wrong with node3'],
    [
      'refuses us, while another one is silent',
      full([...cluster(3, [2]), voter('node4', FRAGMENTED), refusing('node5')]),
      '1 of 4 members cannot be used:\n- node5',
    ],
    [
      'cannot be reached from here',
      full([...cluster(2, []), unreached('node3')]),
      'Nothing says that node3 failed, only that we do not get there: correct what is said above',
    ],
    [
      'runs without a leader',
      full([...cluster(2, []), { ...silent('node3'), silence: 'leaderless' as const }]),
      'has not failed: correct what is wrong with node3',
    ],
    [
      'is in no configuration',
      full(cluster(3, [3]), { memberList: ['node1', 'node2', 'node3', 'node4'].map((name) => listed(name)) }),
      '- node4 (a4, https://node4:2380): ',
    ],
    [
      'was removed and answers all the same',
      full(cluster(4, [4]), { memberList: ['node1', 'node2', 'node4'].map((name) => listed(name)) }),
      "node3 (a3) was removed from etcd's member list",
    ],
    [
      'belongs to another cluster',
      full([...cluster(2, []), voter('node3', { clusterId: 'f00d' }), silent('node4')]),
      'belong to different clusters',
    ],
  ])('is left alone where a member %s', (_, reading, seen) => {
    const failure = failureOf(() => assessSpace(reading, parameters));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(seen);
  });

  it.each([
    [
      'do not follow one leader',
      [voter('node1', FRAGMENTED), voter('node2', { leaderId: idOf('node2') }), silent('node3')],
    ],
    ['are not caught up', [voter('node1', FRAGMENTED), voter('node2', { raftAppliedIndex: '1' }), silent('node3')]],
  ])('waits while those that answer %s', (_, members) => {
    expect(failureOf(() => assessSpace(full(members), parameters)).name).toBe('EtcdUnavailable');
  });

  it('is not let off CORRUPT', () => {
    const reading = full(cluster(3, [3]), {
      alarms: [noSpace('node1'), { memberId: idOf('node3'), alarm: 'CORRUPT' }],
    });
    expect(failureOf(() => assessSpace(reading, parameters)).name).toBe('UnsafeToProceed');
  });
});

describe('a store that is not full yet', () => {
  it.each([
    ['above 80 % of its quota', cluster(3, [3])],
    ['fragmented', [voter('node1', sizes(40, 10)), voter('node2'), silent('node3')]],
    ['in order', [voter('node1'), voter('node2'), silent('node3')]],
  ])('and %s wants every member up: nothing presses', (_, members) => {
    const failure = failureOf(() => assessSpace(observation(members), parameters));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('only while NOSPACE is raised are members left out');
  });

  it('is not taken for one where nobody could read the alarms', () => {
    const failure = failureOf(() => assessSpace(observation(cluster(3, [2, 3]), { memberList: [] }), parameters));
    expect(failure.message).toContain('No quorum could be asked, so alarms were not read');
    expect(failure.message).toContain('see the incident quorum-lost');
  });
});

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

describe('silence', () => {
  const without = (...names: string[]) => ({ leftOut: names.map((member) => ({ member, problem: PROBLEM })) });

  it.each([
    ['the same member three times', [without('node3'), without('node3'), without('node3')], 'no error'],
    ['one that has come back', [without('node2', 'node3'), without('node3'), without('node3')], 'no error'],
    ['one that is new', [without('node3'), without('node3'), without('node2', 'node3')], 'node2 has only just stopped'],
    ['now this one and now that one', [without('node3'), without('node2'), without('node3')], 'node3 has only just'],
    ['too few readings', [without('node3'), without('node3')], 'node3 has only just stopped answering'],
  ])('is believed where it was seen in three readings: %s', (_, readings, seen) => {
    const failure = failureOf(() => requireSteadySilence(readings, 3));
    expect(failure.name).toBe(seen === 'no error' ? seen : 'EtcdUnavailable');
    if (seen !== 'no error') expect(failure.message).toContain(seen);
  });
});
