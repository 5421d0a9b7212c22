import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const ENTRY = join(import.meta.dirname, '../../bin/etcd-remediation.ts');

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line as a terminal would. */
export async function etcdRemediation(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '200' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended: Ended = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    ended.stdout += data;
  });
  child.stderr.on('data', (data) => {
    ended.stderr += data;
  });
  ended.status = await new Promise((resolve) => child.once('close', resolve));
  return ended;
}

/** The JSON object alone on the last line of standard output. */
export function lastLine({ stdout }: Ended): { outcome: string; report: { error: string; cause: string } } {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}
