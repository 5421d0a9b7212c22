import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData, isLinuxRoot, parametersFor } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
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

  it.each([
    ['wal', 'wal-dir-mounted'],
    ['data/member', 'member-mounted'],
  ])('cannot be moved where it is %s, and nothing is', async (name, refusal) => {
    using host = hostWithData(true);
    const access = mounted(host, name);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    expect(await refuse(access, 'archive-data-dir', parameters)).toMatchObject({ exitCode: 65, refusal });
    expect(readdirSync(host.path('data'))).toEqual(['member']);
  });
});
