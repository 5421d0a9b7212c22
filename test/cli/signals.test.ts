import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SIGNALS = join(import.meta.dirname, '../../cli/signals.ts');

/** A process that is at work, and never comes to an end by itself. */
function processThat(statements: string) {
  const script = `const { endOnSignals, onSignal, printAtSignal } = await import(${JSON.stringify(SIGNALS)});
    endOnSignals(); ${statements}; setInterval(() => undefined, 1_000); console.log('at work');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (data: string) => {
      written[name] += data;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, written, ended };
}

describe('a process that is told to end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s stops its work in order, and ends at once at the next', async (signal, status) => {
    const { child, written, ended } = processThat(
      `onSignal(() => console.log('stopping'), () => 'It is open.'); printAtSignal(() => 'The work is stopped.')`,
    );
    try {
      await expect.poll(() => written.stdout).toBe('at work\n');
      child.kill(signal);
      await expect.poll(() => written.stdout).toBe('at work\nstopping\n');
      expect(written.stderr).toBe('\nThe work is stopped.\n');
      child.kill(signal);
      expect(await ended).toBe(status);
      expect(written.stderr).toBe('\nThe work is stopped.\n\nEnded at once.\nIt is open.\n');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('ends at once where nothing has to be stopped in order', async () => {
    const { child, written, ended } = processThat('');
    try {
      await expect.poll(() => written.stdout).toBe('at work\n');
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(written.stderr).toBe('\nStopped.\n');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
