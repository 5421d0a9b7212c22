import { describe, expect, it } from 'vitest';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  failureOf,
  inspected,
  inspection,
  LAYOUT,
  listed,
  spare,
} from '../observations.ts';
import { LIST, plan, problemsOf } from './host-plans.ts';
import { MEMBERS } from './plans.ts';

describe('the host of a replacement', () => {
  const place = spare('node9');
  const foreign = {};
  const empty = { dataDir: directory(LAYOUT.dataDir, { empty: true }) };

  it('is planned for where it is empty: the old member is removed, and the new one added', () => {
    const { cluster, replaced, targets, steps } = plan(empty, { place });
    expect(cluster.members.map(({ name }) => name)).toEqual(['node1', 'node2', 'node9']);
    expect(replaced).toEqual(MEMBERS[2]);
    expect(targets).toMatchObject([{ member: 'node9', host: 'i-9', removeIds: ['a3'], prepare: true }]);
    expect(steps.slice(0, 5)).toEqual([
      'leave node3 as it is on i-3, which says that its unit is failed',
      'already done: etcd on i-9 is stopped (failed)',
      'remove member a3 from etcd',
      'nothing to move aside: /var/lib/etcd on i-9 holds no data of etcd',
      'add node9 (https://node9:2380) to etcd as a learner',
    ]);
  });

  it('joins as a learner where the only other learner is the one that it replaces', () => {
    const memberList = [...LIST.slice(0, 2), listed('node3', { isLearner: true })];
    expect(plan(empty, { place, memberList }).targets).toMatchObject([{ removeIds: ['a3'], asLearner: true }]);
  });

  it('removes the old member once where the new one has its name', () => {
    expect(plan(empty, { place: { ...place, name: 'node3', peerUrl: 'https://node3:2380' } }).targets).toMatchObject([
      { member: 'node3', host: 'i-9', removeIds: ['a3'] },
    ]);
  });

  it('is refused where it holds data of a member that this cluster does not know', () => {
    const failure = failureOf(() => plan(foreign, { place }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toBe(
      "/var/lib/etcd on the replacement's host i-9 holds data of etcd, and the cluster knows no member at https://node9:2380: " +
        'it may be a member of another cluster. Nothing was changed. Empty it, or name another host.',
    );
  });

  describe('that keeps the name of the old member, which is still listed at its old peer URL', () => {
    const renamed = { ...place, name: 'node3' };
    const named = { configuration: configuration('node3', { initialAdvertisePeerUrls: 'https://node9:2380' }) };

    it('is planned for where it is empty: the old one is removed', () => {
      const { targets } = plan({ ...empty, ...named }, { place: renamed });
      expect(targets).toMatchObject([{ member: 'node3', host: 'i-9', removeIds: ['a3'] }]);
    });

    it('is refused where it holds data', () => {
      const failure = failureOf(() => plan(named, { place: renamed }));
      expect(failure.name).toBe('PreconditionFailed');
      expect(failure.message).toContain('the cluster knows no member at https://node9:2380');
    });
  });

  it.each([
    ['has begun', [...LIST, listed('node9', { id: 'b9', name: '' })], foreign, ['b9', 'a3']],
    ['has begun, and removed the old one', [...LIST.slice(0, 2), listed('node9', { id: 'b9' })], foreign, ['b9']],
    ['has added it and not started it', [...LIST.slice(0, 2), listed('node9', { id: 'b9', name: '' })], empty, ['b9']],
    ['has only removed the old one', LIST.slice(0, 2), empty, []],
  ])('goes on where an earlier execution %s', (_, memberList, host, removeIds) => {
    // As a voter that is not there it would raise the quorum to three, and two are well.
    const asLearners = memberList.map((entry) => (entry.id === 'b9' ? { ...entry, isLearner: true } : entry));
    expect(plan(host, { place, memberList: asLearners }).targets).toMatchObject([{ member: 'node9', removeIds }]);
  });

  it.each([
    ['existing', 'node1=https://node1:2380,node2=https://node2:2380,node9=https://node9:2380', true],
    ['new', 'node1=https://node1:2380,node2=https://node2:2380,node9=https://node9:2380', false],
    ['existing', 'node1=https://other1:2380,node9=https://node9:2380', false],
  ])(
    'goes on with data where the membership there is %s with %s: %s',
    (initialClusterState, initialCluster, goesOn) => {
      const { configuration: own } = inspection('node9');
      const begun = { configuration: { ...own, initialClusterState, initialCluster } };
      const planned = () => plan({ ...foreign, ...begun }, { place, memberList: LIST.slice(0, 2) });
      if (goesOn) expect(planned().targets).toMatchObject([{ member: 'node9', removeIds: [] }]);
      else expect(failureOf(planned)).toMatchObject({ name: 'PreconditionFailed' });
    },
  );

  it('has to be as ready as any other', () => {
    expect(problemsOf({ ...empty, etcdVersion: '' }, { place })).toEqual(['there is no etcd in /usr/local/bin']);
  });

  describe('leaves the old host alone, which is asked whether its member is at work', () => {
    const at = (differences: Partial<HostInspection['atWork']>) =>
      inspected('node3', {
        unit: { ...inspection('node3').unit, activeState: 'active', subState: 'running', mainPid: 812 },
        atWork: {
          clientPortListens: true,
          peerPortListens: true,
          processState: 'S',
          answer: 'leader',
          memberId: 'a3',
          problem: '',
          ...differences,
        },
      });
    const failed: InspectionReport = {
      ...{ member: 'node3', host: 'i-3', result: null },
      ...{ error: 'HostCommandFailed', problem: 'The disk of i-3 is read-only.' },
    };

    it.each<[string, InspectionReport | null, string]>([
      [
        'is not reached',
        inspected('node3', null),
        'whether node3 still runs is unknown, because its host cannot be reached: Run Command does not reach it.',
      ],
      [
        'says that it is stopped',
        inspected('node3'),
        'leave node3 as it is on i-3, which says that its unit is failed',
      ],
      [
        'says that it runs, and is broken',
        at({ answer: 'no-leader' }),
        'leave node3 as it is on i-3, which says that its unit is active (running) with process 812, and that it has no leader, while others have one',
      ],
    ])('and goes on where that %s', (_, oldHost, line) => {
      const { steps, targets } = plan(empty, { place, oldHost });
      expect(steps[0]).toBe(line);
      expect(targets).toMatchObject([{ member: 'node9', removeIds: ['a3'] }]);
    });

    it.each<[string, InspectionReport, string]>([
      ['it has a leader', at({}), 'and that it has a leader. Correct what is in between'],
      [
        'it cannot tell',
        at({ answer: 'speaks' }),
        'but does not say whether it has a leader. If it is of no use, stop it there',
      ],
      [
        'it is frozen',
        at({ answer: 'silent', processState: 'T' }),
        '"kill -CONT 812" lets it go on with its data. Do that',
      ],
      [
        'the host is there and does not tell',
        failed,
        'HostCommandFailed: The disk of i-3 is read-only. Correct that, or shut the host down',
      ],
    ])('and changes nothing where %s', (_, oldHost, message) => {
      expect(failureOf(() => plan(empty, { place, oldHost }))).toMatchObject({
        name: 'PreconditionFailed',
        message: expect.stringMatching(/^node3 is not replaced, and nothing was changed: /),
      });
      expect(failureOf(() => plan(empty, { place, oldHost })).message).toContain(message);
    });

    it('and says so where clusters.json names none', () => {
      const members = MEMBERS.map(({ host: _, ...member }) =>
        member.name === 'node3' ? member : configured(member.name),
      );
      const [first] = plan(empty, { place, oldHost: null, cluster: clusterOf(members) }).steps;
      expect(first).toBe('whether node3 still runs is unknown: clusters.json names no "host" for it');
    });

    it('but not where etcd does not list it any more', () => {
      const [first] = plan(empty, { place, oldHost: null, memberList: LIST.slice(0, 2) }).steps;
      expect(first).toBe('already done: etcd on i-9 is stopped (failed)');
    });

    it('and begins anew where it has fallen silent since the assessment', () => {
      expect(failureOf(() => plan(empty, { place, oldHost: null })).name).toBe('EtcdUnavailable');
    });
  });
});
