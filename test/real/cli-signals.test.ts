import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENTRY } from '../cli/command.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signals-test-'));
});
afterEach(() => rm(directory, { recursive: true }));

interface Process {
  pid: number;
  parent: number;
  command: string;
}

async function processes(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=,comm=']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , state]) => !state?.startsWith('Z'))
    .map(([pid, parent, , ...command]) => ({ pid: Number(pid), parent: Number(parent), command: command.join(' ') }));
}

async function foldersOfTheDrill(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('etcd-'));
}

describe('a drill that is told to end', () => {
  it.each([
    ['SIGHUP', 'Writing until', 129],
    ['SIGHUP', 'Assess space', 129],
    ['SIGINT', 'Writing until', 130],
    ['SIGTERM', 'Writing until', 143],
  ] as const)('by %s, when it says "%s", ends with its processes and folders', async (signal, moment, expected) => {
    const child = spawn(process.execPath, [ENTRY, 'drill', '--size', '64'], {
      env: { ...process.env, NO_COLOR: '1', TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        output += data;
      });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    try {
      await expect.poll(() => output).toContain(moment);
      const children = (await processes()).filter(({ parent }) => parent === child.pid);
      expect(children.filter(({ command }) => command === 'etcd')).toHaveLength(3);
      expect(await foldersOfTheDrill()).toContainEqual(expect.stringMatching(/^etcd-cluster-/));

      child.kill(signal);
      expect(await closed, output).toBe(expected);
      expect(output).toContain(
        "\nStopped. The drill's own cluster and its hosts end with it, and nothing else was touched.\n",
      );
      const pids = children.map(({ pid }) => pid);
      const left = async () => (await processes()).filter(({ pid }) => pids.includes(pid));
      await expect.poll(left).toEqual([]);
      expect(await foldersOfTheDrill()).toEqual([]);
    } finally {
      child.kill('SIGTERM');
      await closed;
    }
  });
});

describe('a diagnosis that is told to end', () => {
  it('says that nothing was changed', async () => {
    const config = join(directory, 'clusters.json');
    const url = 'http://127.0.0.1:1';
    const cluster = { name: 'orders', members: [{ name: 'm1', clientUrl: url, peerUrl: url }], quotaBackendBytes: 1 };
    await writeFile(config, JSON.stringify({ clusters: [cluster] }));
    const child = spawn(process.execPath, [ENTRY, 'diagnose', '--config', config], {
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        output += data;
      });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    await expect.poll(() => output).toContain('Diagnosing orders');
    child.kill('SIGINT');
    expect(await closed, output).toBe(130);
    expect(output).toMatch(/\nStopped\. Nothing was changed\.\n$/);
  });
});
