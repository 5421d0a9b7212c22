import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData, ownerAndMode, parametersFor } from './data-dir-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

describe('revert-data-dir', () => {
  it('brings the archive back and sets aside what has taken its place', async () => {
    using host = hostWithData(true);
    const parameters = parametersFor(host, { walDir: host.path('wal') });
    const before = ownerAndMode(host.path('data'));
    await succeed(host.access, 'archive-data-dir', parameters);
    host.makeDataDir('data', 'new');
    expect(await succeed(host.access, 'revert-data-dir', parameters)).toEqual({
      reverted: true,
      setAside: host.path('data/member.run-1.set-aside'),
    });
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(host.read('wal/0000000000000000-0000000000000000.wal')).toBe('old log');
    expect(host.read('data/member.run-1.set-aside/snap/db')).toBe('new');
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
    mkdirSync(host.path('data/member.run-1.set-aside/snap'), { recursive: true });
    host.write('data/member.run-1.set-aside/snap/db', 'earlier');
    const { exitCode, message } = await refuse(host.access, 'revert-data-dir', parametersFor(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('set-aside') });
    expect(host.read('data/member/snap/db')).toBe('new');
    rmSync(host.path('data/member'), { recursive: true });
    expect(await succeed(host.access, 'revert-data-dir', parametersFor(host))).toMatchObject({ reverted: true });
    expect(host.read('data/member.run-1.set-aside/snap/db')).toBe('earlier');
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
      expect(setAside).toBe(host.path('data/member.run-1.set-aside'));
      expect(host.read('data/member/snap/db')).toBe('old');
      expect(host.read('wal/0.tmp')).toBe('');
      expect(host.read('data/member.run-1.set-aside/snap/db')).toBe('new');
      expect(existsSync(host.path('data/member.run-1'))).toBe(false);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});
