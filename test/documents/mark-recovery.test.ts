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
  if (phase !== '') {
    host.write(`${SCRATCH}/restored`, '');
    host.write(`${SCRATCH}/phase`, `${phase}\n`);
  }
  if (walScratch !== undefined) mkdirSync(host.path(`${walScratch}/wal`), { recursive: true });
  return host;
}

describe('mark-recovery', () => {
  it.each([
    ['undo', ''],
    ['undo', 'restored'],
    ['forget', ''],
    ['forget', 'kept'],
  ])('removes the folders of the execution, and no other (%s, phase %j)', async (outcome, phase) => {
    using host = hostWithScratch(phase, `disk/${WAL_SCRATCH}`);
    const others = [`${SCRATCH}0`, '.etcd-remediation.data.run-2', 'data.run-1', 'disk/archived.run-1.scratch'];
    for (const other of others) mkdirSync(host.path(other));
    const parameters = discardParameters(host, { walDir: host.path('disk/wal'), outcome });
    expect(await succeed(host.access, 'mark-recovery', parameters)).toEqual({ discarded: true });
    expect(contentsOf(host.path('.')).filter((name) => name.includes(`${SCRATCH}`))).toEqual([`${SCRATCH}0`]);
    for (const other of others) expect(host.has(other)).toBe(true);
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(await succeed(host.access, 'mark-recovery', parameters)).toEqual({ discarded: false });
  });

  it.each([
    ['undo', 'moving', 'revert-data-dir'],
    ['undo', 'placed', 'revert-data-dir'],
    ['undo', 'kept', 'another person or program works on it'],
    ['commit', 'restored', 'another person or program works on it'],
    ['commit', 'moving', 'another person or program works on it'],
    ['forget', 'restored', 'another person or program works on it'],
    ['forget', 'moving', 'another person or program works on it'],
    ['forget', 'placed', 'another person or program works on it'],
    ['undo', 'a word that was cut off', 'revert-data-dir'],
  ])('refuses to %s in phase %j', async (outcome, phase, expected) => {
    using host = hostWithScratch(phase);
    const before = contentsOf(host.path(SCRATCH));
    const parameters = discardParameters(host, { outcome });
    const { exitCode, message } = await refuse(host.access, 'mark-recovery', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(expected) });
    expect(contentsOf(host.path(SCRATCH))).toEqual(before);
  });

  it('removes those of two executions at the same moment', async () => {
    using host = hostWithScratch('kept');
    mkdirSync(host.path('.etcd-remediation.data.run-0'));
    host.write('.etcd-remediation.data.run-0/phase', 'kept\n');
    const parameters = discardParameters(host, { outcome: 'forget' });
    const both = [parameters, { ...parameters, execution: 'run-0' }];
    const ends = await Promise.all(both.map((each) => succeed(host.access, 'mark-recovery', each)));
    expect(ends).toEqual([{ discarded: true }, { discarded: true }]);
    expect(contentsOf(host.path('.')).filter((name) => name.includes('.etcd-remediation'))).toEqual([]);
  });

  it('keeps of a commit the word that proves it, and nothing else', async () => {
    using host = hostWithScratch('placed', `disk/${WAL_SCRATCH}`);
    const parameters = discardParameters(host, { walDir: host.path('disk/wal'), outcome: 'commit' });
    expect(await succeed(host.access, 'mark-recovery', parameters)).toEqual({ discarded: true });
    expect(await succeed(host.access, 'mark-recovery', parameters)).toEqual({ discarded: false });
    expect(contentsOf(host.path(SCRATCH))).toEqual(['phase']);
    expect(host.read(`${SCRATCH}/phase`)).toBe('kept\n');
    expect(host.has(`disk/${WAL_SCRATCH}`)).toBe(false);
    expect(host.has(`${SCRATCH}.backup`)).toBe(false);
  });

  it('has nothing to commit where the recovery is forgotten', async () => {
    using host = hostWithData();
    const parameters = discardParameters(host, { outcome: 'commit' });
    expect(await succeed(host.access, 'mark-recovery', parameters)).toEqual({ discarded: false });
  });

  it.skipIf(process.platform !== 'linux')('waits for nobody who moves data', async () => {
    using host = hostWithScratch('restored');
    const held = 'exec 9< "$0"; flock 9; echo locked; exec cat';
    const holder = spawn('bash', ['-c', held, host.path('.')], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const { exitCode, message } = await refuse(host.access, 'mark-recovery', discardParameters(host));
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('Another run') });
    expect(host.has(`${SCRATCH}/phase`)).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')(
    'removes the copy of a backup as soon as what has made it has ended, and waits for nobody who moves data',
    async () => {
      using host = hostWithData();
      keepSnapshot(host, Buffer.from('copied'));
      host.write(`${SCRATCH}/backup`, '');
      const moving = 'exec 9< "$0"; flock 9; echo locked; exec cat';
      const mover = spawn('bash', ['-c', moving, host.path('.')], { stdio: ['pipe', 'pipe', 'inherit'] });
      const cancelled = 'exec 9< "$0"; flock 9; echo locked; sleep 1';
      const copier = spawn('bash', ['-c', cancelled, host.path(SCRATCH)], { stdio: ['ignore', 'pipe', 'inherit'] });
      await Promise.all([once(mover.stdout, 'data'), once(copier.stdout, 'data')]);
      const end = await runCommand(host.access, 'mark-recovery', discardParameters(host));
      const ended = once(mover, 'exit');
      mover.stdin.end();
      await ended;
      expect(end).toMatchObject({ exitCode: 0 });
      expect(host.has(SCRATCH)).toBe(false);
    },
  );

  it('does not follow a link', async () => {
    using host = hostWithData();
    symlinkSync(host.path('data'), host.path(SCRATCH));
    const { exitCode, message } = await refuse(host.access, 'mark-recovery', discardParameters(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('is a link') });
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it('removes links in the folder, and not what they lead to', async () => {
    using host = hostWithScratch();
    symlinkSync(host.path('data'), host.path(`${SCRATCH}/.link`));
    await succeed(host.access, 'mark-recovery', discardParameters(host));
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it.skipIf(process.platform !== 'linux')('refuses while a restore is at work there', async () => {
    using host = hostWithScratch('restored');
    const held = 'exec 9< "$0"; flock 9; echo locked; exec cat';
    const holder = spawn('bash', ['-c', held, host.path(SCRATCH)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const { exitCode, message } = await refuse(host.access, 'mark-recovery', discardParameters(host));
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('Another run') });
    expect(host.has(`${SCRATCH}/phase`)).toBe(true);
  });

  it('is found by its phase as long as anything else is left, wherever it was killed', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostWithScratch('restored', `disk/${WAL_SCRATCH}`);
      const parameters = discardParameters(host, { walDir: host.path('disk/wal') });
      host.killBeforeChange(change, ['rm']);
      const { exitCode } = await runCommand(host.access, 'mark-recovery', parameters);
      host.killBeforeChange(undefined, ['rm']);
      const left = execFileSync('find', [host.path('.'), '-path', '*.etcd-remediation.*', '-type', 'f']).toString();
      if (left !== '') expect(left).toContain(`${SCRATCH}/phase`);
      await succeed(host.access, 'mark-recovery', parameters);
      expect(contentsOf(host.path('.')).filter((name) => name.includes(SCRATCH))).toEqual([]);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});
