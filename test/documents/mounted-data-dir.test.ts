import { mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { copyParameters, expectedCopy, keepDatabase } from './copied-database.ts';
import { hostWithData, isLinuxRoot, parametersFor } from './data-dir-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { refuse, succeed } from './script.ts';

describe.skipIf(!isLinuxRoot)('a folder of etcd that is a mount point (needs root)', () => {
  /** Each command gets a mount namespace of its own, in which a folder from outside is mounted. */
  function mounted(host: PreparedHost, name: string) {
    const volume = `volume-${name.replaceAll('/', '-')}`;
    renameSync(host.path(name), host.path(volume));
    mkdirSync(host.path(name));
    mkdirSync(host.path(`${volume}/lost+found`));
    const mount = `mount --bind '${host.path(volume)}' '${host.path(name)}'`;
    return {
      exec: ['unshare', '-m', 'sh', '-c', `${mount} && exec ${host.access.exec.map((word) => `'${word}'`).join(' ')}`],
    };
  }

  it('is a data dir like any other, whose data is moved aside and back', async () => {
    using host = hostWithData();
    const access = mounted(host, 'data');
    const archived = { dataDir: `${host.path('data')}/member.run-1`, walDir: '' };
    expect(await succeed(access, 'archive-data-dir', parametersFor(host))).toEqual(archived);
    expect(readdirSync(host.path('volume-data')).sort()).toEqual(['lost+found', 'member.run-1']);
    host.makeDataDir('volume-data', 'new');
    expect(await refuse(access, 'archive-data-dir', parametersFor(host))).toMatchObject({ refusal: 'data-again' });
    expect(await succeed(access, 'revert-data-dir', parametersFor(host))).toEqual({
      reverted: true,
      setAside: `${host.path('data')}/member.run-1.set-aside`,
    });
    expect(host.read('volume-data/member/snap/db')).toBe('old');
    expect(host.read('volume-data/member.run-1.set-aside/snap/db')).toBe('new');
  });

  it('holds the copy of its database until a backup has sent that, also one that was cut off before', async () => {
    using host = new PreparedHost();
    keepDatabase(host);
    const parameters = copyParameters(host);
    const access = mounted(host, 'data');
    const copyOf = (execution: string) => succeed(access, 'copy-database', { ...parameters, execution });
    expect(await copyOf('run-1')).toMatchObject({ copy: { databaseSha256: expectedCopy().databaseSha256 } });
    expect(readdirSync(host.path('volume-data')).sort()).toEqual(['archived.run-1.scratch', 'lost+found', 'member']);
    const old = new Date(Date.now() - 80 * 60_000);
    const folder = host.path('volume-data/archived.run-1.scratch');
    for (const path of ['snapshot', 'backup', '.']) utimesSync(`${folder}/${path}`, old, old);
    expect(await copyOf('run-2')).toMatchObject({ removed: [host.path('data/archived.run-1.scratch')] });
    const removal = { dataDir: host.path('data'), walDir: '', outcome: 'undo', execution: 'run-2' };
    expect(await succeed(access, 'mark-recovery', removal)).toEqual({ discarded: true });
    expect(readdirSync(host.path('volume-data')).sort()).toEqual(['lost+found', 'member']);
  });

  it.each([
    ['wal', 'wal-dir-mounted'],
    ['data/member', 'member-mounted'],
    ['data/member/wal', 'mounted-inside'],
    ['data/member/snap', 'mounted-inside'],
  ])('cannot be moved where it is %s, and nothing is', async (name, refusal) => {
    using host = hostWithData(true);
    mkdirSync(host.path('data/member/wal'));
    const access = mounted(host, name);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    expect(await refuse(access, 'archive-data-dir', parameters)).toMatchObject({ exitCode: 65, refusal });
    expect(readdirSync(host.path('data'))).toEqual(['member']);
  });

  it('is told of by its path and its disk where it is inside of what is moved, whatever its name', async () => {
    using host = hostWithData();
    mkdirSync(host.path('data/member/a b\\c'));
    const { message } = await refuse(mounted(host, 'data/member/a b\\c'), 'archive-data-dir', parametersFor(host));
    expect(message).toContain(
      ` is mounted at ${host.path('data/member/a b\\c')}. ${host.path('data/member')} is moved aside`,
    );
    expect(message).toContain("Name a folder on it as etcd's wal-dir and as walDir in clusters.json");
  });

  it('is not moved either where /etc/fstab mounts it at the next start of the host, by whatever path', async () => {
    using host = hostWithData(true);
    symlinkSync('data', host.path('link'));
    const fstab = (point: string) => ({
      exec: [
        ...['unshare', '-m', 'sh', '-c'],
        `mount --bind '${host.write('fstab', `#/dev/x ${host.path('data/member')} ext4\n/dev/vdb1 ${point} ext4 defaults 0 2\n`)}' /etc/fstab && exec ${host.access.exec.map((word) => `'${word}'`).join(' ')}`,
      ],
    });
    const parameters = parametersFor(host, { dataDir: host.path('link'), walDir: host.path('wal') });
    const refused = { refusal: 'mounted-inside', message: expect.stringContaining('/etc/fstab mounts /dev/vdb1 at ') };
    for (const point of ['data/member/wal', 'link/member/', 'wal']) {
      expect(await refuse(fstab(host.path(point)), 'archive-data-dir', parameters), point).toMatchObject(refused);
    }
    await succeed(fstab(host.path('data')), 'archive-data-dir', parameters);
  });

  it('stays where it is where a disk was mounted in what has taken the place of older data', async () => {
    using host = hostWithData();
    await succeed(host.access, 'archive-data-dir', parametersFor(host));
    host.makeDataDir('data', 'new');
    mkdirSync(host.path('data/member/wal'));
    const access = mounted(host, 'data/member/wal');
    expect(await refuse(access, 'revert-data-dir', parametersFor(host))).toMatchObject({ refusal: 'mounted-inside' });
    expect(readdirSync(host.path('data')).sort()).toEqual(['member', 'member.run-1']);
  });
});
