import { describe, expect, it } from 'vitest';
import type { ConfiguredMember } from '../../../core/cluster/clusters.ts';
import { surveyMembers } from '../../../core/cluster/member-survey.ts';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { configured, learner, listed, observation, silent, voter } from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const LIST = MEMBERS.map(({ name }) => listed(name));

function third(reading: Observation, members: readonly ConfiguredMember[] = MEMBERS) {
  const [, , member] = surveyMembers(members, reading).members;
  return { id: member?.id, state: member?.state, role: member?.role, problem: member?.problem };
}

describe('a member of a cluster that works', () => {
  it('is healthy where it follows the leader and is caught up', () => {
    const reading = observation([voter('node1'), voter('node2'), voter('node3', { version: '3.6.1' })]);
    const { leader, members, strangers } = surveyMembers(MEMBERS, reading);
    expect(leader).toEqual(reading.members[0]);
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
      { id: 'a3', state: 'failed', role: 'follower', problem: 'follows no leader, while the cluster follows node1' },
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

describe("the entry in etcd's list", () => {
  const idFor = (entries: ReturnType<typeof listed>[], peerUrl: string, seen: MemberObservation = silent('node3')) =>
    surveyMembers(
      [...MEMBERS.slice(0, 2), configured('node3', { peerUrl })],
      observation([voter('node1'), voter('node2'), seen], { memberList: [...LIST.slice(0, 2), ...entries] }),
    ).members[2]?.id;
  const unstarted = (url: string) =>
    listed('node3', { id: 'b3', name: '', isLearner: true, peerUrls: ['https://other:2380', url] });

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

  it('is that of the peer URL, before that of the name, before that of the ID that answers', () => {
    const moved = listed('node3', { id: 'c3', peerUrls: ['https://old:2380'] });
    expect(idFor([moved], 'https://node3:2380')).toBe('c3');
    expect(idFor([moved, unstarted('https://node3:2380')], 'https://node3:2380')).toBe('b3');
    expect(idFor([moved, unstarted('https://node3:2380')], 'https://node3:2380', voter('node3', { id: 'c3' }))).toBe(
      'b3',
    );
    const alias = listed('infra3', { id: 'd3', peerUrls: ['https://old:2380'] });
    expect(idFor([alias], 'https://node3:2380', voter('node3', { id: 'd3' }))).toBe('d3');
    expect(idFor([alias, moved], 'https://node3:2380', voter('node3', { id: 'd3' }))).toBe('c3');
  });
});

describe('strangers', () => {
  it('are the entries of the list that no configured member is', () => {
    const known = listed('node7');
    const unstarted = listed('node8', { name: '', isLearner: true });
    const memberList = [known, ...LIST, unstarted];
    const reading = observation([voter('node1'), voter('node2'), voter('node3')], { memberList });
    expect(surveyMembers(MEMBERS, reading).strangers).toEqual([known, unstarted]);
  });
});
