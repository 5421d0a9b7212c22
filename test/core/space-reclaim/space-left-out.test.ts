import { describe, expect, it } from 'vitest';
import { requireSteadySilence } from '../../../core/space-reclaim/left-out-members.ts';
import {
  FRAGMENTED,
  failureOf,
  idOf,
  learner,
  listed,
  noSpace,
  observation,
  refusing,
  silent,
  sizes,
  unreached,
  voter,
} from '../observations.ts';
import { cluster, full, PROBLEM, parameters } from './degraded-store.ts';
import { assessSpace } from './space-decisions.ts';

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
