import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData, isLinuxRoot, parametersFor } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

describe.skipIf(!isLinuxRoot)('a data dir that is a mount point (needs root)', () => {
  /** Each command gets a mount namespace of its own, in which two folders from outside are mounted. */
  function hostWithMounts(): PreparedHost {
    const host = hostWithData(true);
    for (const name of ['data', 'wal']) {
      renameSync(host.path(name), host.path(`volume-${name}`));
      mkdirSync(host.path(name));
      mkdirSync(host.path(`volume-${name}/lost+found`));
    }
    return host;
  }

  function mounted(host: PreparedHost) {
    const mounts = ['data', 'wal'].map((name) => `mount --bind '${host.path(`volume-${name}`)}' '${host.path(name)}'`);
    return {
      exec: [
        'unshare',
        '-m',
        'sh',
        '-c',
        `${mounts.join(' && ')} && exec ${host.access.exec.map((word) => `'${word}'`).join(' ')}`,
      ],
    };
  }

  const parametersOf = (host: PreparedHost) => parametersFor(host, { walDir: host.path('wal') });

  it('has its contents moved into a folder of its own, and back', async () => {
    using host = hostWithMounts();
    const access = mounted(host);
    const archived = { dataDir: `${host.path('data')}/archived.run-1`, walDir: `${host.path('wal')}/archived.run-1` };
    expect(await succeed(access, 'archive-data-dir', parametersOf(host))).toEqual(archived);
    expect(await succeed(access, 'archive-data-dir', parametersOf(host))).toEqual(archived);
    expect(readdirSync(host.path('volume-data')).sort()).toEqual(['archived.run-1', 'lost+found']);
    host.makeDataDir('volume-data', 'new');
    expect(await refuse(access, 'archive-data-dir', parametersOf(host))).toMatchObject({ exitCode: 65 });
    expect(await succeed(access, 'revert-data-dir', parametersOf(host))).toEqual({
      reverted: true,
      setAside: `${host.path('data')}/archived.run-1.set-aside`,
    });
    expect(host.read('volume-data/member/snap/db')).toBe('old');
    expect(host.read('volume-data/archived.run-1.set-aside/member/snap/db')).toBe('new');
    expect(readdirSync(host.path('volume-wal')).sort()).toEqual([
      '0.tmp',
      '0000000000000000-0000000000000000.wal',
      'lost+found',
    ]);
  });

  it('goes on wherever archiving was killed', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(30);
      using host = hostWithMounts();
      host.killBeforeChange(change);
      const { exitCode } = await runCommand(mounted(host), 'archive-data-dir', parametersOf(host));
      host.killBeforeChange(undefined);
      await succeed(mounted(host), 'archive-data-dir', parametersOf(host));
      expect(host.read('volume-data/archived.run-1/member/snap/db')).toBe('old');
      expect(readdirSync(host.path('volume-wal')).sort()).toEqual(['archived.run-1', 'lost+found']);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });

  it('goes on wherever reverting was killed', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(30);
      using host = hostWithMounts();
      await succeed(mounted(host), 'archive-data-dir', parametersOf(host));
      host.makeDataDir('volume-data', 'new');
      host.killBeforeChange(change);
      const { exitCode } = await runCommand(mounted(host), 'revert-data-dir', parametersOf(host));
      host.killBeforeChange(undefined);
      await succeed(mounted(host), 'revert-data-dir', parametersOf(host));
      expect(host.read('volume-data/member/snap/db')).toBe('old');
      expect(host.read('volume-data/archived.run-1.set-aside/member/snap/db')).toBe('new');
      expect(host.read('volume-wal/0000000000000000-0000000000000000.wal')).toBe('old log');
      expect(readdirSync(host.path('volume-data')).sort()).toEqual([
        'archived.run-1.set-aside',
        'lost+found',
        'member',
      ]);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });

  it('refuses to mix a half-made archive with data that came after it', async () => {
    using host = hostWithMounts();
    mkdirSync(host.path('volume-data/archived.run-1.moving/member'), { recursive: true });
    const { exitCode, message } = await refuse(mounted(host), 'archive-data-dir', parametersOf(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('interrupted') });
  });
});
