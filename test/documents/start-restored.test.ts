import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostWithData } from './data-dir-host.ts';
import { writeLog } from './held-data.ts';
import type { PreparedHost } from './prepared-host.ts';
import {
  callsOn,
  contentsOf,
  controlUnit,
  keepSnapshot,
  SCRATCH,
  startParameters,
  WAL_SCRATCH,
} from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

/** A host on which a recovery is at this word. */
function hostAt(phase: string): PreparedHost {
  const host = hostWithData();
  controlUnit(host);
  writeLog(host.path('disk/wal'));
  keepSnapshot(host, Buffer.from('salvaged'));
  keepSnapshot(host, Buffer.from('backup'), `${SCRATCH}.backup`);
  host.write(`${SCRATCH}/restored`, '');
  host.write(`${SCRATCH}/phase`, phase);
  mkdirSync(host.path(`disk/${WAL_SCRATCH}/wal`), { recursive: true });
  return host;
}
const parameters = (host: PreparedHost) => startParameters(host, { walDir: host.path('disk/wal') });
const UP = { activeState: 'active', subState: 'running', mainPid: 77 };

describe('start-restored', () => {
  it.each(['placed\n', 'kept\n'])(
    'at the word %j says that the data is kept, and then starts the service',
    async (phase) => {
      using host = hostAt(phase);
      expect(await succeed(host.access, 'start-restored', parameters(host))).toEqual(UP);
      expect(callsOn(host)).toEqual(['start at kept']);
      expect(await succeed(host.access, 'start-restored', parameters(host))).toEqual(UP);
      expect(callsOn(host)).toEqual(['start at kept']);
    },
  );

  it('leaves of the scratch folders the word, and nothing else', async () => {
    using host = hostAt('placed\n');
    await succeed(host.access, 'start-restored', parameters(host));
    expect(contentsOf(host.path(SCRATCH))).toEqual(['phase']);
    expect(host.has(`disk/${WAL_SCRATCH}`)).toBe(false);
    expect(host.has(`${SCRATCH}.backup`)).toBe(false);
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it('starts the service although a scratch folder cannot be emptied', async () => {
    using host = hostAt('placed\n');
    host.program('rm', 'echo no >&2; exit 1');
    expect(await succeed(host.access, 'start-restored', parameters(host))).toEqual(UP);
    expect(host.read(`${SCRATCH}/phase`)).toBe('kept\n');
  });

  it.each(['restored\n', 'moving\n', 'a word that was cut off'])('starts nothing at the word %j', async (phase) => {
    using host = hostAt(phase);
    const { exitCode, refusal } = await refuse(host.access, 'start-restored', parameters(host));
    expect({ exitCode, refusal }).toEqual({ exitCode: 65, refusal: 'not-placed' });
    expect(callsOn(host)).toEqual([]);
    expect(host.read(`${SCRATCH}/phase`)).toBe(phase);
  });

  it('starts nothing, and keeps nothing, where the restored log has gone since', async () => {
    using host = hostAt('placed\n');
    rmSync(host.path('disk/wal'), { recursive: true });
    const { exitCode, refusal } = await refuse(host.access, 'start-restored', parameters(host));
    expect({ exitCode, refusal }).toEqual({ exitCode: 66, refusal: 'data-gone' });
    expect(callsOn(host)).toEqual([]);
    expect(host.read(`${SCRATCH}/phase`)).toBe('placed\n');
  });

  it('starts nothing where no recovery is, as a command that comes late finds it', async () => {
    using host = hostWithData();
    controlUnit(host);
    expect(await refuse(host.access, 'start-restored', startParameters(host))).toMatchObject({ refusal: 'not-placed' });
    expect(callsOn(host)).toEqual([]);
  });

  it('says nothing on a host that has no such unit', async () => {
    using host = hostAt('placed\n');
    host.setProperties({ LoadState: 'not-found' });
    expect(await refuse(host.access, 'start-restored', parameters(host))).toMatchObject({ refusal: 'unit-missing' });
    expect(host.read(`${SCRATCH}/phase`)).toBe('placed\n');
  });

  it.skipIf(process.platform !== 'linux')('waits for nobody who moves data', async () => {
    using host = hostAt('placed\n');
    const held = 'exec 9< "$0"; flock 9; echo locked; exec cat';
    const holder = spawn('bash', ['-c', held, host.path('.')], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const { refusal } = await refuse(host.access, 'start-restored', parameters(host));
    const ended = once(holder, 'exit');
    holder.stdin.end();
    await ended;
    expect(refusal).toBe('another-run');
    expect(callsOn(host)).toEqual([]);
  });

  it('has said that the data is kept before anything is started, wherever it was killed', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostAt('placed\n');
      host.killBeforeChange(change, ['rm', 'sync']);
      const { exitCode } = await runCommand(host.access, 'start-restored', parameters(host));
      host.killBeforeChange(undefined, ['rm', 'sync']);
      expect(['placed\n', 'kept\n']).toContain(host.read(`${SCRATCH}/phase`));
      await succeed(host.access, 'start-restored', parameters(host));
      expect(callsOn(host)).toEqual(['start at kept']);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});
