import { describe, expect, it } from 'vitest';
import type { ListedMember } from '../../../core/cluster/observation.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  failureOf,
  inspection,
  learner,
  listed,
  observation,
  silent,
  voter,
} from '../observations.ts';
import { crashed, EMPTY, MEMBERS, only, plan, target, withThird } from './plans.ts';

describe('the plan for a member that has crashed', () => {
  it('says what is done on its host and in etcd, in this order', () => {
    expect(plan(crashed)).toEqual({
      cluster: clusterOf(MEMBERS),
      replaced: null,
      targets: [
        {
          member: 'node3',
          host: 'i-3',
          removeIds: ['a3'],
          prepare: true,
          asLearner: true,
          staysLearner: false,
          wasActive: false,
          start: {
            unit: 'etcd',
            action: 'start',
            dataDir: '/var/lib/etcd',
            walDir: '',
            clusterId: 'c1',
            commitIndex: '100',
          },
          peerUrls: ['https://node3:2380'],
        },
      ],
      steps: [
        'already done: etcd on i-3 is stopped (failed)',
        'remove member a3 from etcd',
        'move /var/lib/etcd/member aside on i-3',
        'add node3 (https://node3:2380) to etcd as a learner',
        'write the membership into /etc/etcd/etcd.yaml on i-3, and start etcd',
        'wait until node3 is caught up',
        'promote node3 once it is caught up',
      ],
      archives: { node3: [] },
    });
  });

  it('keeps both peer URLs of a member that has two', () => {
    const both = ['https://node3:2380', 'https://10.0.0.3:2380'];
    const inspections = {
      node3: { configuration: configuration('node3', { initialAdvertisePeerUrls: both.join(', ') }) },
    };
    const { targets, steps } = plan(crashed, { inspections });
    expect(targets[0]?.peerUrls).toEqual(both);
    expect(steps).toContain('add node3 (https://node3:2380, https://10.0.0.3:2380) to etcd as a learner');
  });

  it('says which settings the etcd of the host passes over, and replaces its member all the same', () => {
    const experimental = ['experimental-initial-corrupt-check', 'experimental-max-learners'];
    const steps = (etcdVersion: string) =>
      plan(crashed, {
        inspections: { node3: { etcdVersion, configuration: configuration('node3', { experimental }) } },
      }).steps;
    expect(steps('3.7.3')).toContain(
      'write the membership into /etc/etcd/etcd.yaml on i-3, and start etcd; etcd 3.7.3 ignores ' +
        'experimental-initial-corrupt-check, experimental-max-learners in /etc/etcd/etcd.yaml',
    );
    expect(steps('3.6.16')).toContain('write the membership into /etc/etcd/etcd.yaml on i-3, and start etcd');
  });

  it('leaves the promotion out for one that joins as a voter, and the removal for one that is gone', () => {
    expect(plan(withThird(silent('node3'), null, '3.5.16')).steps).toEqual([
      'already done: etcd on i-3 is stopped (failed)',
      "already done: node3 is not in etcd's list",
      'move /var/lib/etcd/member aside on i-3',
      'add node3 (https://node3:2380) to etcd as a voter',
      'write the membership into /etc/etcd/etcd.yaml on i-3, and start etcd',
      'wait until node3 is caught up',
    ]);
  });

  it("follows the layout of the member's own host", () => {
    const members = [
      ...MEMBERS.slice(0, 2),
      configured('node3', { layout: { unit: 'etcd3', dataDir: '/data', walDir: '/wal' } }),
    ];
    const inspections = {
      node3: {
        dataDir: directory('/data'),
        walDir: directory('/wal'),
        configuration: configuration('node3', { dataDir: '/data/', walDir: '/wal' }),
      },
    };
    const { targets, steps } = plan(crashed, { members, inspections });
    expect(targets[0]?.start).toMatchObject({ unit: 'etcd3', dataDir: '/data', walDir: '/wal' });
    expect(steps.slice(0, 3)).toEqual([
      'already done: etcd3 on i-3 is stopped (failed)',
      'remove member a3 from etcd',
      'move /data/member and /wal aside on i-3',
    ]);
  });

  it.each([
    ['active', true],
    ['activating', true],
    ['reloading', true],
    ['deactivating', true],
    ['inactive', false],
    ['failed', false],
  ])('remembers whether its service ran: one that is %s, %s', (activeState, wasActive) => {
    const inspections = { node3: { unit: { ...inspection('node3').unit, activeState } } };
    expect(only(plan(crashed, { inspections })).wasActive).toBe(wasActive);
  });

  it('says what earlier executions have moved aside', () => {
    const inspections = { node3: { archives: ['/var/lib/etcd.run-0'] } };
    expect(plan(crashed, { inspections }).archives).toEqual({ node3: ['/var/lib/etcd.run-0'] });
  });
});

describe('the plan says what is done already, and what is left,', () => {
  const running = { unit: { ...inspection('node3').unit, activeState: 'activating', subState: 'auto-restart' } };
  const stopped = { unit: { ...inspection('node3').unit, activeState: 'inactive' } };
  const archives = ['/var/lib/etcd.run-0'];
  const unstarted = listed('node3', { id: 'b3', name: '', isLearner: true });
  const STOPPED = 'already done: etcd on i-3 is stopped (inactive)';
  const LEFT = "already done: node3 is not in etcd's list";
  const MOVED = 'already done: the data on i-3 is moved aside, and kept: /var/lib/etcd.run-0';
  const REMOVE = 'remove member a3 from etcd';
  const MOVE = 'move /var/lib/etcd/member aside on i-3';
  const JOIN = [
    'add node3 (https://node3:2380) to etcd as a learner',
    'write the membership into /etc/etcd/etcd.yaml on i-3, and start etcd',
    'wait until node3 is caught up',
    'promote node3 once it is caught up',
  ];

  it.each<[string, ListedMember | null | undefined, Partial<HostInspection>, string[]]>([
    ['was not begun', undefined, running, ['stop etcd on i-3', REMOVE, MOVE]],
    ['has stopped the service', undefined, stopped, [STOPPED, REMOVE, MOVE]],
    ['has removed the member', null, stopped, [STOPPED, LEFT, MOVE]],
    ['has moved its data aside', null, { ...stopped, ...EMPTY, archives }, [STOPPED, LEFT, MOVED]],
    [
      'has added it again',
      unstarted,
      { ...stopped, ...EMPTY, archives },
      [STOPPED, 'remove member b3 from etcd, which was added for node3 and has never started', MOVED],
    ],
  ])('of a replacement that %s', (_, entry, host, first) => {
    expect(plan(withThird(silent('node3'), entry), { inspections: { node3: host } }).steps).toEqual([
      ...first,
      ...JOIN,
    ]);
  });

  it('of two folders: the one that is left', () => {
    const members = [...MEMBERS.slice(0, 2), configured('node3', { layout: { walDir: '/wal' } })];
    const folders = (dataDir: boolean, walDir: boolean) => ({
      dataDir: directory('/var/lib/etcd', { empty: dataDir }),
      walDir: directory('/wal', { empty: walDir }),
      configuration: configuration('node3', { walDir: '/wal' }),
    });
    const moved = (dataDir: boolean, walDir: boolean) =>
      plan(crashed, { members, inspections: { node3: folders(dataDir, walDir) } }).steps[2];
    expect(moved(false, true)).toBe('move /var/lib/etcd/member aside on i-3');
    expect(moved(true, false)).toBe('move /wal aside on i-3');
    expect(moved(true, true)).toBe('nothing to move aside: /var/lib/etcd on i-3 holds no data of etcd');
  });
});

describe('the way in', () => {
  it.each([
    ['3.3.27', 'a voter'],
    ['3.4.0', 'a learner'],
    ['3.4.34', 'a learner'],
    ['3.5.0', 'a learner'],
    ['3.5.1', 'a voter'],
    ['3.5.9', 'a voter'],
    ['3.5.19', 'a voter'],
    ['3.5.20', 'a learner'],
    ['3.5.30', 'a learner'],
    ['3.6.0', 'a learner'],
    ['3.6.0-rc.4', 'a learner'],
    ['3.10.1', 'a learner'],
    ['4.0.0', 'a learner'],
  ])('into etcd %s is that of %s', (version, expected) => {
    const inspections = { node3: { etcdVersion: version } };
    expect(only(plan(withThird(silent('node3'), undefined, version), { inspections })).asLearner).toBe(
      expected === 'a learner',
    );
  });

  it.each([
    ['3.4.34', '3.5.16', false],
    ['3.5.16', '3.5.30', false],
    ['3.5.16', '3.6.1', false],
    ['3.4.34', '3.5.30', true],
    ['3.5.30', '3.6.1', true],
  ])('into a cluster of %s and %s follows the stricter of the two: as a learner %s', (one, other, asLearner) => {
    for (const [first, second] of [[one, other] as const, [other, one] as const]) {
      const reading = observation([
        voter('node1', { version: first }),
        voter('node2', { version: second }),
        silent('node3'),
      ]);
      expect(only(plan(reading)).asLearner).toBe(asLearner);
    }
  });

  it('is none beside a single voter where it would have to be that of a voter, for the quorum would be gone until it runs', () => {
    const alone = (version: string) => {
      const reading = observation([voter('node1', { version }), silent('node2')]);
      const [one] = reading.memberList;
      const inspections = { node2: { etcdVersion: version } };
      const members = MEMBERS.slice(0, 2);
      return () =>
        plan({ ...reading, memberList: one ? [one] : [] }, { members, targets: [target('node2')], inspections });
    };
    expect(failureOf(alone('3.5.16'))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('node1 is the only voter that stays'),
    });
    expect(only(alone('3.5.30')()).asLearner).toBe(true);
  });

  it('is that of a voter where another learner is there, for etcd takes one at a time', () => {
    const members = [...MEMBERS, configured('node4', { learner: true })];
    const reading = observation([voter('node1'), voter('node2'), silent('node3'), learner('node4')]);
    expect(only(plan(reading, { members })).asLearner).toBe(false);
  });

  it('is that of a learner where the only learner is the one that is removed', () => {
    expect(only(plan(withThird(silent('node3'), listed('node3', { isLearner: true })))).asLearner).toBe(true);
  });

  it('is that of a learner where the only learner is the target, which was added and never started', () => {
    const unstarted = listed('node3', { name: '', isLearner: true });
    const inspections = { node3: EMPTY };
    expect(only(plan(withThird(silent('node3'), unstarted), { inspections }))).toMatchObject({
      removeIds: ['a3'],
      asLearner: true,
    });
  });

  it('is that of a learner for one that stays a learner, which is not promoted', () => {
    const members = [...MEMBERS.slice(0, 2), configured('node3', { learner: true })];
    const planned = plan(withThird(silent('node3'), listed('node3', { isLearner: true }), '3.5.16'), { members });
    expect(only(planned)).toMatchObject({ asLearner: true, staysLearner: true });
    expect(planned.steps).toContain('add node3 (https://node3:2380) to etcd as a learner');
    expect(planned.steps.at(-1)).toBe('wait until node3 is caught up');
  });
});
