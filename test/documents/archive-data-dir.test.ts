import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData, isLinuxRoot, owner, ownerAndMode, parametersFor } from './data-dir-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

describe('archive-data-dir', () => {
  it("renames what is etcd's in the data dir, and leaves the rest of it as it is", async () => {
    using host = hostWithData();
    const before = ownerAndMode(host.path('data'));
    const inode = statSync(host.path('data/member')).ino;
    for (const folder of ['config', 'lost+found']) mkdirSync(host.path(`data/${folder}`));
    host.write('data/config/etcd.yaml', 'name: m1\n');
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toEqual({
      dataDir: host.path('data/member.run-1'),
      walDir: '',
    });
    expect(statSync(host.path('data/member.run-1')).ino).toBe(inode);
    expect(host.read('data/member.run-1/snap/db')).toBe('old');
    expect(host.read('data/config/etcd.yaml')).toBe('name: m1\n');
    expect(readdirSync(host.path('data')).sort()).toEqual(['config', 'lost+found', 'member.run-1']);
    expect(ownerAndMode(host.path('data'))).toEqual(before);
  });

  it('says the same when it runs again', async () => {
    using host = hostWithData(true);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    const first = await succeed(host.access, 'archive-data-dir', parameters);
    expect(first).toEqual({ dataDir: host.path('data/member.run-1'), walDir: host.path('wal.run-1') });
    expect(await succeed(host.access, 'archive-data-dir', parameters)).toEqual(first);
    expect(host.has('wal')).toBe(false);
  });

  it('moves what a link leads to, and keeps the link', async () => {
    using host = hostWithData();
    renameSync(host.path('data'), host.path('disk'));
    symlinkSync('disk', host.path('data'));
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({
      dataDir: host.path('disk/member.run-1'),
    });
    expect(readdirSync(`${host.path('data')}/`)).toEqual(['member.run-1']);
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
    expect(readdirSync(host.path('data'))).toEqual(['member.run-1']);
  });

  it('moves a wal dir that lies in the data dir', async () => {
    using host = hostWithData(true);
    renameSync(host.path('wal'), host.path('data/wal'));
    const parameters = parametersFor(host, { walDir: host.path('data/wal') });
    expect(await succeed(host.access, 'archive-data-dir', parameters)).toEqual({
      dataDir: host.path('data/member.run-1'),
      walDir: host.path('data/wal.run-1'),
    });
    expect(readdirSync(host.path('data')).sort()).toEqual(['member.run-1', 'wal.run-1']);
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
    ['a folder of etcd’s old proxy', (host: PreparedHost) => mkdirSync(host.path('data/proxy')), 'proxy'],
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
      (host: PreparedHost) => mkdirSync(host.path('data/member.run-1')),
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
    expect(host.has('data/member.run-1')).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('refuses a database that another process has open', async () => {
    using host = hostWithData();
    const held = 'exec 9< "$0"; flock 9; echo locked; exec cat';
    const holder = spawn('bash', ['-c', held, host.path('data/member/snap/db')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(await refuse(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({ exitCode: 66 });
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect(await succeed(host.access, 'archive-data-dir', parametersFor(host))).toMatchObject({
      dataDir: host.path('data/member.run-1'),
    });
  });

  it.skipIf(!isLinuxRoot)('refuses an account that cannot make a folder for the owner (needs root)', async () => {
    using host = new PreparedHost();
    chmodSync(host.path('.'), 0o777);
    chmodSync(host.makeDataDir('data', 'old'), 0o777);
    const access = { exec: ['setpriv', `--reuid=${owner.user}`, '--clear-groups', ...host.access.exec] };
    const parameters = parametersFor(host, { user: 'root', group: 'root' });
    const { exitCode, message } = await refuse(access, 'archive-data-dir', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('Run it as root') });
    expect(host.has('data/member.run-1')).toBe(false);
  });

  it.skipIf(!isLinuxRoot)('gives the data dir to the account where that may not write in it (needs root)', async () => {
    using host = new PreparedHost();
    host.makeDataDir('data', 'old');
    const uid = Number(execFileSync('id', ['-u', owner.user]));
    expect(ownerAndMode(host.path('data'))).not.toMatchObject({ uid });
    await succeed(host.access, 'archive-data-dir', parametersFor(host));
    expect(ownerAndMode(host.path('data'))).toMatchObject({ uid });
    expect(ownerAndMode(host.path('data/member.run-1'))).not.toMatchObject({ uid });
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
        dataDir: host.path('data/member.run-1'),
        walDir: host.path('wal.run-1'),
      });
      expect(host.read('data/member.run-1/snap/db')).toBe('old');
      expect(readdirSync(host.path('data'))).toEqual(['member.run-1']);
      expect(host.has('wal')).toBe(false);
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
      if (exitCode === 0) expect(JSON.parse(line)).toEqual({ dataDir: host.path('data/member.run-1'), walDir: '' });
      else expect({ exitCode, line }).toEqual({ exitCode: 65, line: expect.stringContaining('Another run') });
    }
    expect(host.read('data/member.run-1/snap/db')).toBe('old');
    expect(readdirSync(host.path('data'))).toEqual(['member.run-1']);
  });
});
