import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  failureOf,
  inspection,
  LAYOUT,
  MIB,
} from '../observations.ts';
import { DATA, examined, MEMBERS, plan, STATES, salvage, withBackup } from './recoveries.ts';

const { killed } = STATES;
const WAL = 128 * MIB;
type Request = Parameters<typeof plan>[0];

function problemsOf(request: Request): string[] {
  const { name, message } = failureOf(() => plan(request));
  expect(name, message).toBe('PreconditionFailed');
  const [first, ...rest] = message.split('\n');
  expect(first).toBe('Not every host is ready for the restore; nothing was restored.');
  expect(rest.at(-1)).toBe('Correct this, then start again.');
  return rest.slice(0, -1).map((line) => line.replace(/^- /, ''));
}
const withThird = (differences: Partial<HostInspection>) => ({ hosts: { node3: { ...killed, ...differences } } });
const configuredAs = (differences: Partial<HostInspection['configuration']>) =>
  withThird({ configuration: configuration('node3', differences) });

it('a host whose certificates do not hold is listed, for the restored members would refuse each other', () => {
  const late = { node2: ['the peer certificate (/etc/etcd/peer.crt) has ended 3 days ago, on 2026-11-25: renew it'] };
  expect(failureOf(() => plan({}, late)).message).toContain(
    '- node2 on i-2: the peer certificate (/etc/etcd/peer.crt) has ended 3 days ago, on 2026-11-25: renew it',
  );
});

describe('a host that cannot take the restored data', () => {
  it.each<[string, Request, string]>([
    [
      'what every later command would refuse',
      withThird({ refusals: [{ incident: 'any', refusal: 'unit-masked', message: 'The unit etcd is masked.' }] }),
      'The unit etcd is masked.',
    ],
    [
      'what only a restore would refuse',
      withThird({ refusals: [{ incident: 'quorum-lost', refusal: 'curl-missing', message: 'There is no curl.' }] }),
      'There is no curl.',
    ],
    [
      'a cause that what is restored would have as well',
      withThird({ atWork: { ...inspection('node3').atWork, peerPortListens: true } }),
      'another process listens at a port of etcd: find it (ss -ltnp) and end it, or see whether etcd runs there as another unit',
    ],
    ['another name', configuredAs({ name: 'node4' }), 'etcd is configured as "node4", not as "node3"'],
    [
      'another data dir',
      configuredAs({ dataDir: '/data' }),
      'etcd\'s data dir is "/data", and clusters.json says /var/lib/etcd',
    ],
    [
      'another wal dir',
      configuredAs({ walDir: '/wal' }),
      'etcd\'s wal dir is "/wal", and clusters.json says that there is none',
    ],
    [
      'another peer URL',
      configuredAs({ initialAdvertisePeerUrls: 'https://node3:2381' }),
      'etcd announces the peer URL "https://node3:2381", and clusters.json says https://node3:2380',
    ],
    ['no etcd', withThird({ etcdVersion: '' }), 'there is no etcd in /usr/local/bin'],
  ])('is refused: %s', (_, request, problem) => {
    expect(problemsOf(request)).toEqual([`node3 on i-3: ${problem}`]);
  });

  it('is named with all others, and all that is wrong with them', () => {
    const hosts = {
      node1: { ...killed, etcdVersion: '', configuration: configuration('node1', { name: 'x' }) },
      node3: { ...killed, dataDir: directory(LAYOUT.dataDir, { freeBytes: 10 * MIB }) },
    };
    expect(problemsOf({ hosts })).toEqual([
      'node1 on i-1: there is no etcd in /usr/local/bin',
      'node1 on i-1: etcd is configured as "x", not as "node1"',
      'node3 on i-3: 10.0 MiB are free at /var/lib/etcd, and the snapshot and what is restored from it need 176.0 MiB',
    ]);
  });

  it('is any of several whose releases differ', () => {
    expect(problemsOf(withThird({ etcdVersion: '3.4.34' }))).toEqual([
      'the hosts have different releases of etcd: 3.5.30 on node1, 3.5.30 on node2, 3.4.34 on node3. The newest may have written what an older one cannot read: ' +
        'install etcd 3.5.30 on i-3 as well',
    ]);
    expect(plan(withThird({ etcdVersion: '3.5.16' })).targets).toHaveLength(3);
  });

  it.each<[string, Request]>([
    ['a member', { data: { ...DATA, node2: salvage('replayed', 4030, { version: '3.7.0' }) } }],
    [
      'a member, as a dry run looks at it',
      { dryRun: true, data: { ...DATA, node2: salvage('live', 4030, { version: '3.7.0', snapshot: null }) } },
    ],
    [
      'a raw database that a newer etcd has migrated',
      { data: { ...DATA, node2: salvage('raw', 4030, { version: '3.7.0' }) } },
    ],
    ['a backup', { ...withBackup(true), examined: examined(900, { version: '3.7.0' }) }],
  ])('is any whose etcd is older than the snapshot of %s', (_, request) => {
    const hosts = Object.fromEntries(
      [['node1', '3.6.16'] as const, ['node2', '3.6.16'] as const, ['node3', '3.6.1'] as const].map(
        ([name, etcdVersion]) => [name, { ...killed, etcdVersion }],
      ),
    );
    expect(problemsOf({ ...request, hosts })).toEqual([
      'the snapshot of node2 was written by etcd 3.7, and an older etcd does not start from it: 3.6.16 on node1, 3.6.16 on node2, 3.6.1 on node3',
    ]);
  });

  it.each(['', '3.4.0', '3.5.0'])('is none whose etcd is not older than the snapshot (%s)', (version) => {
    const data = { ...DATA, node2: salvage('replayed', 4030, { version }) };
    expect(plan({ data }).targets).toHaveLength(3);
  });

  it("is nobody's concern where it is left out", () => {
    const cluster = clusterOf([...MEMBERS, configured('node4', { learner: true })]);
    expect(plan({ cluster, hosts: { node4: { ...killed, etcdVersion: '' } } }).targets).toHaveLength(3);
  });
});

describe('the room that a restore needs', () => {
  // 4 MiB compressed and 20 MiB as a database, from node2.
  const [compressed, database] = [4 * MIB, 20 * MIB];
  const others = compressed + compressed + 2 * database;

  it.each<[string, string, number, Request]>([
    ['its own snapshot, the one that is sent, that one unpacked and restored, and a log', 'node1', others + WAL, {}],
    ['on the host that the snapshot comes from, that one only once', 'node2', compressed + 2 * database + WAL, {}],
    [
      'in a dry run, as much as if it were not compressed',
      'node1',
      3 * database + WAL,
      { dryRun: true, data: unkept() },
    ],
    [
      'beside a backup that lost',
      'node2',
      compressed + 2 * database + WAL + 2 * MIB,
      { ...withBackup(), examined: examined(5) },
    ],
    [
      'beside a backup that is restored',
      'node2',
      2 * MIB + 2 * MIB + compressed + 20 * MIB + WAL,
      { ...withBackup(true), examined: examined(5) },
    ],
  ])('is %s', (_, name, neededBytes, request) => {
    const withRoom = (freeBytes: number) => ({
      ...request,
      hosts: { [name]: { ...killed, dataDir: directory(LAYOUT.dataDir, { freeBytes }) } },
    });
    expect(failureOf(() => plan(withRoom(neededBytes))).name).toBe('no error');
    expect(problemsOf(withRoom(neededBytes - 1))).toEqual([expect.stringContaining('are free at /var/lib/etcd')]);
  });

  it('is told apart where the log has a disk of its own', () => {
    const cluster = clusterOf(MEMBERS, { layout: { ...LAYOUT, walDir: '/wal' } });
    const host = (name: string, free: number, walFree: number) => ({
      ...killed,
      dataDir: directory(LAYOUT.dataDir, { freeBytes: free }),
      walDir: directory('/wal', { freeBytes: walFree }),
      configuration: configuration(name, { walDir: '/wal' }),
    });
    const hosts = (free: number, walFree: number) => ({
      node1: host('node1', free, walFree),
      node2: host('node2', 500 * MIB, WAL),
      node3: host('node3', 500 * MIB, WAL),
    });
    expect(plan({ cluster, hosts: hosts(others + WAL, WAL) }).targets).toHaveLength(3);
    expect(problemsOf({ cluster, hosts: hosts(others + WAL - 1, WAL - 1) })).toEqual([
      'node1 on i-1: 176.0 MiB are free at /var/lib/etcd, and the snapshot and what is restored from it need 176.0 MiB',
      'node1 on i-1: 128.0 MiB are free at /wal, and the log needs 128.0 MiB',
    ]);
  });
});

describe('the revision', () => {
  it.each([
    ['3.3.25', '0'],
    ['3.4.23', '0'],
    ['3.4.26', '0'],
    ['3.4.27', '1000000000'],
    ['3.4.34', '1000000000'],
    ['3.5.9', '0'],
    ['3.5.10', '1000000000'],
    ['3.5.30', '1000000000'],
    ['3.6.0', '1000000000'],
    ['3.6.0-rc.1', '1000000000'],
    ['4.0.0', '1000000000'],
  ])('is raised by etcd %s by %s', (etcdVersion, bumpRevision) => {
    const each = { ...killed, etcdVersion };
    const { commands } = plan({ hosts: { node1: each, node2: each, node3: each } });
    expect(commands.restore.map(({ parameters }) => parameters.bumpRevision)).toEqual(Array(3).fill(bumpRevision));
    expect(commands.restore[0]?.parameters.bumpRevision).toBe(bumpRevision);
  });

  it('is raised on no host where one of them does not know how', () => {
    const { commands } = plan({ hosts: { node3: { ...killed, etcdVersion: '3.5.9' } } });
    expect(commands.restore.map(({ parameters }) => parameters.bumpRevision)).toEqual(['0', '0', '0']);
  });
});

/** What a salvage tells in a dry run. */
function unkept() {
  return {
    node1: salvage('replayed', 4004, { snapshot: null }),
    node2: salvage('replayed', 4030, { snapshot: null }),
    node3: salvage('raw', 3851, { snapshot: null }),
  };
}
