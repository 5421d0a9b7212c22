import { describe, expect, it } from 'vitest';
import { quorumOf, requireQuorumWithout, surveyMembers } from '../../../core/cluster/member-survey.ts';
import type { Observation } from '../../../core/cluster/observation.ts';
import {
  configured,
  failureOf,
  idOf,
  learner,
  ledBy,
  listed,
  observation,
  refusing,
  silent,
  voter,
} from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));

describe('the leader', () => {
  const five = ['node1', 'node2', 'node3', 'node4', 'node5'];
  const members = five.map((name) => configured(name));
  const leaderOf = (reading: Observation) =>
    surveyMembers(members.slice(0, reading.members.length), reading).leader.name;

  it('is the one with a quorum where two believe that they lead, in whichever order they are seen', () => {
    const apart = (minority: string[], leader: string, other: string) =>
      observation(five.map((name) => voter(name, { leaderId: idOf(minority.includes(name) ? leader : other) })));
    const first = apart(['node1', 'node2'], 'node1', 'node4');
    const last = apart(['node4', 'node5'], 'node5', 'node2');
    expect([leaderOf(first), leaderOf(last)]).toEqual(['node4', 'node2']);
    const problems = surveyMembers(members, first).members.map(({ state, problem }) => [state, problem]);
    expect(problems).toEqual([
      ['failed', 'follows a1, while the cluster follows node4'],
      ['failed', 'follows a1, while the cluster follows node4'],
      ['healthy', ''],
      ['healthy', ''],
      ['healthy', ''],
    ]);
  });

  it.each([
    ['no member answers', observation(five.map((name) => silent(name)))],
    ['every member follows no leader', observation(five.map((name) => voter(name, { leaderId: '0' })))],
    [
      'the leader that all follow does not answer',
      observation([silent('node1'), ...five.slice(1).map((n) => voter(n))]),
    ],
    [
      'the one that a quorum follows does not lead',
      observation([voter('node1', { leaderId: '0' }), ...five.slice(1).map((n) => voter(n))]),
    ],
    ['only a minority is seen', observation([voter('node1'), voter('node2'), ...five.slice(2).map((n) => silent(n))])],
    [
      'two halves of a quorum follow one each',
      observation(five.map((n, index) => voter(n, { leaderId: ['a1', 'a1', 'a3', 'a3', '0'][index] as string }))),
    ],
    [
      'learners would make the quorum',
      observation([voter('node1'), silent('node2'), silent('node3'), learner('node4'), learner('node5')]),
    ],
    [
      'those that were removed would make the quorum',
      observation(
        five.map((name) => voter(name)),
        { memberList: ['node1', 'node7', 'node8'].map((name) => listed(name)) },
      ),
    ],
    [
      "etcd's list could not be read",
      observation(
        five.map((n) => voter(n)),
        { memberList: [] },
      ),
    ],
  ])('is missing where %s', (_, reading) => {
    const failure = failureOf(() => surveyMembers(members, reading));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain('No leader that answers is followed by a quorum:\n- node1 ');
    expect(failure.message).toMatch(
      /see the incident quorum-lost|A quorum follows node1, which does not answer from here/,
    );
  });

  it.each([
    [
      'two of three refuse us',
      [voter('node1'), refusing('node2'), refusing('node3')],
      'node2, node3',
      'Too few members let us in for a quorum to be seen, and this is no election: the others run, and refuse us:\n',
    ],
    [
      'the leader refuses us, and a quorum is seen all the same',
      [refusing('node1'), voter('node2'), voter('node3')],
      'node1',
      'node2, node3 follow node1, which does not let us in, so it cannot be asked what only a leader knows:\n',
    ],
  ])('is not waited for where %s', (_, members, names, beginning) => {
    const { name, message } = failureOf(() => surveyMembers(MEMBERS, observation(members)));
    expect(name).toBe('PreconditionFailed');
    expect(message.startsWith(beginning)).toBe(true);
    expect(message.endsWith(`\nCorrect the certificate or the login for ${names}.`)).toBe(true);
  });

  it.each([
    ['follows no leader', [voter('node1', { leaderId: '0' }), refusing('node2'), refusing('node3')]],
    ['follows one that is silent', [silent('node1'), voter('node2'), refusing('node3')]],
  ])('is waited for where the one that answers %s', (_, members) => {
    const memberList = ['node1', 'node2', 'node3', 'node4', 'node5'].map((name) => listed(name));
    expect(failureOf(() => surveyMembers(MEMBERS, observation(members, { memberList }))).name).toBe('EtcdUnavailable');
  });

  it('is looked for in vain with the reason of each member', () => {
    const reading = observation([
      voter('node1', { leaderId: '0' }),
      voter('node2', { leaderId: 'a3' }),
      silent('node3'),
    ]);
    expect(failureOf(() => surveyMembers(MEMBERS, reading)).message).toContain(
      ':\n- node1 follows no leader\n- node2 follows a3\n- node3 (https://node3:2379): Nothing answers at this address.\n',
    );
  });

  it('may be any member, and the first one failed', () => {
    const reading = observation([silent('node1'), ...ledBy('node3', [voter('node2'), voter('node3')])]);
    expect(surveyMembers(MEMBERS, reading).members.map(({ role, state }) => [role, state])).toEqual([
      ['follower', 'failed'],
      ['follower', 'healthy'],
      ['leader', 'healthy'],
    ]);
  });
});

describe('a quorum', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %d voters is %d, however many learners there are', (voters, quorum) => {
    for (const learners of [0, 1, 5]) {
      const memberList = Array.from({ length: voters + learners }, (_, index) =>
        listed(`node${index + 1}`, { isLearner: index >= voters }),
      );
      expect(quorumOf(memberList)).toBe(quorum);
    }
  });
});

describe('what acting on members would leave', () => {
  const without = (targets: string[], reading: Observation) =>
    failureOf(() => {
      const members = reading.members.map(({ name }) => configured(name));
      requireQuorumWithout(targets, surveyMembers(members, reading), reading.memberList);
    });
  const behind = (name: string) => voter(name, { raftAppliedIndex: '1' });

  it.each([
    ['1 of 1', ['node1'], [voter('node1')], 'UnsafeToProceed'],
    ['1 of 2', ['node2'], [voter('node1'), voter('node2')], 'UnsafeToProceed'],
    ['1 of 3', ['node3'], [voter('node1'), voter('node2'), silent('node3')], 'no error'],
    ['a healthy one of 3', ['node1'], [voter('node1'), voter('node2'), voter('node3')], 'no error'],
    ['2 of 3', ['node1', 'node3'], [voter('node1'), voter('node2'), silent('node3')], 'UnsafeToProceed'],
    ['1 of 3, another behind', ['node3'], [voter('node1'), behind('node2'), silent('node3')], 'EtcdUnavailable'],
    [
      '1 of 4, another failed',
      ['node4'],
      [voter('node1'), voter('node2'), voter('node3', { leaderId: '0' }), voter('node4')],
      'UnsafeToProceed',
    ],
    [
      'a learner beside 3 voters',
      ['node4'],
      [...['node1', 'node2', 'node3'].map((n) => voter(n)), learner('node4')],
      'no error',
    ],
    [
      '1 of 3 voters where a learner is well',
      ['node2'],
      [voter('node1'), voter('node2'), voter('node3', { leaderId: '0' }), learner('node4')],
      'UnsafeToProceed',
    ],
  ])('%s: %o', (_, targets, members, expected) => {
    expect(without(targets, observation(members)).name).toBe(expected);
  });

  it('is explained with the state of each member', () => {
    const failure = without(
      ['node2'],
      observation([voter('node1'), voter('node2'), voter('node3', { leaderId: '0' })]),
    );
    expect(failure.message).toBe(
      'Without node2 there is 1 healthy voter, and a quorum is 2:\n- node1: healthy\n- node2: healthy\n' +
        '- node3: follows no leader, while the cluster follows node1\n' +
        'So no member may be stopped or removed: the cluster would lose its quorum. Bring the others back first; where none comes back, see the incident quorum-lost.',
    );
  });
});
