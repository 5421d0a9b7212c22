import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../core/cluster/evidence.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { mayElect } from '../../../core/diagnosis/diagnose.ts';
import { refusing } from '../observations.ts';
import {
  apart,
  clusterFor,
  conditionsOf,
  configured,
  diagnosed,
  leaderless,
  learner,
  listed,
  members,
  proof,
  silent,
  voter,
} from './diagnoses.ts';

const FIVE = ['node1', 'node2', 'node3', 'node4', 'node5'];
/** It runs, and nobody logs in. */
const mute = (name: string) => ({ ...silent(name, 'etcdserver: no leader.'), silence: 'leaderless' as const });

describe('a quorum that is missing is told by the way in which it is', () => {
  it.each<[string, Evidence, RegExp]>([
    [
      'nobody answers',
      apart(members('sss')),
      /^No member answers from here, .*all are down, or the network from here to them is cut/,
    ],
    [
      'two members each see another leader',
      apart([voter('node1'), voter('node2', { leaderId: 'a3' }), silent('node3')]),
      /^The members do not agree on a leader, .*: node1 believes that it leads, node2 follows a3\. Either an election/,
    ],
    [
      'each of two halves follows its own',
      apart(FIVE.map((name, index) => voter(name, { leaderId: ['a1', 'a1', 'a3', 'a3', '0'][index] as string }))),
      /: node1 believes that it leads, node2 follows node1, node3 believes that it leads, node4 follows node3, node5 follows no leader\. Either an election/,
    ],
    [
      'one of three is cut off from the others',
      apart(members('nss')),
      /^Only 1 of 3 voters can be seen from here, which is a minority: node1 follows no leader\. The others are down, or they work together on the other side of a partition: .*a quorum \(2 of 3 voters\) may work where we do not see it\.$/,
    ],
    [
      'two of five, on our side of a partition, follow one beyond it',
      apart([voter('node1', { leaderId: 'a5' }), voter('node2', { leaderId: 'a5' }), ...members('wwsss').slice(2)]),
      /^Only 2 of 5 voters can be seen from here, .*: node1 follows a5, node2 follows a5\. The others have gone down a moment ago, or they are cut off from here/,
    ],
    [
      'one that runs logs nobody in',
      apart([mute('node1'), silent('node2'), silent('node3')]),
      /^Only 1 of 3 voters can be seen from here, .*: node1 has no leader\. The others are down/,
    ],
    [
      'all that run log nobody in',
      apart(['node1', 'node2', 'node3'].map(mute)),
      /^3 of 3 voters answer, .*: node1 has no leader, node2 has no leader, node3 has no leader\. An election does not end/,
    ],
    [
      'a learner follows as well, which makes no quorum',
      apart([voter('node1'), silent('node2'), silent('node3'), learner('node4')]),
      /^Only 1 of 3 voters can be seen from here, .*: node1 believes that it leads\./,
    ],
  ])('%s', (_, evidence, expected) => {
    const cluster = clusterFor(evidence);
    const { incident, summary, members } = diagnosed(evidence, cluster);
    expect(incident).toBe('quorum-lost');
    expect(summary).toMatch(expected);
    expect(members.map(({ state }) => state)).not.toContain('healthy');
    expect(mayElect(cluster, evidence)).toBe(true);
  });
});

describe('a quorum that is there, though few of it answer us,', () => {
  it.each<[string, MemberObservation[]]>([
    ['one of three', [voter('node1', { leaderId: 'a2' }), ...members('wss').slice(1)]],
    [
      'two of five',
      [voter('node1', { leaderId: 'a5' }), voter('node2', { leaderId: 'a5' }), ...members('wwsss').slice(2)],
    ],
  ])('is proven by what it agrees on: %s', (_, seen) => {
    const { incident, summary, members: facts } = diagnosed(proof(seen));
    expect(incident).toBe('member-inaccessible');
    expect(summary).toMatch(/ leads, for node1.* follows? it, and cannot be reached from here: Nothing answers/);
    expect(summary).toMatch(
      / a quorum works, and so few of it answer that not all others can be down: Nothing answers/,
    );
    expect(facts.map(({ state }) => state)).not.toContain('failed');
    expect(facts[0]?.state).toBe('healthy');
  });

  it.each<[string, MemberObservation[]]>([
    ['one of three', [voter('node1', { leaderId: 'a2' }), ...members('wss').slice(1)]],
    ['one of three, who follows no leader by now', [leaderless('node1'), ...members('wss').slice(1)]],
  ])('is proven by what it commits between two looks: %s', (_, seen) => {
    expect(diagnosed(apart(seen)).incident).toBe('quorum-lost');
    const { incident, others, summary } = diagnosed(apart(seen, { committing: ['node1'] }));
    expect({ incident, others }).toEqual({ incident: 'member-inaccessible', others: [] });
    expect(summary).toMatch(/^node2 cannot be judged from here.* It is the same with node3\. A quorum is at work/);
    expect(summary).toContain('Nothing shows that they have failed, so they are not replaced');
  });

  it('may be of members that all refuse us for the same reason, which is told once, each with its own address', () => {
    const refusals = ['node1', 'node2', 'node3'].map((name) =>
      refusing(name, `https://${name}:2379: The password is wrong.`),
    );
    const { incident, summary } = diagnosed(apart(refusals));
    expect(incident).toBe('quorum-inaccessible');
    expect(summary).toContain(
      ' node1 runs and refuses us: https://node1:2379: The password is wrong. It is the same with node2, node3. Correct the login',
    );
  });

  it('and commits without a member that is away as well', () => {
    const evidence = apart(members('wwsss'), { committing: ['node1'] });
    expect(diagnosed(evidence).incident).toBe('member-inaccessible');
    expect(diagnosed(apart(members('wwss'), { committing: ['node1'] })).incident).toBe('member-inaccessible');
    expect(diagnosed(apart(members('wws'), { committing: ['node1'] })).incident).toBe('member-failed');
  });

  it('has a member that is none of it', () => {
    const seen = [voter('node1', { leaderId: 'a5' }), leaderless('node2'), ...members('wwsss').slice(2)];
    expect(diagnosed(proof(seen)).members[1]).toMatchObject({ state: 'failed', problem: 'follows no leader' });
  });

  it('is seen in a leader that a quorum follows, who does not answer us', () => {
    const evidence = apart([silent('node1'), voter('node2'), voter('node3')]);
    const { incident, summary, warnings } = diagnosed(evidence);
    expect(incident).toBe('member-inaccessible');
    expect(summary).toMatch(
      /^node1 cannot be judged from here, for it may be the leader that node2, node3 follow: .* Nothing shows that it has failed, so it is not replaced/,
    );
    expect(warnings.map(({ kind }) => kind)).toEqual(['alarms-unknown']);
    expect(mayElect(clusterFor(evidence), evidence)).toBe(true);
  });

  it('is judged by the configuration where it is too slow to tell its list', () => {
    const { incident, summary, warnings } = diagnosed(apart(members('www')));
    expect(incident).toBe('healthy');
    expect(summary).toBe(
      'node1 leads, every member follows it and is caught up, but whether an alarm is raised could not be read.',
    );
    expect(warnings.map(({ kind }) => kind)).toEqual(['alarms-unknown']);
    expect(conditionsOf(diagnosed(apart(members('wws'))))).toBe('member-failed');
  });

  it('takes no member for failed because of an election between two answers', () => {
    const seen = [voter('node1'), voter('node2', { leaderId: 'a3' }), leaderless('node3')];
    const { incident, members: facts, warnings } = diagnosed(proof(seen));
    expect(incident).toBe('healthy');
    expect(facts.map(({ state }) => state)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(warnings).toEqual([
      {
        kind: 'unsettled',
        message:
          'A quorum agrees, and yet members do not name one leader: node1 follows a1, node2 follows a3, node3 follows no leader. An election came in between; look again.',
      },
    ]);
  });
});

describe('learners', () => {
  const SLOW = learner('node4', { raftAppliedIndex: '12' });
  const cluster = (evidence: Evidence) =>
    clusterFor(evidence, {
      members: [...['node1', 'node2', 'node3'].map((n) => configured(n)), configured('node4', { learner: true })],
    });

  it.each<[string, MemberObservation[], string]>([
    ['that stay learners are healthy', [...members('www'), learner('node4')], 'healthy'],
    ['may fail as others do', [...members('www'), silent('node4')], 'member-failed'],
    ['may be behind as others are', [...members('www'), SLOW], 'healthy'],
  ])('%s', (_, seen, expected) => {
    const memberList = [...['node1', 'node2', 'node3'].map((n) => listed(n)), listed('node4', { isLearner: true })];
    const evidence = proof(seen, { memberList });
    const { incident, warnings } = diagnosed(evidence, cluster(evidence));
    expect(incident).toBe(expected);
    const told = warnings.map(({ kind }) => kind).filter((kind) => kind !== 'known-defect');
    expect(told).toEqual(seen.at(-1) === SLOW ? ['behind'] : []);
  });

  it('do not count among the voters that make a quorum', () => {
    const evidence = apart([...members('nss'), learner('node4', { leaderId: '0' })]);
    expect(diagnosed(evidence, cluster(evidence)).summary).toMatch(/^Only 1 of 3 voters can be seen/);
  });
});

describe('another look', () => {
  it.each<[string, Evidence, boolean]>([
    ['where nobody leads', apart(members('nnn')), true],
    ['where nobody answers: logins wait for a leader', apart(members('sss')), true],
    ['where the leader does not answer', proof([silent('node1'), voter('node2'), voter('node3')]), true],
    ['not where a leader is followed', proof(members('wws')), false],
    ['not where all refuse us', apart(members('rrr')), false],
  ])('is worth its time %s', (_, evidence, expected) => {
    expect(mayElect(clusterFor(evidence), evidence)).toBe(expected);
  });
});
