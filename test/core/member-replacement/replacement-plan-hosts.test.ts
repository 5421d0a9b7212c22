import { describe, expect, it } from 'vitest';
import type { Cluster, SpareHost } from '../../../core/cluster/clusters.ts';
import type { AnsweringMember, ListedMember, MemberObservation } from '../../../core/cluster/observation.ts';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { memberParametersSchema, type ReplacementPlan } from '../../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../../core/text/parse.ts';
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
  MIB,
  observation,
  silent,
  spare,
  voter,
} from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const LIST = MEMBERS.map(({ name }) => listed(name));

function plan(
  differences: Partial<HostInspection>,
  {
    place,
    memberList = LIST,
    layout = {},
    dbSizeBytes = 20 * MIB,
    tells = {},
    oldHost = inspected('node3'),
    cluster = clusterOf(MEMBERS),
    third = silent('node3'),
    late = [],
  }: {
    place?: SpareHost;
    memberList?: ListedMember[];
    layout?: object;
    dbSizeBytes?: number;
    tells?: Partial<AnsweringMember>;
    oldHost?: InspectionReport | null;
    cluster?: Cluster;
    third?: MemberObservation;
    /** Certificates on the host that do not hold now. */
    late?: string[];
  } = {},
): ReplacementPlan {
  const { name } = place ?? { name: 'node3' };
  const members = [
    voter('node1', { dbSizeBytes, ...tells }),
    voter('node2', { dbSizeBytes: 1, ...tells }),
    silent(name),
  ];
  const request = {
    cluster: { ...cluster, spareHosts: place ? [place] : [], layout: { ...LAYOUT, ...layout } },
    parameters: parse(memberParametersSchema, { replacement: place && { host: place.host } }, 'parameters'),
    member: place ? 'node3' : '',
    targets: [{ member: name, kind: 'failed' as const, problem: 'does not answer.' }],
    oldHost: place && oldHost ? [oldHost] : [],
    inspections: [{ member: name, inspection: inspection(name, differences) }],
  };
  const seen = observation(place ? [...members, third] : members, { memberList });
  return planReplacement(seen, request, { [name]: late });
}

function problemsOf(...request: Parameters<typeof plan>): string[] {
  const { name, message } = failureOf(() => plan(...request));
  expect(name, message).toBe('PreconditionFailed');
  const [first, ...problems] = message.split('\n');
  expect(first).toMatch(/^The host i-\d is not ready for the replacement of node\d; nothing was changed\.$/);
  return problems.map((line) => line.replace(/^- /, ''));
}

const configurationWith = (differences: Partial<HostInspection['configuration']>) => ({
  configuration: configuration('node3', differences),
});

describe('a host whose etcd is older than every member', () => {
  it('is taken in the middle of an upgrade: the version of the cluster stays that of the member that has failed', () => {
    const tells = { version: '3.7.3', storageVersion: '3.6.0' };
    expect(plan({ etcdVersion: '3.6.16' }, { tells }).targets).toMatchObject([{ member: 'node3' }]);
  });

  it.each([
    ['the cluster is upgraded', { version: '3.7.3', storageVersion: '3.7.0' }, '3.7.0, 3.7.0'],
    ['members do not tell what they store', { version: '3.7.3' }, '3.7.3, 3.7.3'],
  ])('is refused where %s', (_, tells, versions) => {
    expect(problemsOf({ etcdVersion: '3.6.16' }, { tells })).toEqual([
      `etcd 3.6.16 in /usr/local/bin is older than every member (${versions}), and a cluster takes in no such`,
    ]);
  });
});

it('no host is planned with whose certificates do not hold: its peers would refuse the new member as well', () => {
  const late = ['the peer certificate (/etc/etcd/peer.crt) has ended 3 days ago, on 2026-11-25: renew it'];
  expect(problemsOf({}, { late })).toEqual(late);
});

it('no host is planned with while a downgrade is enabled', () => {
  const tells = { version: '3.7.3', storageVersion: '3.6.0', downgradeTo: '3.6.0' };
  expect(failureOf(() => plan({ etcdVersion: '3.7.3' }, { tells }))).toMatchObject({
    name: 'PreconditionFailed',
    message: expect.stringContaining('A downgrade to etcd 3.6.0 is enabled (node1, node2)'),
  });
});

describe('a host that is not ready', () => {
  it.each([
    [
      'what every later command would refuse',
      { refusals: [{ incident: 'any' as const, refusal: 'unit-masked', message: 'The unit etcd is masked.' }] },
      'The unit etcd is masked.',
    ],
    [
      'what only a new log would make fail',
      { refusals: [{ incident: 'member-failed' as const, refusal: 'wal-dir-link', message: 'It is a link.' }] },
      'It is a link.',
    ],
    ['no etcd', { etcdVersion: '' }, 'there is no etcd in /usr/local/bin'],
    [
      'an etcd that is older than the cluster',
      { etcdVersion: '3.4.34' },
      'etcd 3.4.34 in /usr/local/bin is older than every member (3.5.30, 3.5.30), and a cluster takes in no such',
    ],
    ['another name', configurationWith({ name: 'node4' }), 'etcd is configured as "node4", not as "node3"'],
    [
      'no name in its config file',
      configurationWith({ name: '' }),
      'etcd is configured without a name, and calls itself "default": set "name: node3" in /etc/etcd/etcd.yaml, for etcd ignores its flags beside a config file',
    ],
    [
      'no name in its environment',
      configurationWith({ name: '', format: 'environment', file: '/etc/default/etcd' }),
      'etcd is configured without a name, and calls itself "default": set ETCD_NAME=node3 in /etc/default/etcd',
    ],
    [
      'another data dir',
      configurationWith({ dataDir: '/var/lib/etcd2' }),
      'etcd\'s data dir is "/var/lib/etcd2", and clusters.json says /var/lib/etcd',
    ],
    [
      'a wal dir that clusters.json does not know',
      configurationWith({ walDir: '/wal' }),
      'etcd\'s wal dir is "/wal", and clusters.json says that there is none',
    ],
    [
      'another peer URL',
      configurationWith({ initialAdvertisePeerUrls: 'https://node3:2381,http://node3:2380' }),
      'etcd announces the peer URL "https://node3:2381,http://node3:2380", and clusters.json says https://node3:2380',
    ],
    [
      'no peer URL',
      configurationWith({ initialAdvertisePeerUrls: '' }),
      'etcd announces the peer URL "", and clusters.json says https://node3:2380',
    ],
  ])('is refused: %s', (_, differences, problem) => {
    expect(problemsOf(differences)).toEqual([problem]);
  });

  it('is refused where it lacks the wal dir that clusters.json names', () => {
    expect(problemsOf({}, { layout: { walDir: '/wal' } })).toEqual([
      'etcd has no wal dir of its own, and clusters.json says /wal',
    ]);
  });

  it('is told everything at once', () => {
    const differences = {
      refusals: [
        { incident: 'any' as const, refusal: 'unit-not-loaded', message: 'systemd could not load the unit.' },
        { incident: 'quorum-lost' as const, refusal: 'curl-missing', message: 'Not asked here.' },
      ],
      etcdVersion: '',
      dataDir: directory(LAYOUT.dataDir, { realPath: '/mnt/disk1/etcd', freeBytes: 10 * MIB }),
      configuration: configuration('node4', { dataDir: '', walDir: '/w' }),
    };
    expect(problemsOf(differences)).toEqual([
      'systemd could not load the unit.',
      'there is no etcd in /usr/local/bin',
      'etcd is configured as "node4", not as "node3"',
      'etcd\'s data dir is "", and clusters.json says /var/lib/etcd',
      'etcd\'s wal dir is "/w", and clusters.json says that there is none',
      'etcd announces the peer URL "https://node4:2380", and clusters.json says https://node3:2380',
      '10.0 MiB are free at /mnt/disk1/etcd, and the database with its log needs 148.0 MiB',
    ]);
  });
});

describe('a host that is ready', () => {
  it.each([
    ['with a "/" behind its data dir', { dataDir: '/var/lib/etcd/' }],
    ['with its peer URL among others', { initialAdvertisePeerUrls: 'https://10.0.1.13:2380, https://node3:2380' }],
    ['with its peer URL spelled another way', { initialAdvertisePeerUrls: 'https://NODE3:2380/' }],
    ['with an environment file', { format: 'environment' as const, file: '/etc/default/etcd' }],
  ])('is planned for: %s', (_, differences) => {
    expect(plan(configurationWith(differences)).targets).toHaveLength(1);
  });
});

describe('the free space', () => {
  const neededBytes = 50 * MIB + 128 * MIB;

  it.each([
    ['enough', neededBytes, 'no error'],
    ['one byte short', neededBytes - 1, 'PreconditionFailed'],
  ])("is %s for the leader's database and two segments of the log", (_, freeBytes, expected) => {
    const dataDir = directory(LAYOUT.dataDir, { freeBytes });
    expect(failureOf(() => plan({ dataDir }, { dbSizeBytes: 50 * MIB })).name).toBe(expected);
  });
});

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
