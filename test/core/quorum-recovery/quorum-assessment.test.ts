import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import type { QuorumReadings } from '../../../core/quorum-recovery/contracts.ts';
import { assessQuorum } from '../../../core/quorum-recovery/quorum-assessment.ts';
import {
  clusterOf,
  configured,
  failureOf,
  LAYOUT,
  learner,
  refusing,
  silent,
  unreached,
  voter,
} from '../observations.ts';
import { CLUSTER, FIVE, MEMBERS, parametersWith, refusalsOf, WITH_BACKUPS } from './recoveries.ts';

const NONE: QuorumReadings = { lost: 0, total: 0, committed: {} };
const leaderless = (name: string) => voter(name, { leaderId: '0' });
const LOST = [leaderless('node1'), silent('node2'), silent('node3')];

interface Request {
  cluster?: Cluster;
  works?: string[];
  readings?: QuorumReadings;
  parameters?: object;
}

function assess(
  members: MemberObservation[],
  { cluster = CLUSTER, works = [], readings = NONE, parameters = {} }: Request = {},
) {
  const linearizable = members.map(({ name }) => ({
    member: name,
    works: works.includes(name),
    problem: works.includes(name) ? '' : 'etcd could not agree in time.',
  }));
  return assessQuorum({ members, memberList: [], alarms: [] }, linearizable, {
    cluster,
    parameters: parametersWith(parameters),
    readings,
  });
}

describe('a quorum that is lost', () => {
  it('is confirmed by three readings in a row', () => {
    const first = assess(LOST);
    const second = assess(LOST, { readings: first.readings });
    const third = assess(LOST, { readings: second.readings });
    expect([first, second, third].map(({ verdict }) => verdict)).toEqual(['Confirm', 'Confirm', 'Lost']);
    expect(third.readings).toEqual({ lost: 3, total: 3, committed: { node1: '7000' } });
    expect(third.summary).toBe(
      'No member serves a linearizable read, and no leader is followed by a quorum (2 of 3 voters): node1 follows no leader, and serves no ' +
        'linearizable read: etcd could not agree in time. node2 does not answer: Nothing answers at this address. node3 does not answer: ' +
        'Nothing answers at this address.',
    );
  });

  it('has every host looked at, also those of members that answer', () => {
    const { inspections } = assess(LOST);
    expect(inspections.map(({ host }) => host)).toEqual(['i-1', 'i-2', 'i-3']);
    expect(inspections.flatMap((command) => refusalsOf('inspect-host', command))).toEqual([]);
  });

  it('passes over a member without a host', () => {
    const cluster = clusterOf([...MEMBERS.slice(0, 2), configured('node3', { host: undefined })]);
    expect(assess(LOST, { cluster }).inspections.map(({ member }) => member)).toEqual(['node1', 'node2']);
  });

  it.each<[string, MemberObservation[], Cluster?]>([
    ['nobody answers', ['node1', 'node2', 'node3'].map((name) => silent(name))],
    ['all answer and follow nobody', ['node1', 'node2', 'node3'].map(leaderless)],
    ['one believes that it leads, and nobody follows it', [voter('node1'), leaderless('node2'), silent('node3')]],
    ['two follow different leaders', [voter('node1'), voter('node2', { leaderId: 'a3' }), silent('node3')]],
    [
      'two of five follow a leader',
      [voter('node1'), voter('node2'), ...['node3', 'node4', 'node5'].map((n) => silent(n))],
      FIVE,
    ],
    ['one refuses us, and the others are away', [refusing('node1'), silent('node2'), silent('node3')]],
    ['the only member is away', [silent('node1')], clusterOf([configured('node1')])],
    [
      'a learner follows too, and makes no quorum',
      [voter('node1'), learner('node2'), silent('node3')],
      clusterOf([configured('node1'), configured('node2', { learner: true }), configured('node3')]),
    ],
  ])('is seen where %s', (_, members, cluster = CLUSTER) => {
    expect(assess(members, { cluster }).readings.lost).toBe(1);
  });
});

describe('addresses of which nobody can tell who answers there', () => {
  it('are no proof of anything', () => {
    const failure = failureOf(() => assess([voter('node1'), { ...voter('node1'), name: 'node2' }, silent('node3')]));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('The same member (a1) answers at the addresses of node1, node2');
  });

  it.each([
    ['names that are not known here', [unreached('node1'), unreached('node2'), unreached('node3')]],
    ['a quorum of them', [leaderless('node1'), unreached('node2'), unreached('node3')]],
    ['a quorum of them and of members that refuse us', [silent('node1'), unreached('node2'), refusing('node3')]],
  ])('stop an assessment at once: %s', (_, members) => {
    const failure = failureOf(() => assess(members));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('A quorum of members cannot be judged from here');
    expect(failure.message).toContain('- node2: The host name in clientUrl is not known to DNS here.');
  });

  it('leave the loss to be seen where the others are no quorum without them', () => {
    const { readings, summary } = assess([leaderless('node1'), silent('node2'), unreached('node3')]);
    expect(readings.lost).toBe(1);
    expect(summary).toContain('node3 cannot be judged from here: The host name');
  });
});

describe('a quorum that is there', () => {
  it('is left alone: a linearizable read is the proof', () => {
    const { verdict, summary, inspections } = assess([voter('node1'), voter('node2'), voter('node3')], {
      works: ['node1', 'node2', 'node3'],
    });
    expect(verdict).toBe('NothingToDo');
    expect(summary).toBe('There is a quorum: linearizable reads work on node1, node2, node3, and node1 leads.');
    expect(inspections).toEqual([]);
  });

  it('names those that are not part of it, and their runbook', () => {
    const { verdict, summary } = assess(
      [silent('node1'), voter('node2', { leaderId: 'a3' }), voter('node3', { leaderId: 'a3' })],
      {
        works: ['node2', 'node3'],
      },
    );
    expect(verdict).toBe('NothingToDo');
    expect(summary).toBe(
      'There is a quorum: linearizable reads work on node2, node3, and node3 leads. See the incident member-failed for the others: ' +
        'node1 does not answer: Nothing answers at this address.',
    );
  });

  it.each<[string, MemberObservation, string]>([
    ['refuses us', refusing('node3'), 'runs and refuses us: Its certificate'],
    ['is not reached', unreached('node3'), 'cannot be judged from here: The host name'],
  ])('names one that %s apart from those that have failed: its runbook would refuse it', (_, third, standing) => {
    const { verdict, summary } = assess([voter('node1'), silent('node2'), third], { works: ['node1'] });
    expect(verdict).toBe('NothingToDo');
    expect(summary).toContain('See the incident member-failed for the others: node2 does not answer');
    expect(summary).toContain(
      'See the incident member-inaccessible for those that cannot be judged from here. None of them is replaced. Correct what is said of each' +
        `: node3 ${standing}`,
    );
  });

  it('names none as failed while the leader that is followed does not answer here: it may be any that is silent', () => {
    const following = ['node2', 'node3'].map((name) => voter(name, { leaderId: 'a1' }));
    const { verdict, summary } = assess([silent('node1'), ...following], { works: ['node2', 'node3'] });
    expect(verdict).toBe('NothingToDo');
    expect(summary).toMatch(/See the incident member-inaccessible .*: node1 does not answer: Nothing answers/);
    expect(summary).not.toContain('member-failed');
  });

  it('ends the readings at once, however many have shown it lost', () => {
    expect(assess(LOST, { works: ['node1'], readings: { lost: 2, total: 2, committed: {} } }).verdict).toBe(
      'NothingToDo',
    );
  });

  it('needs no layout: nothing is looked at on hosts', () => {
    const cluster = clusterOf([configured('node1', { host: undefined })], { layout: undefined });
    expect(assess([voter('node1')], { cluster, works: ['node1'] }).verdict).toBe('NothingToDo');
  });
});

describe('a quorum that may be there', () => {
  it.each<[string, MemberObservation[]]>([
    ['answers', [voter('node1'), voter('node2'), silent('node3')]],
    ['does not answer us', [silent('node1'), voter('node2'), voter('node3')]],
  ])('is not lost while a quorum follows a leader that %s, though reads are too slow', (_, members) => {
    const { verdict, readings, summary } = assess(members, { readings: { lost: 2, total: 2, committed: {} } });
    expect({ verdict, readings }).toMatchObject({ verdict: 'Confirm', readings: { lost: 0, total: 3 } });
    expect(summary).toContain(
      'A leader is followed by a quorum (2 of 3 voters), and yet no member serves a linearizable read',
    );
  });

  it.each<[string, MemberObservation]>([
    ['who follows no leader that we see', leaderless('node1')],
    ['who follows a leader that does not answer us', voter('node1', { leaderId: 'a2' })],
    ['who does not vote', learner('node1', { leaderId: 'a2' })],
  ])('is not lost where one has learnt of a commit since the last reading %s', (_, seen) => {
    const members = [{ ...seen, raftCommittedIndex: '7001' } as MemberObservation, ...LOST.slice(1)];
    const readings = { lost: 2, total: 2, committed: { node1: '7000' } };
    const moved = assess(members, { readings });
    expect(moved).toMatchObject({
      verdict: 'Confirm',
      readings: { lost: 0, total: 3, committed: { node1: '7001' } },
      summary: expect.stringMatching(
        /^node1 learnt of a commit since the last reading, which takes a quorum \(2 of 3 voters\), and yet no member serves/,
      ),
    });
    expect(assess(members, { readings: { ...readings, committed: { node1: '7001' } } }).verdict).toBe('Lost');
    expect(assess(members, { readings: { ...readings, committed: { node2: '6000' } } }).verdict).toBe('Lost');
  });

  it('is not waited for without end', () => {
    const slow = [voter('node1'), voter('node2'), silent('node3')];
    expect(assess(slow, { readings: { lost: 0, total: 9, committed: {} } }).verdict).toBe('Confirm');
    const failure = failureOf(() => assess(slow, { readings: { lost: 0, total: 10, committed: {} } }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toMatch(
      /^In 11 readings no linearizable read worked, and yet the quorum was not seen lost 3 times in a row/,
    );
  });

  it('is believed lost by the last of its readings', () => {
    expect(assess(LOST, { readings: { lost: 2, total: 10, committed: {} } }).verdict).toBe('Lost');
  });

  it.each<[string, MemberObservation[], Cluster?]>([
    ['all', ['node1', 'node2', 'node3'].map((name) => refusing(name))],
    ['as many as make a quorum', [refusing('node1'), refusing('node2'), silent('node3')]],
    ['the only one', [refusing('node1')], clusterOf([configured('node1')])],
  ])('cannot be judged where it refuses us: %s', (_, members, cluster = CLUSTER) => {
    const failure = failureOf(() => assess(members, { cluster }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('- node1: Its certificate is not of the CA.');
  });
});

describe('what members are told of', () => {
  it('is how each stands to its clients', () => {
    const { members } = assess([voter('node1', { leaderId: '0', revision: '60' }), silent('node2'), silent('node3')]);
    expect(members.slice(0, 2)).toEqual([
      {
        name: 'node1',
        answering: true,
        leaderId: '0',
        version: '3.5.30',
        revision: '60',
        raftAppliedIndex: '7000',
        problem: 'follows no leader, and serves no linearizable read: etcd could not agree in time.',
      },
      {
        name: 'node2',
        answering: false,
        leaderId: '',
        version: '',
        revision: '',
        raftAppliedIndex: '',
        problem: 'does not answer: Nothing answers at this address.',
      },
    ]);
  });
});

describe('a request that cannot be followed', () => {
  const withoutHosts = MEMBERS.map((member) => ({ ...member, host: undefined }));
  it.each<[string, Request, RegExp]>([
    ['no layout', { cluster: clusterOf(MEMBERS, { layout: undefined }) }, /has no "layout" in clusters\.json/],
    ['no host', { cluster: clusterOf(withoutHosts, { layout: LAYOUT }) }, /names no "host" for any member of orders/],
    [
      'a backup without a bucket',
      { parameters: { snapshot: { key: 'a.db' } } },
      /names no "backups" for the cluster orders/,
    ],
    [
      'a backup outside of what may be read',
      { cluster: WITH_BACKUPS, parameters: { snapshot: { key: 'other/a.db' } } },
      /"other\/a\.db" does not begin with "orders\/"/,
    ],
  ])('is refused at the first reading: %s', (_, request, message) => {
    const failure = failureOf(() => assess(LOST, request));
    expect(failure).toMatchObject({ name: 'InvalidInput', message: expect.stringMatching(message) });
  });
});
