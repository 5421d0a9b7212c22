import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
import { contentsOf, discardParameters, keepSnapshot, SCRATCH, WAL_SCRATCH } from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

/** With scratch folders for the data, for a backup and, with a name, for a wal dir on another disk. */
function hostWithScratch(phase = '', walScratch?: string): PreparedHost {
  const host = hostWithData();
  keepSnapshot(host, Buffer.from('salvaged'));
  keepSnapshot(host, Buffer.from('backup'), `${SCRATCH}.backup`);
  host.write(`${SCRATCH}/restored`, '');
  if (phase !== '') host.write(`${SCRATCH}/phase`, `${phase}\n`);
  if (walScratch !== undefined) mkdirSync(host.path(`${walScratch}/wal`), { recursive: true });
  return host;
}

describe('discard-scratch', () => {
  it.each(['', 'restored', 'placed'])(
    'removes the folders of the execution, and no other (phase %j)',
    async (phase) => {
      using host = hostWithScratch(phase, `disk/${WAL_SCRATCH}`);
      const others = [`${SCRATCH}0`, '.etcd-remediation.data.run-2', 'data.run-1', 'disk/archived.run-1.scratch'];
      for (const other of others) mkdirSync(host.path(other));
      const parameters = discardParameters(host, { walDir: host.path('disk/wal') });
      expect(await succeed(host.access, 'discard-scratch', parameters)).toEqual({ discarded: true });
      expect(contentsOf(host.path('.')).filter((name) => name.includes(`${SCRATCH}`))).toEqual([`${SCRATCH}0`]);
      for (const other of others) expect(host.has(other)).toBe(true);
      expect(host.read('data/member/snap/db')).toBe('old');
      expect(await succeed(host.access, 'discard-scratch', parameters)).toEqual({ discarded: false });
    },
  );

  it('refuses while data is being moved', async () => {
    using host = hostWithScratch('moving');
    const before = contentsOf(host.path(SCRATCH));
    const { exitCode, message } = await refuse(host.access, 'discard-scratch', discardParameters(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('revert-data-dir') });
    expect(contentsOf(host.path(SCRATCH))).toEqual(before);
  });

  it('does not follow a link', async () => {
    using host = hostWithData();
    symlinkSync(host.path('data'), host.path(SCRATCH));
    const { exitCode, message } = await refuse(host.access, 'discard-scratch', discardParameters(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('is a link') });
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it('removes links in the folder, and not what they lead to', async () => {
    using host = hostWithScratch();
    symlinkSync(host.path('data'), host.path(`${SCRATCH}/.link`));
    await succeed(host.access, 'discard-scratch', discardParameters(host));
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it.skipIf(process.platform !== 'linux')('refuses while a restore is at work there', async () => {
    using host = hostWithScratch('restored');
    const held = 'exec 9< "$0"; flock 9; echo locked; exec cat';
    const holder = spawn('bash', ['-c', held, host.path(SCRATCH)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const { exitCode, message } = await refuse(host.access, 'discard-scratch', discardParameters(host));
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('Another run') });
    expect(host.has(`${SCRATCH}/phase`)).toBe(true);
  });

  it('is found by its phase as long as anything else is left, wherever it was killed', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostWithScratch('placed', `disk/${WAL_SCRATCH}`);
      const parameters = discardParameters(host, { walDir: host.path('disk/wal') });
      host.killBeforeChange(change, ['rm']);
      const { exitCode } = await runCommand(host.access, 'discard-scratch', parameters);
      host.killBeforeChange(undefined, ['rm']);
      const left = execFileSync('find', [host.path('.'), '-path', '*.etcd-remediation.*', '-type', 'f']).toString();
      if (left !== '') expect(left).toContain(`${SCRATCH}/phase`);
      await succeed(host.access, 'discard-scratch', parameters);
      expect(contentsOf(host.path('.')).filter((name) => name.includes(SCRATCH))).toEqual([]);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});
