import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dataOwner, PreparedHost } from './prepared-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

const owner = dataOwner();

function parametersFor(host: PreparedHost, overrides: Record<string, string> = {}) {
  return { unit: 'etcd', dataDir: host.path('data'), walDir: '', execution: 'run-1', ...owner, ...overrides };
}

/** A host whose member had its data in `data`, and where asked for its log in `wal`. */
function hostWithData(walDir = false): PreparedHost {
  const host = new PreparedHost();
  host.makeDataDir('data', 'old');
  if (walDir) {
    mkdirSync(host.path('wal'), { mode: 0o750 });
    host.write('wal/0000000000000000-0000000000000000.wal', 'old log');
    host.write('wal/0.tmp', '');
  }
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${owner.user}:${owner.group}`, host.path('data')]);
  return host;
}

function ownerAndMode(path: string) {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode: mode & 0o7777 };
}

describe('archive-data-dir', () => {
  it('renames the data dir and leaves an empty one of the same owner and mode', async () => {
    using host = hostWithData();
    const before = ownerAndMode(host.path('data'));
    const inode = statSync(host.path('data')).ino;
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toEqual({
      dataDir: host.path('data.run-1'),
      walDir: '',
    });
    expect(statSync(host.path('data.run-1')).ino).toBe(inode);
    expect(host.read('data.run-1/member/snap/db')).toBe('old');
    expect(readdirSync(host.path('data'))).toEqual([]);
    expect(ownerAndMode(host.path('data'))).toEqual(before);
  });

  it('says the same when it runs again', async () => {
    using host = hostWithData(true);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    const first = await succeed(host.access, 'archive-data-dir', parameters);
    expect(first).toEqual({ dataDir: host.path('data.run-1'), walDir: host.path('wal.run-1') });
    expect(await succeed(host.access, 'archive-data-dir', parameters)).toEqual(first);
    expect(statSync(host.path('wal')).mode & 0o777).toBe(0o750);
  });

  it('moves what a link leads to, and keeps the link', async () => {
    using host = hostWithData();
    renameSync(host.path('data'), host.path('disk'));
    symlinkSync('disk', host.path('data'));
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({
      dataDir: host.path('disk.run-1'),
    });
    expect(readdirSync(`${host.path('data')}/`)).toEqual([]);
  });

  it('makes a data dir that is missing for the account, and has nothing to archive', async () => {
    using host = new PreparedHost();
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toEqual({ dataDir: '', walDir: '' });
    const uid = Number(execFileSync('id', ['-u', owner.user]));
    expect(ownerAndMode(host.path('data'))).toMatchObject({ uid, mode: 0o700 });
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toEqual({ dataDir: '', walDir: '' });
  });

  it('takes a wal dir inside the member folder for a part of the data', async () => {
    using host = hostWithData();
    const walDir = `${host.path('data')}/member/wal`;
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host, { walDir }))).toMatchObject({
      walDir: '',
    });
    expect(readdirSync(host.path('data'))).toEqual([]);
  });

  it.each([
    ['activating', 'auto-restart', '0'],
    ['active', 'running', '77'],
    ['deactivating', 'stop-sigterm', '77'],
  ])('refuses while the unit is %s (%s)', async (ActiveState, SubState, MainPID) => {
    using host = hostWithData();
    host.setProperties({ ActiveState, SubState, MainPID });
    const { exitCode, message } = await refuse(host.access, 'archive-data-dir', parametersFor(host));
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message: expect.stringContaining(`${ActiveState} (${SubState})`),
    });
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it.each([
    ['a folder that is not etcd’s alone', (host: PreparedHost) => host.write('data/.bashrc', ''), '.bashrc'],
    [
      'a file',
      (host: PreparedHost) => {
        rmSync(host.path('data'), { recursive: true });
        host.write('data', '');
      },
      'not a folder',
    ],
    [
      'new data beside an archive of the same run',
      (host: PreparedHost) => host.makeDataDir('data.run-1', 'older'),
      'has data again',
    ],
    ['a unit that is not there', (host: PreparedHost) => host.setProperties({ LoadState: 'not-found' }), 'not-found'],
  ])('refuses %s, and moves nothing', async (_what, prepare, problem) => {
    using host = hostWithData();
    prepare(host);
    const before = readdirSync(host.path('.'), { recursive: true }).sort();
    const { exitCode, message } = await refuse(host.access, 'archive-data-dir', parametersFor(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(problem) });
    expect(readdirSync(host.path('.'), { recursive: true }).sort()).toEqual(before);
  });

  it('refuses a wal dir with something else in it before it moves the data', async () => {
    using host = hostWithData(true);
    host.write('wal/notes.txt', '');
    const { exitCode, message } = await refuse(
      host.access,
      'archive-data-dir',
      parametersFor(host, { walDir: host.path('wal') }),
    );
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('notes.txt') });
    expect(host.has('data.run-1')).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('refuses a database that another process has open', async () => {
    using host = hostWithData();
    const holder = spawn('flock', [host.path('data/member/snap/db'), 'sh', '-c', 'echo locked; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(await refuse(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({ exitCode: 66 });
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({
      dataDir: host.path('data.run-1'),
    });
  });

  it('ends as if nothing had happened, wherever it was killed before', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostWithData(true);
      const parameters = parametersFor(host, { walDir: host.path('wal') });
      host.killBeforeChange(change);
      const { exitCode } = await runCommand(host.access, 'archive-data-dir', parameters);
      host.killBeforeChange(undefined);
      expect(await succeed(host.access, 'archive-data-dir', parameters)).toEqual({
        dataDir: host.path('data.run-1'),
        walDir: host.path('wal.run-1'),
      });
      expect(host.read('data.run-1/member/snap/db')).toBe('old');
      expect(ownerAndMode(host.path('data'))).toEqual(ownerAndMode(host.path('data.run-1')));
      expect(readdirSync(host.path('wal'))).toEqual([]);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });

  it('lets one of several runs at once do the work, and the others fail or see that it is done', async () => {
    using host = hostWithData();
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => runCommand(host.access, 'archive-data-dir', parametersFor(host))),
    );
    expect(runs.map(({ exitCode }) => exitCode)).toContain(0);
    for (const { exitCode, line } of runs) {
      if (exitCode === 0) expect(JSON.parse(line)).toEqual({ dataDir: host.path('data.run-1'), walDir: '' });
      else expect({ exitCode, line }).toEqual({ exitCode: 65, line: expect.stringContaining('Another run') });
    }
    expect(host.read('data.run-1/member/snap/db')).toBe('old');
    expect(readdirSync(host.path('data'))).toEqual([]);
  });
});

describe('revert-data-dir', () => {
  it('brings the archive back and sets aside what has taken its place', async () => {
    using host = hostWithData(true);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    const before = ownerAndMode(host.path('data'));
    await succeed(host.access, 'archive-data-dir', parameters);
    host.makeDataDir('data', 'new');
    expect(await succeed(host.access, 'revert-data-dir', parameters)).toEqual({
      reverted: true,
      setAside: host.path('data.run-1.set-aside'),
    });
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(host.read('wal/0000000000000000-0000000000000000.wal')).toBe('old log');
    expect(host.read('data.run-1.set-aside/member/snap/db')).toBe('new');
    expect(ownerAndMode(host.path('data'))).toEqual(before);
  });

  it('does nothing without an archive', async () => {
    using host = hostWithData();
    expect(await succeed(host.access, 'revert-data-dir', parametersFor(host))).toEqual({
      reverted: false,
      setAside: '',
    });
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it('never overwrites what an earlier run has set aside', async () => {
    using host = hostWithData();
    await succeed(host.access, 'archive-data-dir', parametersFor(host));
    host.makeDataDir('data', 'new');
    host.makeDataDir('data.run-1.set-aside', 'earlier');
    const { exitCode, message } = await refuse(host.access, 'revert-data-dir', parametersFor(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('set-aside') });
    expect(host.read('data/member/snap/db')).toBe('new');
    rmSync(host.path('data'), { recursive: true });
    mkdirSync(host.path('data'));
    expect(await succeed(host.access, 'revert-data-dir', parametersFor(host))).toMatchObject({ reverted: true });
    expect(host.read('data.run-1.set-aside/member/snap/db')).toBe('earlier');
  });

  it('refuses while the unit runs', async () => {
    using host = hostWithData();
    await succeed(host.access, 'archive-data-dir', parametersFor(host));
    host.setProperties({ ActiveState: 'active', SubState: 'running', MainPID: '77' });
    expect(await refuse(host.access, 'revert-data-dir', parametersFor(host))).toMatchObject({ exitCode: 65 });
  });

  it('ends as if nothing had happened, wherever it was killed before', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostWithData(true);
      const parameters = parametersFor(host, { walDir: host.path('wal') });
      await succeed(host.access, 'archive-data-dir', parameters);
      host.makeDataDir('data', 'new');
      host.killBeforeChange(change);
      const { exitCode } = await runCommand(host.access, 'revert-data-dir', parameters);
      host.killBeforeChange(undefined);
      const { setAside } = await succeed(host.access, 'revert-data-dir', parameters);
      expect(setAside).toBe(host.path('data.run-1.set-aside'));
      expect(host.read('data/member/snap/db')).toBe('old');
      expect(host.read('wal/0.tmp')).toBe('');
      expect(host.read('data.run-1.set-aside/member/snap/db')).toBe('new');
      expect(existsSync(host.path('data.run-1'))).toBe(false);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});

/** A tmpfs on the data dir and on the wal dir, in a mount namespace that lives as long as one command. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

describe.skipIf(!canMount)('a data dir that is a mount point (needs root)', () => {
  /** The mounts are made anew for each script, so the two folders of a tmpfs' contents are bound in from outside. */
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
