import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runEtcdctl } from '../../local/etcd/etcdctl.ts';
import { Member } from '../../local/etcd/member.ts';
import { freePorts } from '../../local/etcd/ports.ts';
import { SCRIPTED_RELEASES } from '../run/tested-releases.ts';
import { hostWithData, owner, ownerAndMode, parametersFor } from './data-dir-host.ts';
import { PreparedHost } from './prepared-host.ts';
import {
  CONFIG_FILE,
  callsOn,
  configuredOn,
  contentsOf,
  controlUnit,
  discardParameters,
  restoreOn,
  revisionOf,
  SCRATCH,
  type Snapshot,
  startParameters,
  swapParameters,
  takeSnapshot,
} from './recovery-host.ts';
import { refuse, succeed } from './script.ts';

describe.each(SCRIPTED_RELEASES)('data of etcd %s that was restored and placed', (version) => {
  it('starts as one cluster with all that the snapshot had', async () => {
    const snapshot = await takeSnapshot(version);
    const raised = version === '3.4.23' ? 0n : 1_000_000_000n;
    const places = await Promise.all(
      ['m-1', 'm-2', 'm-3'].map(async (name) => {
        const { client, peer } = await freePorts();
        return { name, clientUrl: `http://127.0.0.1:${client}`, peerUrl: `http://127.0.0.1:${peer}` };
      }),
    );
    const initialCluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
    const hosts: PreparedHost[] = [];
    const members: Member[] = [];
    try {
      for (const { name, clientUrl, peerUrl } of places) {
        // The last one has lost everything, even its data dir; another one has a wal dir of its own.
        const host = name === 'm-3' ? new PreparedHost() : hostWithData(name === 'm-2');
        hosts.push(host);
        const walDir = name === 'm-2' ? host.path('wal') : '';
        await restoreOn(host, snapshot, {
          name,
          peerUrls: peerUrl,
          initialCluster,
          bumpRevision: String(raised),
          walDir,
        });
        controlUnit(host);
        await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot, { walDir, initialCluster }));
        await succeed(host.access, 'start-restored', startParameters(host, { walDir }));
        const flags = [
          `--name=${name}`,
          `--data-dir=${host.path('data')}`,
          ...(walDir === '' ? [] : [`--wal-dir=${walDir}`]),
          `--listen-client-urls=${clientUrl}`,
          `--advertise-client-urls=${clientUrl}`,
          `--listen-peer-urls=${peerUrl}`,
          `--initial-advertise-peer-urls=${peerUrl}`,
          `--initial-cluster=${initialCluster}`,
          '--initial-cluster-token=etcd-remediation-run-1',
          '--initial-cluster-state=existing',
          '--logger=zap',
          '--log-outputs=stderr',
        ];
        const place = { name, clientUrl, peerUrl, dataDir: host.path('data'), logFile: host.path('etcd.log') };
        members.push(new Member(place, join(snapshot.binDir, 'etcd'), flags, false));
      }
      for (const member of members) member.spawn();
      await Promise.all(members.map((member) => member.waitUntilHealthy(undefined)));
      const access = { endpoints: places.map(({ clientUrl }) => clientUrl) };
      const ask = (...args: string[]) => runEtcdctl(join(snapshot.binDir, 'etcdctl'), args, access);
      expect(await ask('get', 'key-19', '--print-value-only')).toBe('value-19\n');
      const statuses: { Status: { header: { revision: number } } }[] = JSON.parse(
        await ask('endpoint', 'status', '--write-out=json'),
      );
      expect(statuses.map(({ Status }) => BigInt(Status.header.revision))).toEqual(
        statuses.map(() => BigInt(snapshot.revision) + raised),
      );
      await ask('put', 'after', 'it');
      expect((await ask('member', 'list')).trim().split('\n')).toHaveLength(3);
    } finally {
      await Promise.all(members.map((member) => member.end('SIGKILL')));
      for (const host of hosts) host[Symbol.dispose]();
    }
  });
});

/** What the service manager of a test writes. */
const NOTES = /^calls$/;

describe('swap-data-dir', () => {
  let snapshot: Snapshot;
  beforeAll(async () => {
    snapshot = await takeSnapshot('3.5.16');
  });

  /** Restored where the member's own data is at a revision of `own`: a database that can be read. */
  async function hostWithReadableData(): Promise<PreparedHost> {
    const host = hostWithData();
    controlUnit(host, { runs: true });
    writeFileSync(host.path('data/member/snap/db'), snapshot.raw);
    await restoreOn(host, snapshot);
    return host;
  }

  it('stops the service, moves the old data aside and the restored data into its place, and writes the membership', async () => {
    using host = hostWithData(true);
    controlUnit(host, { runs: true });
    chmodSync(host.path('data'), 0o750);
    const walDir = host.path('wal');
    await restoreOn(host, snapshot, { walDir });
    const parameters = swapParameters(host, snapshot, { walDir });
    const placed = {
      ...{ dataDir: host.path('data/member.run-1'), walDir: host.path('wal.run-1') },
      ...configuredOn(host),
    };
    expect(await succeed(host.access, 'swap-data-dir', parameters)).toEqual(placed);
    expect(callsOn(host)).toEqual(['stop at restored']);
    expect(host.read(`${SCRATCH}/phase`)).toBe('placed\n');
    expect(host.read(CONFIG_FILE)).toBe(
      'name: m-1\ninitial-cluster-state: "existing"\ninitial-cluster: "m-1=http://127.0.0.1:21380"\n' +
        'initial-cluster-token: "etcd-remediation-run-1"\n',
    );
    expect(host.read(`${CONFIG_FILE}.run-1`)).toBe('name: m-1\n');
    expect(host.read('data/member.run-1/snap/db')).toBe('old');
    expect(host.read('wal.run-1/0000000000000000-0000000000000000.wal')).toBe('old log');
    expect(revisionOf(snapshot, host.path('data/member/snap/db'))).toBe(snapshot.revision);
    expect(readdirSync(host.path('wal'))).toEqual(['0000000000000000-0000000000000000.wal']);
    const uid = Number(execFileSync('id', ['-u', owner.user]));
    expect(ownerAndMode(host.path('data'))).toMatchObject({ uid, mode: 0o750 });
    expect(ownerAndMode(host.path('data/member'))).toMatchObject({ uid, mode: 0o700 });
    expect(await succeed(host.access, 'swap-data-dir', parameters)).toEqual(placed);
  });

  it.each([
    ['is missing', (_host: PreparedHost) => undefined],
    ['is empty', (host: PreparedHost) => mkdirSync(host.path('data'))],
  ])('has nothing to move aside where the data dir %s', async (_what, prepare) => {
    using host = new PreparedHost();
    controlUnit(host);
    prepare(host);
    await restoreOn(host, snapshot);
    expect(await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot))).toEqual({
      ...{ dataDir: '', walDir: '' },
      ...configuredOn(host),
    });
    expect(revisionOf(snapshot, host.path('data/member/snap/db'))).toBe(snapshot.revision);
  });

  it('works through a link, and where names are strange', async () => {
    using host = hostWithData();
    controlUnit(host);
    mkdirSync(host.path('.d+1'));
    renameSync(host.path('data'), host.path('.d+1/-data=,@'));
    symlinkSync('.d+1/-data=,@', host.path('data'));
    await restoreOn(host, snapshot, {}, '.d+1/.etcd-remediation.-data=,@.run-1');
    expect(await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot))).toEqual({
      ...{ dataDir: host.path('.d+1/-data=,@/member.run-1'), walDir: '' },
      ...configuredOn(host),
    });
    expect(revisionOf(snapshot, host.path('data/member/snap/db'))).toBe(snapshot.revision);
    await succeed(host.access, 'start-restored', startParameters(host));
    await succeed(host.access, 'mark-recovery', discardParameters(host, { outcome: 'forget' }));
    expect(
      contentsOf(host.path('.d+1')).filter((path) => !path.includes('/member/') && !path.includes('run-1/')),
    ).toEqual(['-data=,@', '-data=,@/member', '-data=,@/member.run-1']);
  });

  it('does not replace data that is newer than the snapshot, unless it is told to', async () => {
    using host = await hostWithReadableData();
    const before = contentsOf(host.path('.'));
    const parameters = swapParameters(host, snapshot, { revision: '20' });
    const { exitCode, message } = await refuse(host.access, 'swap-data-dir', parameters);
    expect({ exitCode, message }).toEqual({
      exitCode: 66,
      message: expect.stringContaining('at revision 21, and the snapshot that would replace it at 20'),
    });
    // What it writes may be seen once it has ended.
    expect(callsOn(host)).toEqual(['stop at restored']);
    expect(contentsOf(host.path('.')).filter((name) => !NOTES.test(name))).toEqual(before);
    expect(host.read(`${SCRATCH}/phase`)).toBe('restored\n');
    await succeed(host.access, 'swap-data-dir', { ...parameters, replaceNewer: 'yes' });
    expect(host.read(`${SCRATCH}/phase`)).toBe('placed\n');
  });

  it('replaces data that is as old as the snapshot', async () => {
    using host = await hostWithReadableData();
    await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot, { revision: '021' }));
  });

  it.each([
    [
      'where nothing was restored',
      (host: PreparedHost) => rmSync(host.path(SCRATCH), { recursive: true }),
      'Nothing is restored',
    ],
    [
      'where a restore was interrupted',
      (host: PreparedHost) => rmSync(host.path(`${SCRATCH}/restored`)),
      'Nothing is restored',
    ],
    [
      'where what was restored is gone',
      (host: PreparedHost) => rmSync(host.path(`${SCRATCH}/data`), { recursive: true }),
      'Restore the snapshot again',
    ],
    ['beside a proxy', (host: PreparedHost) => mkdirSync(host.path('data/proxy')), 'proxy'],
    [
      'where an archive of the same execution is there',
      (host: PreparedHost) => mkdirSync(host.path('data/member.run-1')),
      'has data again',
    ],
    [
      'where the membership cannot be written',
      (host: PreparedHost) => host.write(CONFIG_FILE, 'force-new-cluster: true\n'),
      'force-new-cluster',
    ],
    ['where the unit is gone', (host: PreparedHost) => host.setProperties({ LoadState: 'not-found' }), 'no unit etcd'],
  ])('refuses %s, stops nothing and moves nothing', async (_what, prepare, problem) => {
    using host = hostWithData();
    controlUnit(host, { runs: true });
    await restoreOn(host, snapshot);
    prepare(host);
    const before = contentsOf(host.path('.'));
    const { exitCode, message } = await refuse(host.access, 'swap-data-dir', swapParameters(host, snapshot));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(problem) });
    expect(callsOn(host)).toEqual([]);
    expect(contentsOf(host.path('.'))).toEqual(before);
    if (host.has(`${SCRATCH}/phase`)) expect(host.read(`${SCRATCH}/phase`)).toBe('restored\n');
  });

  it('stops nothing once the restore was moved back or kept, as a command that comes late finds it', async () => {
    for (const end of ['revert-data-dir', 'start-restored'] as const) {
      using host = hostWithData();
      controlUnit(host);
      await restoreOn(host, snapshot);
      await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot));
      await succeed(host.access, end, end === 'revert-data-dir' ? parametersFor(host) : startParameters(host));
      const before = callsOn(host);
      // As where it could not be removed.
      if (end === 'start-restored') host.write(`${SCRATCH}/restored`, '');
      expect(await refuse(host.access, 'swap-data-dir', swapParameters(host, snapshot))).toMatchObject({
        refusal: 'not-restored',
      });
      expect(callsOn(host)).toEqual(before);
    }
  });

  it('moves nothing where the service cannot be stopped', async () => {
    using host = hostWithData();
    controlUnit(host, { runs: true, refused: true });
    await restoreOn(host, snapshot);
    const { exitCode, message } = await refuse(host.access, 'swap-data-dir', swapParameters(host, snapshot));
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('did not stop it') });
    expect(host.read(`${SCRATCH}/phase`)).toBe('restored\n');
    expect(host.read('data/member/snap/db')).toBe('old');
    // An undo lets it run on, and nothing can be placed from then on.
    expect(await succeed(host.access, 'revert-data-dir', parametersFor(host))).toEqual({
      ...{ reverted: false, setAside: '' },
    });
    expect(await refuse(host.access, 'swap-data-dir', swapParameters(host, snapshot))).toMatchObject({ exitCode: 65 });
  });

  it('only stops the service of a member that is left out', async () => {
    using host = hostWithData();
    controlUnit(host, { runs: true });
    const before = contentsOf(host.path('.'));
    expect(await succeed(host.access, 'swap-data-dir', swapParameters(host, snapshot, { data: 'leave' }))).toEqual({
      ...{ dataDir: '', walDir: '', file: '', copy: '', changed: false },
    });
    expect(callsOn(host)).toEqual(['stop at']);
    expect(contentsOf(host.path('.')).filter((name) => !NOTES.test(name))).toEqual(before);
  });

  it('works where the configuration lies beside the data', async () => {
    using host = hostWithData();
    controlUnit(host);
    renameSync(host.path(CONFIG_FILE), host.path('etcd.yaml'));
    const properties = host.read('properties').replaceAll(CONFIG_FILE, 'etcd.yaml');
    host.write('properties', properties);
    await restoreOn(host, snapshot);
    const parameters = swapParameters(host, snapshot, { configFile: host.path('etcd.yaml') });
    expect(await succeed(host.access, 'swap-data-dir', parameters)).toMatchObject({ file: host.path('etcd.yaml') });
  });

  it('refuses another wal dir than the one that the snapshot was restored for', async () => {
    using host = hostWithData(true);
    controlUnit(host);
    await restoreOn(host, snapshot);
    symlinkSync(host.path('wal'), host.path('data/member/wal'));
    const parameters = swapParameters(host, snapshot, { walDir: `${host.path('data')}/member/wal` });
    const { exitCode, message } = await refuse(host.access, 'swap-data-dir', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('for other folders') });
    expect(readFileSync(host.path('data/member/snap/db'), 'utf8')).toBe('old');
  });
});
