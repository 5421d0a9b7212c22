import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { owner } from './data-dir-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { CHECKSUM, metadata, state } from './raft-log.ts';
import { succeed } from './script.ts';

const inspect = (host: PreparedHost, walDir = '') =>
  succeed(host.access, 'inspect-host', {
    unit: 'etcd',
    dataDir: host.path('data'),
    walDir,
    configFile: host.path('etcd.conf'),
    binDir: host.path('bin'),
    ...owner,
    url: '',
  });

/** A host with the folders of recoveries in it, each with the word that says how far it came. */
function hostWith(folders: Readonly<Record<string, string | undefined>>): PreparedHost {
  const host = new PreparedHost();
  host.makeDataDir('data', 'x');
  for (const [folder, phase] of Object.entries(folders)) {
    mkdirSync(host.path(folder), { recursive: true });
    if (phase !== undefined) host.write(`${folder}/phase`, `${phase}\n`);
  }
  return host;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Lets a path be as old. */
function age(path: string, ms: number): void {
  const time = new Date(Date.now() - ms);
  utimesSync(path, time, time);
}

/** The same of all that is on a host, but for one path. */
function agePaths(host: PreparedHost, ms: number, young: string): void {
  for (const path of readdirSync(host.path('.'), { recursive: true, encoding: 'utf8' })) {
    if (path !== young) age(host.path(path), ms);
  }
}

describe('inspect-host tells whether there is a log', () => {
  it('in the data dir or in a wal dir of its own', async () => {
    using host = new PreparedHost();
    expect(await inspect(host)).toMatchObject({ raftLog: null });
    for (const folder of ['data/member/wal', 'wal']) mkdirSync(host.path(folder), { recursive: true });
    host.write('data/member/wal/0.tmp', 'x');
    host.write('wal/0000000000000000-0000000000000000.wal', 'x');
    expect(await inspect(host)).toMatchObject({ raftLog: null, dataDir: { empty: false } });
    expect(await inspect(host, host.path('wal'))).toMatchObject({ raftLog: { holds: 'unknown' } });
    host.write('data/member/wal/0000000000000000-0000000000000000.wal', 'x');
    expect(await inspect(host)).toMatchObject({ raftLog: { holds: 'unknown' } });
  });
});

/** How a log begins: a checksum, and the IDs of member and cluster. */
const logOf = (memberId: bigint, clusterId: bigint) =>
  Buffer.concat([CHECKSUM, metadata(memberId, clusterId), state(7)]);

describe('inspect-host tells of which cluster the data is', () => {
  it.each<[string, Buffer, string]>([
    ['in the log', logOf(0x8e9e05c52164694dn, 0xa7ef944b95711739n), 'a7ef944b95711739'],
    ['as etcd writes it, without a zero before it', logOf(1n, 0x0def000000000007n), 'def000000000007'],
    ['where it is small', logOf(300n, 7n), '7'],
    ['no more where its begin is cut off', logOf(1n, 0xa7ef944b95711739n).subarray(0, 40), ''],
    ['no more where something else is there', Buffer.from('the disk has lost this, and more than this besides'), ''],
    ['no more where nothing is there', Buffer.alloc(0), ''],
  ])('%s', async (_, log, clusterId) => {
    const holds = log.length === 0 ? 'empty' : 'unknown';
    using host = new PreparedHost();
    mkdirSync(host.path('data/member/wal'), { recursive: true });
    writeFileSync(host.path('data/member/wal/0000000000000000-0000000000000000.wal'), log);
    expect(await inspect(host)).toMatchObject({ raftLog: { holds }, clusterId });
  });
});

describe('inspect-host finds recoveries that were interrupted', () => {
  it('beside the data dir and in it, with how far they had come', async () => {
    using host = hostWith({
      '.etcd-remediation.data.run-1': 'moving',
      '.etcd-remediation.data.7c2c1b0a-6e0e_2': 'placed',
      'data/archived.run-3.scratch': 'restored',
      '.etcd-remediation.data.run-4': 'kept',
      '.etcd-remediation.data.run-5': '',
    });
    expect((await inspect(host)).recoveries.toSorted((a, b) => a.execution.localeCompare(b.execution))).toEqual([
      { execution: '7c2c1b0a-6e0e_2', phase: 'placed' },
      { execution: 'run-1', phase: 'moving' },
      { execution: 'run-3', phase: 'restored' },
      { execution: 'run-4', phase: 'kept' },
      // Its word was lost, as a crash can do: nobody knows how far it came.
      { execution: 'run-5', phase: 'moving' },
    ]);
  });

  it('and does not count what has only been looked at, or is no recovery at all', async () => {
    using host = hostWith({
      '.etcd-remediation.data.salvaged': undefined,
      '.etcd-remediation.data.run-1.backup': undefined,
      'data/archived.run-2.scratch': undefined,
      'data/archived.run-3': undefined,
      '.cache': 'placed',
      '.etcd-remediation.data.2.run-4': 'placed',
      '.etcd-remediation.other.run-4': 'placed',
    });
    const { recoveries, archives, dataDir } = await inspect(host);
    expect(recoveries).toEqual([]);
    expect(archives).toEqual([host.path('data/archived.run-3')]);
    expect(dataDir.empty).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')(
    'and removes copies of which nothing was put in place, once they are older than any execution',
    async () => {
      const old = [
        '.etcd-remediation.data.run-1',
        '.etcd-remediation.data.run-1.backup',
        'data/archived.run-2.scratch',
      ];
      const kept = ['.etcd-remediation.data.2.run-4', '.etcd-remediation.other.run-4', '.cache', 'data/archived.run-3'];
      using host = hostWith({
        ...Object.fromEntries([...old, ...kept].map((folder) => [folder, undefined])),
        '.etcd-remediation.data.run-5': 'restored',
        '.etcd-remediation.data.run-6': 'kept',
        '.etcd-remediation.data.run-7': undefined,
        '.etcd-remediation.data.run-8': undefined,
      });
      for (const folder of old) host.write(`${folder}/db`, 'a copy');
      // As a copy that is being made, whose folder was made long ago.
      host.write('.etcd-remediation.data.run-7/db', 'a copy');
      agePaths(host, DAY_MS * 1.5, '.etcd-remediation.data.run-7/db');
      age(host.path('.etcd-remediation.data.run-8'), DAY_MS / 2);
      const before = readdirSync(host.path('.'));
      const gone = old.map((folder) => host.path(folder)).toSorted();
      expect((await inspect(host)).removed?.toSorted()).toEqual(gone);
      expect(readdirSync(host.path('.'))).toEqual(before.filter((name) => !old.includes(name)));
      expect((await inspect(host)).removed).toBeUndefined();
    },
  );

  it.skipIf(process.platform !== 'linux')('and removes what a backup has left that was cut off', async () => {
    const minute = 60 * 1000;
    const [cutOff, atWork] = ['.etcd-remediation.data.run-1', '.etcd-remediation.data.run-2'];
    using host = hostWith({ [cutOff]: undefined, [atWork]: undefined });
    for (const folder of [cutOff, atWork]) {
      for (const file of ['backup', 'snapshot']) host.write(`${folder}/${file}`, '');
    }
    agePaths(host, 80 * minute, '');
    for (const path of [`${atWork}/snapshot`, atWork]) age(host.path(path), 70 * minute);
    expect((await inspect(host)).removed).toEqual([host.path(cutOff)]);
    expect(host.has(`${atWork}/snapshot`)).toBe(true);
  });

  it('and keeps such a copy where the database of the member is gone: it may be the last that there is', async () => {
    using host = hostWith({ '.etcd-remediation.data.run-1': undefined });
    host.write('.etcd-remediation.data.run-1/snapshot', 'a copy');
    rmSync(host.path('data/member'), { recursive: true });
    agePaths(host, DAY_MS * 1.5, '');
    expect((await inspect(host)).removed).toBeUndefined();
    expect(host.has('.etcd-remediation.data.run-1/snapshot')).toBe(true);
  });

  it('also where the data dir is gone', async () => {
    using host = new PreparedHost();
    mkdirSync(host.path('.etcd-remediation.data.run-1'));
    host.write('.etcd-remediation.data.run-1/phase', 'moving\n');
    expect(await inspect(host)).toMatchObject({
      recoveries: [{ execution: 'run-1', phase: 'moving' }],
      dataDir: { exists: false },
    });
  });

  it('within what SSM returns', async () => {
    using host = hostWith(
      Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [`.etcd-remediation.data.${index}${'x'.repeat(78)}`, 'restored']),
      ),
    );
    host.setLog(Array.from({ length: 20 }, (_, index) => `${index} ${'\u0001'.repeat(399)}\n`).join(''));
    const { recoveries, log } = await inspect(host);
    expect(recoveries).toHaveLength(10);
    expect(log.at(-1)).toMatch(/^19 /);
  });
});
