import { describe, expect, it } from 'vitest';
import type { ConfiguredMember } from '../../core/contracts/clusters.ts';
import type { Observation } from '../../core/contracts/observation.ts';
import { quorumOf, requireQuorumWithout, surveyMembers } from '../../core/decisions/member-survey.ts';
import { configured, failureOf, idOf, learner, ledBy, listed, observation, silent, voter } from './observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const LIST = MEMBERS.map(({ name }) => listed(name));

function third(reading: Observation, members: readonly ConfiguredMember[] = MEMBERS) {
  const { id, state, role, problem } = surveyMembers(members, reading).members[2] as never as Record<string, string>;
  return { id, state, role, problem };
}

describe('a member of a cluster that works', () => {
  it('is healthy where it follows the leader and is caught up', () => {
    const reading = observation([voter('node1'), voter('node2'), voter('node3', { version: '3.6.1' })]);
    const { leader, members, strangers } = surveyMembers(MEMBERS, reading);
    expect(leader).toBe(reading.members[0]);
    expect(strangers).toEqual([]);
    expect(members.map(({ name, id, state, role, problem }) => [name, id, state, role, problem])).toEqual([
      ['node1', 'a1', 'healthy', 'leader', ''],
      ['node2', 'a2', 'healthy', 'follower', ''],
      ['node3', 'a3', 'healthy', 'follower', ''],
    ]);
    expect(members[2]).toMatchObject({
      version: '3.6.1',
      raftAppliedIndex: '7000',
      isCaughtUp: true,
      configured: MEMBERS[2],
      listed: LIST[2],
      seen: reading.members[2],
    });
  });

  const two = [voter('node1'), voter('node2')];
  const withThird = (member: Parameters<typeof observation>[0][number], entry: Parameters<typeof listed>[1] = {}) =>
    observation([...two, member], { memberList: [...LIST.slice(0, 2), listed('node3', entry)] });
  const withoutThird = (member: Parameters<typeof observation>[0][number]) =>
    observation([...two, member], { memberList: LIST.slice(0, 2) });

  it.each([
    [
      'joining: a learner that is caught up',
      withThird(learner('node3'), { isLearner: true }),
      { id: 'a3', state: 'joining', role: 'learner', problem: 'is a learner that has not been promoted' },
    ],
    [
      'joining: a learner that is behind',
      withThird(learner('node3', { raftAppliedIndex: '12' }), { isLearner: true }),
      { id: 'a3', state: 'joining', role: 'learner', problem: 'has applied 12 of 7000 log entries' },
    ],
    [
      'joining: a voter 1001 entries behind',
      withThird(voter('node3', { raftAppliedIndex: '5999' })),
      { id: 'a3', state: 'joining', role: 'follower', problem: 'has applied 5999 of 7000 log entries' },
    ],
    [
      'healthy: a voter 1000 entries behind',
      withThird(voter('node3', { raftAppliedIndex: '6000' })),
      { id: 'a3', state: 'healthy', role: 'follower', problem: '' },
    ],
    [
      'failed: silent',
      withThird(silent('node3', 'TLS was not agreed on.')),
      { id: 'a3', state: 'failed', role: 'follower', problem: 'does not answer: TLS was not agreed on.' },
    ],
    [
      'failed: a silent learner',
      withThird(silent('node3', 'Timed out.'), { isLearner: true }),
      { id: 'a3', state: 'failed', role: 'learner', problem: 'does not answer: Timed out.' },
    ],
    [
      'failed: in another cluster, under an ID of this one',
      withThird(voter('node3', { clusterId: 'f00d' })),
      { id: 'a3', state: 'failed', role: 'follower', problem: 'belongs to another cluster (f00d instead of c0ffee)' },
    ],
    [
      'failed: in another cluster, under an ID of its own',
      withThird(voter('node3', { clusterId: 'f00d', id: 'bad', leaderId: 'bad' })),
      { id: 'a3', state: 'failed', role: 'follower', problem: 'belongs to another cluster (f00d instead of c0ffee)' },
    ],
    [
      'failed: removed, but answering',
      withoutThird(voter('node3')),
      { id: '', state: 'failed', role: 'none', problem: 'answers as member a3, which is not in the cluster any more' },
    ],
    [
      'failed: added again, while the removed one still answers',
      withThird(voter('node3'), { id: 'b3', name: '' }),
      {
        id: 'b3',
        state: 'failed',
        role: 'follower',
        problem: 'answers as member a3, which is not in the cluster any more',
      },
    ],
    [
      'failed: following nobody',
      withThird(voter('node3', { leaderId: '0' })),
      { id: 'a3', state: 'failed', role: 'follower', problem: 'follows nobody, while the cluster follows node1' },
    ],
    [
      'failed: following somebody else',
      withThird(voter('node3', { leaderId: 'a2' })),
      { id: 'a3', state: 'failed', role: 'follower', problem: 'follows a2, while the cluster follows node1' },
    ],
    [
      'failed: added and never started',
      withThird(silent('node3', 'Refused.'), { name: '', isLearner: true }),
      {
        id: 'a3',
        state: 'failed',
        role: 'learner',
        problem: 'was added and never started; does not answer: Refused.',
      },
    ],
    [
      'failed: neither listed nor answering',
      withoutThird(silent('node3', 'Refused.')),
      {
        id: '',
        state: 'failed',
        role: 'none',
        problem: "is not in etcd's list, and does not answer: Refused.",
      },
    ],
  ])('may be %s', (_, reading, expected) => {
    expect(third(reading)).toEqual(expected);
  });

  it('that does not answer has no version, has applied nothing and is not caught up', () => {
    const [, , silentOne] = surveyMembers(MEMBERS, withThird(silent('node3'))).members;
    expect(silentOne).toMatchObject({ version: '', raftAppliedIndex: '0', isCaughtUp: false });
  });
});

describe('a learner that is to stay one', () => {
  const members = [...MEMBERS.slice(0, 2), configured('node3', { learner: true })];
  const reading = (differences: Parameters<typeof learner>[1]) =>
    observation([voter('node1'), voter('node2'), learner('node3', differences)]);

  it('is healthy as it is', () => {
    expect(third(reading({}), members)).toMatchObject({ state: 'healthy', role: 'learner' });
  });

  it('is joining while it is behind', () => {
    expect(third(reading({ raftAppliedIndex: '1' }), members)).toMatchObject({ state: 'joining' });
  });

  it('is healthy as a voter too: nobody is demoted', () => {
    expect(third(observation([voter('node1'), voter('node2'), voter('node3')]), members)).toMatchObject({
      state: 'healthy',
      role: 'follower',
    });
  });
});

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
    ['every member follows nobody', observation(five.map((name) => voter(name, { leaderId: '0' })))],
    [
      'the leader that all follow does not answer',
      observation([silent('node1'), ...five.slice(1).map((n) => voter(n))]),
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
    expect(failure.message).toContain('see the incident quorum-lost');
  });

  it('is looked for in vain with the reason of each member', () => {
    const reading = observation([
      voter('node1', { leaderId: '0' }),
      voter('node2', { leaderId: 'a3' }),
      silent('node3'),
    ]);
    expect(failureOf(() => surveyMembers(MEMBERS, reading)).message).toContain(
      ':\n- node1 follows nobody\n- node2 follows a3\n- node3 (https://node3:2379): Nothing answers at this address.\n',
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

describe("the entry in etcd's list", () => {
  const idFor = (entries: ReturnType<typeof listed>[], peerUrl: string, seen = silent('node3') as never) =>
    surveyMembers(
      [...MEMBERS.slice(0, 2), configured('node3', { peerUrl })],
      observation([voter('node1'), voter('node2'), seen], { memberList: [...LIST.slice(0, 2), ...entries] }),
    ).members[2]?.id;
  const unstarted = (url: string) => listed('node3', { id: 'b3', name: '', peerUrls: ['https://other:2380', url] });

  it.each([
    ['with a "/" at its end', 'https://node3:2380/', 'https://node3:2380'],
    ['in upper case', 'HTTPS://NODE3:2380', 'https://node3:2380'],
    ["in upper case in etcd's list", 'https://node3:2380', 'https://Node3:2380'],
    ['with the port of its scheme', 'https://node3:443', 'https://node3:443'],
    ['of IPv6 in its long form', 'https://[fd00:0:0::3]:2380', 'https://[fd00::3]:2380'],
  ])('is found by a peer URL %s', (_, peerUrl, inList) => {
    expect(idFor([unstarted(inList)], peerUrl)).toBe('b3');
  });

  it.each([
    ['another port', 'https://node3:2381'],
    ['another scheme', 'http://node3:2380'],
    ['another host', 'https://node3.example:2380'],
    ['no URL at all', 'node3'],
  ])('is not found by %s', (_, inList) => {
    expect(idFor([unstarted(inList)], 'https://node3:2380')).toBe('');
  });

  it('is that of the ID that answers, before that of the peer URL, before that of the name', () => {
    const moved = listed('node3', { id: 'c3', peerUrls: ['https://old:2380'] });
    expect(idFor([moved], 'https://node3:2380')).toBe('c3');
    expect(idFor([moved, unstarted('https://node3:2380')], 'https://node3:2380')).toBe('b3');
    expect(
      idFor([moved, unstarted('https://node3:2380')], 'https://node3:2380', voter('node3', { id: 'c3' }) as never),
    ).toBe('c3');
  });
});

describe('strangers', () => {
  it('are the entries of the list that no configured member is', () => {
    const strangers = [listed('node7'), listed('node8', { name: '', isLearner: true })];
    const memberList = [strangers[0] as never, ...LIST, strangers[1] as never];
    const reading = observation([voter('node1'), voter('node2'), voter('node3')], { memberList });
    expect(surveyMembers(MEMBERS, reading).strangers).toEqual(strangers);
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
      'Without node2 there are 1 healthy voters, and a quorum is 2:\n- node1: healthy\n- node2: healthy\n' +
        '- node3: follows nobody, while the cluster follows node1\n' +
        'Nothing may be taken away from this cluster: see the incident quorum-lost.',
    );
  });
});
