import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { configuration, directory, failureOf, LAYOUT, MIB } from '../observations.ts';
import { plan, problemsOf } from './host-plans.ts';

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
