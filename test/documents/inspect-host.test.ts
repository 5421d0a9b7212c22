import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { waitFor } from '../run/wait-for.ts';
import { inspect, parametersFor } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { refuse } from './script.ts';

describe('inspect-host tells the state of the unit', () => {
  it('as systemd does', async () => {
    using host = new PreparedHost({
      ActiveState: 'activating',
      SubState: 'auto-restart',
      Result: 'exit-code',
      MainPID: '0',
      NRestarts: '12',
      ExecMainStatus: '1',
    });
    expect((await inspect(host)).unit).toEqual({
      loadState: 'loaded',
      activeState: 'activating',
      subState: 'auto-restart',
      result: 'exit-code',
      mainPid: 0,
      restarts: 12,
      exitStatus: 1,
    });
  });

  it('also where there is no such unit, or systemd is too old to count restarts', async () => {
    using host = new PreparedHost({ LoadState: 'not-found' });
    const { unit, configuration } = await inspect(host);
    expect(unit).toMatchObject({ loadState: 'not-found', restarts: 0 });
    expect(configuration).toMatchObject({ format: 'environment', file: '', overriding: [] });
  });
});

describe.skipIf(process.platform !== 'linux')('inspect-host tells the state of the main process', () => {
  it('whatever its name is, and whether a signal has stopped it', async () => {
    using host = new PreparedHost();
    const name = host.path('bin/a) T (b');
    symlinkSync('/bin/sleep', name);
    const sleeper = spawn(name, ['60']);
    try {
      const tell = async (properties = {}) => {
        host.setProperties({ ActiveState: 'active', MainPID: String(sleeper.pid), ...properties });
        return (await inspect(host)).atWork.processState;
      };
      expect(await tell()).toBe('S');
      sleeper.kill('SIGSTOP');
      expect(await tell()).toBe('T');
      expect(await tell({ FreezerState: 'frozen' })).toBe('frozen');
      expect(await tell({ FreezerState: 'running', MainPID: '0' })).toBe('');
      // It has ended since systemd was asked.
      expect(await tell({ MainPID: '99999999' })).toBe('');
    } finally {
      sleeper.kill('SIGKILL');
    }
  });
});

describe('inspect-host looks at the data', () => {
  it('behind a link, and at what was moved aside before', async () => {
    using host = new PreparedHost();
    host.makeDataDir('disk', 'x'.repeat(10_000));
    chmodSync(host.path('disk'), 0o700);
    symlinkSync('disk', host.path('data'));
    for (const archive of ['disk.run-1', 'disk/archived.run-2', 'diskette']) mkdirSync(host.path(archive));
    host.write('disk.notes', '');
    const { dataDir, walDir, archives } = await inspect(host);
    expect(dataDir).toMatchObject({
      path: host.path('data'),
      realPath: host.path('disk'),
      exists: true,
      empty: false,
      isMountPoint: false,
      mode: 'drwx------',
    });
    expect(dataDir.sizeBytes).toBeGreaterThanOrEqual(10_000);
    expect(dataDir.freeBytes).toBeGreaterThan(0);
    expect(dataDir.owner).toMatch(/^[^:]+:[^:]+$/);
    expect(walDir).toBeNull();
    expect(archives).toEqual([host.path('disk.run-1'), host.path('disk/archived.run-2')]);
  });

  it('and calls it empty when nothing of etcd is in it', async () => {
    using host = new PreparedHost();
    for (const folder of ['data', 'data/lost+found', 'data/archived.run-1']) mkdirSync(host.path(folder));
    const { dataDir, walDir } = await inspect(host, { walDir: host.path('wal') });
    expect(dataDir).toMatchObject({ exists: true, empty: true });
    expect(walDir).toEqual({
      path: host.path('wal'),
      realPath: host.path('wal'),
      exists: false,
      empty: true,
      isMountPoint: false,
      owner: '',
      mode: '',
      sizeBytes: 0,
      freeBytes: expect.any(Number),
    });
  });
});

describe('inspect-host tells etcd’s version', () => {
  it('of a real etcd, and nothing where there is none', async () => {
    using host = new PreparedHost();
    const { etcd } = await findEtcd('3.5.16');
    expect((await inspect(host, { binDir: dirname(etcd) })).etcdVersion).toBe('3.5.16');
    expect((await inspect(host)).etcdVersion).toBe('');
  });
});

describe('inspect-host fails with a message', () => {
  it('when a tool of the host does', async () => {
    using host = new PreparedHost();
    host.program('ls', 'exit 64');
    const { exitCode, message } = await refuse(host.access, 'inspect-host', parametersFor(host));
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message: expect.stringMatching(/^ls does not work on this host/),
    });
  });

  it('when it is ended from outside', async () => {
    using host = new PreparedHost();
    mkdirSync(host.path('data'));
    // As a host does that shuts down.
    host.program('df', 'kill -s TERM 0; exec sleep 60');
    const { message } = await refuse(host.access, 'inspect-host', parametersFor(host));
    expect(message).toContain('ended from outside');
  });

  it('once, however often it is told to end while it says why', async () => {
    using host = new PreparedHost();
    mkdirSync(host.path('data'));
    host.program('df', `trap '' TERM; (for n in $(seq 300); do kill -s TERM 0; sleep 0.001; done) > /dev/null 2>&1 &`);
    const { message } = await refuse(host.access, 'inspect-host', parametersFor(host));
    expect(message).toMatch(/^df does not work on this host|^The script was ended from outside/);
  });
});

describe('inspect-host changes nothing', () => {
  it.skipIf(process.platform !== 'linux')(
    'but removes what a run that was killed has left beside the configuration, unless another run is at work there',
    async () => {
      using host = new PreparedHost({ EnvironmentFiles: '' });
      host.makeDataDir('data', 'x');
      mkdirSync(host.path('etc'));
      host.setProperties({ EnvironmentFiles: `${host.write('etc/etcd.conf', '')} (ignore_errors=no)` });
      const configFile = host.path('etc/etcd.conf');
      const left = ['etc/.etcd-remediation.a1B2c3', 'etc/.etcd-remediation.zzzzzz'].map((name) =>
        host.write(name, 'x'),
      );
      host.write('etc/.etcd-remediation.data.run-1', 'of a recovery');
      const holder = spawn('sh', ['-c', `exec flock '${host.path('etc')}' sleep 60`], {
        stdio: 'ignore',
        detached: true,
      });
      const takeLock = () => execFileSync('sh', ['-c', `flock -n '${host.path('etc')}' true`]);
      await waitFor(() => expect(takeLock).toThrow());
      expect((await inspect(host, { configFile })).removed).toBeUndefined();
      process.kill(-(holder.pid as number), 'SIGKILL');
      await waitFor(takeLock);
      expect((await inspect(host, { configFile })).removed).toEqual(left);
      expect(readdirSync(host.path('etc'))).toEqual(['.etcd-remediation.data.run-1', 'etcd.conf']);
      expect((await inspect(host, { configFile })).removed).toBeUndefined();
    },
  );

  it('on the file system', async () => {
    using host = new PreparedHost();
    host.makeDataDir('data', 'x');
    host.killBeforeChange(1);
    await inspect(host);
    expect(host.has('changes')).toBe(false);
  });
});
