import { describe, expect, it } from 'vitest';
import type { ListedMember, MemberObservation } from '../../../core/cluster/observation.ts';
import { parameterSchema } from '../../../core/hosts/host-commands.ts';
import { TEXT_RULES } from '../../../core/text/text-rules.ts';
import { clusterOf, configured, failureOf, learner, listed, observation, silent, voter } from '../observations.ts';
import {
  added,
  choose,
  crashed,
  DEPARTED,
  joining,
  LIST,
  MEMBERS,
  membersOf,
  STARTED,
  STOPPED,
  started,
  target,
  withThird,
} from './changes.ts';

describe('a member that leaves', () => {
  it.each([
    [
      'it has crashed',
      crashed,
      [],
      {
        action: 'StopService',
        commands: [
          {
            ...{ member: 'node3', host: 'i-3' },
            parameters: {
              unit: 'etcd',
              action: 'stop',
              dataDir: '/var/lib/etcd',
              walDir: '',
              clusterId: '',
              commitIndex: '',
            },
          },
        ],
      },
    ],
    ['it is stopped', crashed, STOPPED, { action: 'RemoveMember', member: 'node3', id: 'a3' }],
    [
      'it is gone from the list',
      withThird(silent('node3'), null),
      STOPPED,
      {
        action: 'ArchiveDataDir',
        commands: [
          {
            member: 'node3',
            host: 'i-3',
            parameters: {
              unit: 'etcd',
              dataDir: '/var/lib/etcd',
              walDir: '',
              user: 'etcd',
              group: 'etcd',
              execution: 'run-1',
            },
          },
        ],
      },
    ],
  ])('is stopped, then removed, and then its data moved aside: where %s', (_, reading, done, expected) => {
    expect(choose(reading, { done })).toEqual(expected);
  });

  it.each([
    ['as it was added', { name: '' }],
    ['as a learner', { name: '', isLearner: true }],
    ['under its name', {}],
    ['under its name at another peer URL', { peerUrls: ['https://old:2380'] }],
    ['under its peer URL and another name', { name: 'infra3' }],
  ])('is not removed where somebody has added it again before its data was moved, %s', (_, differences) => {
    const reading = withThird(silent('node3'), listed('node3', { id: 'c3', ...differences }));
    const chosen = (removeIds: string[]) =>
      choose(reading, { done: STOPPED, targets: [target('node3', { removeIds })] });
    expect(chosen(['c3'])).toEqual({ action: 'RemoveMember', member: 'node3', id: 'c3' });
    for (const removeIds of [[], ['a3']]) {
      expect(failureOf(() => chosen(removeIds))).toMatchObject({
        name: 'PreconditionFailed',
        message: expect.stringMatching(
          /^node3 is the member c3 in etcd's list now, which this plan does not remove: another person or program added it since/,
        ),
      });
    }
  });

  it('is not removed again where it was added after its data was moved', () => {
    expect(choose(withThird(silent('node3'), added), { done: DEPARTED }).action).toBe('JoinCluster');
  });

  it('goes under every ID that it has, those first that are still in the list', () => {
    const two = [...LIST.slice(0, 2), listed('node3', { id: 'b3', isLearner: true })];
    const old = listed('old', { id: 'a3', isLearner: true, peerUrls: ['https://old:2380'] });
    const request = { targets: [target('node3', { removeIds: ['gone', 'b3', 'a3'] })], done: STOPPED };
    const reading = { ...crashed, memberList: [...two, old] };
    expect(choose(reading, request)).toEqual({ action: 'RemoveMember', member: 'node3', id: 'b3' });
    const withoutNew = { ...reading, memberList: [...LIST.slice(0, 2), old] };
    expect(choose(withoutNew, request)).toEqual({ action: 'RemoveMember', member: 'node3', id: 'a3' });
  });

  it('leaves before anybody joins, whichever is named first', () => {
    const names = ['node1', 'node2', 'node3', 'node4', 'node5'];
    const cluster = clusterOf(names.map((name) => configured(name)));
    const members = [voter('node1'), voter('node2'), voter('node3'), silent('node4'), silent('node5')];
    const targets = [target('node4', { removeIds: [] }), target('node5')];
    let memberList = names.filter((name) => name !== 'node4').map((name) => listed(name));
    const done: string[] = [];
    const chosen: string[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const next = choose(observation(members, { memberList }), { cluster, targets, done });
      if (next.action === 'RemoveMember') memberList = memberList.filter(({ id }) => id !== next.id);
      chosen.push(`${next.action} ${membersOf(next)}`);
      done.push(...membersOf(next).map((member) => `${next.action} ${member}`));
    }
    // On both hosts at once, and in etcd's list one after the other.
    expect(chosen).toEqual([
      'StopService node4,node5',
      'RemoveMember node5',
      'ArchiveDataDir node4,node5',
      'AddMember node4',
    ]);
  });

  it('is left alone where it came back by itself before it was stopped', () => {
    expect(failureOf(() => choose(observation([voter('node1'), voter('node2'), voter('node3')])))).toMatchObject({
      name: 'PreconditionFailed',
      message: 'node3 has come back, so it is not replaced. Start again if it fails again.',
    });
  });

  it('needs a host', () => {
    const { host: _, ...hostless } = configured('node3');
    const failure = failureOf(() => choose(crashed, { cluster: clusterOf([...MEMBERS.slice(0, 2), hostless]) }));
    expect(failure).toMatchObject({ name: 'PreconditionFailed' });
    expect(failure.message).toContain('names no "host" for node3');
  });
});

describe('a member that joins', () => {
  it.each([true, false])('is added once it has left; as a learner: %s', (asLearner) => {
    const targets = [target('node3', { asLearner })];
    expect(choose(withThird(silent('node3'), null), { targets, done: DEPARTED })).toEqual({
      action: 'AddMember',
      member: 'node3',
      peerUrls: ['https://node3:2380'],
      asLearner,
    });
  });

  it('is added with every peer URL that its own etcd announces', () => {
    const peerUrls = ['https://node3:2380', 'https://10.0.0.3:2380'];
    const targets = [target('node3', { peerUrls })];
    expect(choose(withThird(silent('node3'), null), { targets, done: DEPARTED })).toMatchObject({ peerUrls });
    const list = [...LIST.slice(0, 2), { ...added, peerUrls }];
    const next = choose(withThird(silent('node3'), list[2] ?? null), { targets, done: DEPARTED });
    expect(Object(next).commands[0].parameters.initialCluster).toContain(
      'node3=https://node3:2380,node3=https://10.0.0.3:2380',
    );
  });

  it('is configured and started at once, then waited for', () => {
    const reading = withThird(silent('node3'), added);
    expect(choose(reading, { done: DEPARTED })).toEqual({
      action: 'JoinCluster',
      commands: [
        {
          member: 'node3',
          host: 'i-3',
          parameters: {
            unit: 'etcd',
            configFile: '/etc/etcd/etcd.yaml',
            dataDir: '/var/lib/etcd',
            walDir: '',
            initialCluster: 'node1=https://node1:2380,node2=https://node2:2380,node3=https://node3:2380',
            execution: 'run-1',
          },
        },
      ],
    });
    expect(choose(reading, { done: STARTED })).toEqual({ action: 'WaitForMember', member: 'node3' });
  });

  it.each([
    ['waited for while it is behind', learner('node3', { id: 'b3', raftAppliedIndex: '1' }), 'WaitForMember'],
    ['promoted where it is caught up', learner('node3', { id: 'b3' }), 'PromoteMember'],
    ['waited for where the one that was removed answers', voter('node3'), 'WaitForMember'],
  ])('is %s', (_, third, action) => {
    expect(choose(withThird(third, started), { done: STARTED })).toMatchObject({ action, member: 'node3' });
  });

  it('is promoted under its new ID', () => {
    expect(choose(withThird(learner('node3', { id: 'b3' }), started), { done: STARTED })).toEqual({
      action: 'PromoteMember',
      member: 'node3',
      id: 'b3',
    });
  });

  it.each([
    ['a voter', voter('node3', { id: 'b3' }), { asLearner: false }],
    ['a learner that stays one', learner('node3', { id: 'b3' }), { staysLearner: true }],
  ])('has joined as %s, and that is all', (_, third, differences) => {
    const members = [...MEMBERS.slice(0, 2), configured('node3', { learner: third.isLearner })];
    const request = { cluster: clusterOf(members), targets: [target('node3', differences)], done: STARTED };
    const entry = listed('node3', { id: 'b3', isLearner: third.isLearner });
    expect(choose(withThird(third, entry), request)).toEqual({ action: 'Finish' });
  });

  it('joins after the one before it has joined', () => {
    const names = ['node1', 'node2', 'node3', 'node4', 'node5'];
    const cluster = clusterOf(names.map((name) => configured(name)));
    const targets = [target('node4'), target('node5')];
    const done = [...STARTED.map((action) => action.replace('3', '4')), ...DEPARTED.map((a) => a.replace('3', '5'))];
    const request = { cluster, targets, done };
    const withFourth = (fourth: MemberObservation) => {
      const well = [voter('node1'), voter('node2'), voter('node3')];
      const reading = observation([...well, fourth, silent('node5')]);
      const fourthEntry = listed('node4', { id: 'b4', isLearner: fourth.answering && fourth.isLearner });
      return { ...reading, memberList: [...reading.memberList.slice(0, 3), fourthEntry] };
    };
    expect(choose(withFourth(learner('node4', { id: 'b4' })), request)).toMatchObject({
      action: 'PromoteMember',
      member: 'node4',
    });
    expect(choose(withFourth(voter('node4', { id: 'b4' })), request)).toMatchObject({
      action: 'AddMember',
      member: 'node5',
    });
  });

  it('is not touched on its host where it only had to finish joining', () => {
    const request = { targets: [joining('node3')] };
    expect(choose(withThird(learner('node3')), request)).toMatchObject({ action: 'PromoteMember', id: 'a3' });
    expect(choose(withThird(voter('node3', { raftAppliedIndex: '1' })), request)).toEqual({
      action: 'WaitForMember',
      member: 'node3',
    });
    expect(choose(crashed, request)).toEqual({ action: 'WaitForMember', member: 'node3' });
    expect(choose(withThird(voter('node3')), request)).toEqual({ action: 'Finish' });
  });
});

describe('the configuration that a new member starts with', () => {
  const initialClusterOf = (memberList: ListedMember[], third: MemberObservation = silent('node3')) => {
    const next = choose(
      { ...withThird(third), memberList },
      { done: DEPARTED, targets: [target('node3', { removeIds: [] })] },
    );
    expect(next.action).toBe('JoinCluster');
    return next.action === 'JoinCluster' ? next.commands[0]?.parameters.initialCluster : '';
  };

  it.each([
    [
      'each peer URL of a member',
      [listed('node1', { peerUrls: ['https://node1:2380', 'https://10.0.0.1:2380'] }), listed('node2'), added],
      'node1=https://node1:2380,node1=https://10.0.0.1:2380,node2=https://node2:2380,node3=https://node3:2380',
    ],
    [
      "members by the names that etcd has for them, in the order of etcd's list",
      [added, listed('node2'), listed('infra0', { id: 'a1', peerUrls: ['https://node1:2380'] })],
      'node3=https://node3:2380,node2=https://node2:2380,infra0=https://node1:2380',
    ],
    [
      'one that has not started by the name in clusters.json, however its URL is spelled',
      [...LIST.slice(0, 2), { ...added, peerUrls: ['https://NODE3:2380'] }],
      'node1=https://node1:2380,node2=https://node2:2380,node3=https://NODE3:2380',
    ],
    [
      'one that has not started and that nobody knows by its ID',
      [...LIST.slice(0, 2), added, listed('', { id: 'c9', peerUrls: ['https://[fd00::9]:2380'], isLearner: true })],
      'node1=https://node1:2380,node2=https://node2:2380,node3=https://node3:2380,c9=https://[fd00::9]:2380',
    ],
  ])('names %s', (_, memberList, expected) => {
    const initialCluster = initialClusterOf(memberList);
    expect(initialCluster).toBe(expected);
    expect(parameterSchema(TEXT_RULES.initialCluster).safeParse(initialCluster).success).toBe(true);
  });
});
