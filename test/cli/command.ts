import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ENTRY = join(import.meta.dirname, '../../bin/etcd-remediation.js');

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

let state: string | undefined;

/** Where reports are kept: none of a test in the home of whoever runs it. */
function stateFolder(): string {
  if (state === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'etcd-remediation-state-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    state = made;
  }
  return state;
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
  return startIn({}, ...args);
}

/** The same, with something added to its environment. */
export function startIn(environment: Readonly<Record<string, string>>, ...args: string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '200', XDG_STATE_HOME: stateFolder(), ...environment },
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
