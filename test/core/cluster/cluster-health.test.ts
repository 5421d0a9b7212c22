import { describe, expect, it } from 'vitest';
import { requireSettled } from '../../../core/cluster/cluster-health.ts';
import type { Observation } from '../../../core/cluster/observation.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import { failureOf, idOf, learner, noSpace, observation, silent, voter } from '../observations.ts';
import {
  assessSpace,
  chooseAlarmsToDisarm,
  chooseNextDefragmentation,
  provenWrites,
} from '../space-reclaim/space-decisions.ts';

const parameters = parse(spaceParametersSchema, {}, 'parameters');

const DECISIONS: [string, (reading: Observation) => unknown][] = [
  ['the assessment', (reading) => assessSpace(reading, parameters)],
  ['the choice of the next member', (reading) => chooseNextDefragmentation(reading, parameters, [], 0)],
  ['the disarming', (reading) => chooseAlarmsToDisarm(reading, parameters)],
  ['the report', (reading) => provenWrites(reading)],
];
const IN_THE_LOOP = DECISIONS.slice(1);

const three = [voter('node1'), voter('node2'), voter('node3')];

describe.each(DECISIONS)('%s', (_, decide) => {
  it.each([
    ['CORRUPT', [{ memberId: idOf('node2'), alarm: 'CORRUPT' }], 'CORRUPT on member a2 (node2)'],
    [
      'CORRUPT together with NOSPACE',
      [noSpace('node1'), { memberId: idOf('node2'), alarm: 'CORRUPT' }],
      'CORRUPT on member a2 (node2)',
    ],
    ['CORRUPT of a member that is gone', [{ memberId: 'dead', alarm: 'CORRUPT' }], 'CORRUPT on member dead'],
    ['an alarm of a kind that is not known', [{ memberId: idOf('node3'), alarm: '3' }], '3 on member a3 (node3)'],
    [
      'two unsafe alarms',
      [
        { memberId: idOf('node1'), alarm: 'CORRUPT' },
        { memberId: idOf('node3'), alarm: 'CORRUPT' },
      ],
      'CORRUPT on member a1 (node1), CORRUPT on member a3 (node3)',
    ],
  ])('is unsafe with %s', (_name, alarms, list) => {
    const failure = failureOf(() => decide(observation(three, { alarms })));
    expect(failure.name).toBe('UnsafeToProceed');
    expect(failure.message).toMatch(`etcd has raised ${list}. Members may hold different data`);
    expect(failure.message).toContain('no alarm was disarmed');
    expect(failure.message).toMatch(
      /The runbook for data-corrupt compares the members|does not know an alarm of that kind/,
    );
  });

  it('is unsafe with CORRUPT even while a member is down', () => {
    const members = [voter('node1'), voter('node2'), silent('node3')];
    const reading = observation(members, { alarms: [{ memberId: idOf('node1'), alarm: 'CORRUPT' }] });
    expect(failureOf(() => decide(reading)).name).toBe('UnsafeToProceed');
  });

  it.each([
    [
      'two endpoints that one member answers',
      observation([voter('node1'), voter('node2', { id: idOf('node1') }), voter('node3')]),
      'The same member (a1) answers at the addresses of node1, node2: each clientUrl has to reach its own member alone.',
    ],
    [
      'a member of another cluster',
      observation([voter('node1'), voter('node2'), voter('node3', { clusterId: 'f00d' })]),
      'belong to different clusters (node1: cluster c0ffee, node2: cluster c0ffee, node3: cluster f00d)',
    ],
    [
      'a member that the configuration does not name',
      observation(three.slice(0, 2), { memberList: observation(three).memberList }),
      '- node3 (a3, https://node3:2380): ',
    ],
    [
      'a member that was removed and answers all the same',
      observation(three, { memberList: observation(three.slice(0, 2)).memberList }),
      "node3 (a3) was removed from etcd's member list and answers all the same.",
    ],
    [
      'a voter that was added and never started',
      observation(three, {
        memberList: [
          ...observation(three).memberList,
          { id: 'a4', name: '', peerUrls: ['https://d:2380'], isLearner: false },
        ],
      }),
      '- (not started) (a4, https://d:2380): add it to clusters.json; or, if it is really no part of the cluster, remove it with "etcdctl member remove a4"',
    ],
  ])('stops at %s', (_name, reading, seen) => {
    const failure = failureOf(() => decide(reading));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(seen);
  });

  it.each([
    [
      'there is no leader',
      ['0', '0', '0'],
      'node1 follows no leader, node2 follows no leader, node3 follows no leader. An election may be under way.',
    ],
    [
      'members disagree on the leader',
      [idOf('node1'), idOf('node1'), idOf('node2')],
      'node1 follows node1, node2 follows node1, node3 follows node2.',
    ],
    [
      'one member has lost its leader',
      [idOf('node1'), idOf('node1'), '0'],
      'node1 follows node1, node2 follows node1, node3 follows no leader.',
    ],
    ['the leader is gone', ['dead', 'dead', 'dead'], 'node1 follows dead, node2 follows dead, node3 follows dead.'],
  ])('waits while %s', (_name, leaderIds, seen) => {
    const reading = observation(three.map((member, index) => ({ ...member, leaderId: leaderIds[index] ?? '0' })));
    const failure = failureOf(() => decide(reading));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain(seen);
  });

  it('waits for a learner that has not caught up', () => {
    const reading = observation([...three, learner('node4', { raftAppliedIndex: '12' })]);
    expect(failureOf(() => decide(reading))).toMatchObject({
      name: 'EtcdUnavailable',
      message:
        'Not every member is caught up: node4 has applied 12 of 7000 entries. If it lasts, look at the disk, the network and the log of those that are behind.',
    });
  });
});

describe('a member that is down', () => {
  const reading = observation([
    voter('node1'),
    silent('node2', 'Nothing answers.'),
    silent('node3', 'TLS was not agreed on.'),
  ]);
  const list =
    '2 of 3 members cannot be used:\n' +
    '- node2 (https://node2:2379): Nothing answers.\n' +
    '- node3 (https://node3:2379): TLS was not agreed on.\n';

  it('stops the runbook before the first change, and is named', () => {
    const failure = failureOf(() => assessSpace(reading, parameters));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(list);
    expect(failure.message).toContain('Bring back node2, node3 first, or see the incident member-failed');
  });

  it.each(IN_THE_LOOP)('is waited for by %s, and is named', (_, decide) => {
    const failure = failureOf(() => decide(reading));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain(list);
  });

  it('is what is reported where nobody answers at all', () => {
    const none = observation([silent('node1')], { memberList: [] });
    expect(failureOf(() => assessSpace(none, parameters)).message).toContain('1 of 1 members cannot be used');
  });
});

describe('a settled cluster', () => {
  it('has one leader, voters and learners', () => {
    const members = [voter('node1'), voter('node2'), learner('node3')];
    expect(requireSettled(members)).toEqual({
      leader: members[0],
      voters: members.slice(0, 2),
      learners: members.slice(2),
    });
  });

  it.each([
    ['1000 entries behind', '8000', '7000', 'no error'],
    ['1001 entries behind', '8001', '7000', 'EtcdUnavailable'],
    ['ahead of the leader, which was read first', '7000', '9000', 'no error'],
    ['1000 entries behind at 64 bits', '9223372036854775807', '9223372036854774807', 'no error'],
    ['1001 entries behind at 64 bits', '9223372036854775807', '9223372036854774806', 'EtcdUnavailable'],
  ])('has a member %s: %s and %s', (_, leaderApplied, applied, expected) => {
    const members = [
      voter('node1', { raftAppliedIndex: leaderApplied }),
      voter('node2', { raftAppliedIndex: applied }),
    ];
    expect(failureOf(() => requireSettled(members)).name).toBe(expected);
  });

  it('names each member that lags, with how far it is', () => {
    const members = [
      voter('node1'),
      voter('node2', { raftAppliedIndex: '5999' }),
      voter('node3', { raftAppliedIndex: '6000' }),
      voter('node4', { raftAppliedIndex: '1' }),
    ];
    expect(failureOf(() => requireSettled(members)).message).toBe(
      'Not every member is caught up: node2 has applied 5999 of 7000 entries, node4 has applied 1 of 7000 entries. If it lasts, look at the disk, the network and the log of those that are behind.',
    );
  });
});
