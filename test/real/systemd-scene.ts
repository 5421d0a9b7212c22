import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import type { ScriptRun } from '../../local/hosts/access.ts';
import { cgroupMount } from '../../local/hosts/systemd/control-groups.ts';
import type { ProbeAnswer, ProbeOrder, ProbeStart } from './systemd-probe.ts';

/** Hosts with systemd in a process of their own, and what it can leave on the machine. */

const PROBE = join(import.meta.dirname, 'systemd-probe.ts');

export const WHY_NOT =
  process.platform !== 'linux' ? 'this is not Linux' : process.geteuid?.() !== 0 ? 'this is not root' : undefined;
export const skipped = WHY_NOT === undefined ? '' : ` (skipped: ${WHY_NOT})`;

export interface Probe extends ProbeStart {
  outside: ChildProcess;
  order(order: ProbeOrder): Promise<ProbeAnswer>;
  /** What the script printed, once it has ended well. */
  run(host: number, script: string): Promise<string>;
  /** How the process outside ended: its exit status, or the name of the signal. */
  ended: Promise<number | string | null>;
}

const running = new Set<ChildProcess>();

/** After all tests of a file: those that have not ended by themselves. */
export function killProbes(): void {
  for (const child of running) child.kill('SIGKILL');
}

export async function startProbe(count: number): Promise<Probe> {
  const { etcd } = await findEtcd('3.5.16');
  const outside = spawn(process.execPath, [PROBE, String(count), dirname(etcd)], { stdio: 'pipe' });
  running.add(outside);
  let said = '';
  outside.stderr.setEncoding('utf8').on('data', (data: string) => {
    said += data;
  });
  const ended = new Promise<number | string | null>((resolve) => {
    outside.once('exit', (code, signal) => {
      running.delete(outside);
      resolve(code ?? signal);
    });
  });
  const lines = createInterface({ input: outside.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`The probe ended (${await ended}): ${said}`);
    return JSON.parse(value);
  };
  const start = (await next()) as ProbeStart;
  const order = async (what: ProbeOrder) => {
    outside.stdin.write(`${JSON.stringify(what)}\n`);
    return (await next()) as ProbeAnswer;
  };
  const run = async (host: number, script: string) => {
    const result = (await order({ host, script })) as ScriptRun;
    expect(result, script).toMatchObject({ started: true, exitCode: 0 });
    return result.stdout.trim();
  };
  return { ...start, outside, order, run, ended };
}

/** What a process that makes hosts can leave on the machine. */
export function tracesOf(pid: number): string[] {
  const own = (name: string) => name.startsWith(`etcd-remediation-hosts-${pid}-`);
  return [cgroupMount(), tmpdir()].flatMap((folder) =>
    readdirSync(folder)
      .filter(own)
      .map((name) => join(folder, name)),
  );
}

/** All processes of its hosts, as the machine counts. */
export function processesOf(pid: number): number[] {
  const groups = tracesOf(pid).filter((path) => path.startsWith(cgroupMount()));
  return groups.flatMap((group) =>
    readdirSync(group, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('cgroup.procs'))
      .flatMap((path) => readFileSync(join(group, path), 'utf8').split('\n').filter(Boolean).map(Number)),
  );
}

export const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8');
export const links = () => readFileSync('/proc/self/net/dev', 'utf8').match(/^ *[^ :]+:/gm);
