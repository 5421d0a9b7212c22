import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const ENTRY = join(import.meta.dirname, '../../bin/etcd-remediation.ts');

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line as a terminal would. */
export function etcdRemediation(...args: string[]): Promise<Ended> {
  return startEtcdRemediation(...args).ended;
}

export interface Running {
  /** So far. */
  written: Readonly<Ended>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** The same, and may be told to end meanwhile. */
export function startEtcdRemediation(...args: string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '200' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written: Ended = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    written.stdout += data;
  });
  child.stderr.on('data', (data) => {
    written.stderr += data;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (status) => resolve({ ...written, status })));
  return { written, kill: (signal) => child.kill(signal), ended };
}

/** The JSON object alone on the last line of standard output. */
export function lastLine({ stdout }: Ended): { outcome: string; report: { error: string; cause: string } } {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}
