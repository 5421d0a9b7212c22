import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHostsFile, runScript } from '../../../local/hosts/access.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { until } from '../../scenes/scene.ts';

const LIMITS = { timeoutMs: WAIT_MS };
const WHICH = 'test -n "$BASH_VERSION" && echo bash || echo another';
/** What this machine's sh is. */
const shellHere = execFileSync('/bin/sh', ['-c', WHICH], { encoding: 'utf8' }).trim();

/** That nobody writes to it any more. */
async function expectStill(file: string): Promise<void> {
  let length = -1;
  await until(async () => {
    const before = length;
    length = readFileSync(file, 'utf8').length;
    return length === before;
  }, 500);
}

describe('hosts.json', () => {
  it('names a command for each host', () => {
    const hosts = { 'i-1': { exec: ['ssh', '-o', 'BatchMode=yes', '10.0.1.11'] } };
    expect(parseHostsFile(hosts, 'hosts.json')).toEqual(hosts);
  });

  it.each([
    [
      'a list',
      [],
      '(the whole): must be an object with a command for each host, and is a list; for example:\n' +
        '    { "i-0a1b2c3d4e5f60001": {"exec": ["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"]},\n' +
        '      "i-0a1b2c3d4e5f60002": {"exec": ["ssh", "-o", "BatchMode=yes", "10.0.2.12", "sudo", "bash"]} }',
    ],
    ['a host without a command', { 'i-1': {} }, 'i-1.exec: is missing'],
    [
      'a host that is a command',
      { 'i-1': ['ssh', '10.0.1.11'] },
      'i-1: must be a command in an object, such as {"exec": ["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"]}, and is a list',
    ],
    [
      'a command that is one text',
      { 'i-1': { exec: 'ssh 10.0.1.11' } },
      'i-1.exec: must be a list of words, such as ["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"], and is text',
    ],
    ['an empty command', { 'i-1': { exec: [] } }, 'i-1.exec: must be a command, such as ["ssh"'],
    ['an empty word', { 'i-1': { exec: ['ssh', ''] } }, 'i-1.exec[1]: '],
    ['another field', { 'i-1': { exec: ['sh'], user: 'root' } }, 'i-1.user: is not a known field'],
  ])('is refused where it is %s', (_, value, problem) => {
    expect(() => parseHostsFile(value, 'hosts.json')).toThrow(
      expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining(problem) }),
    );
  });
});

describe.each(['sh', 'bash'])('a script on a host that is reached through %s', (shell) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'access-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('tells what it printed, and its exit code', async () => {
    const run = await runScript({ exec: [shell] }, 'echo out; echo problem >&2; exit 65', LIMITS);
    expect(run).toEqual({ started: true, exitCode: 65, stdout: 'out\n', stderr: 'problem\n' });
  });

  it('runs in bash, whatever the shell is', async () => {
    const { stdout } = await runScript({ exec: [shell] }, 'echo {a..c}', LIMITS);
    expect(stdout).toBe('a b c\n');
  });

  it('finds nothing on its standard input', async () => {
    expect(await runScript({ exec: [shell] }, 'cat; echo end', LIMITS)).toMatchObject({ stdout: 'end\n' });
  });

  it('may be longer than what a pipe holds', async () => {
    const long = `# ${'x'.repeat(300_000)}\necho end`;
    expect(await runScript({ exec: [shell] }, long, LIMITS)).toMatchObject({ exitCode: 0, stdout: 'end\n' });
  });

  it('may hold any text: quotes, variables and the end of a here-document', async () => {
    const text = `it's "$HOME" \`id\` $(id) \\ EOF`;
    const script = `cat <<'EOF'\n${text}\nEOF`;
    expect(await runScript({ exec: [shell] }, script, LIMITS)).toMatchObject({ stdout: `${text}\n` });
  });

  it('does not count what the way there has said', async () => {
    const greeting = ['sh', '-c', `echo 'Welcome!'; exec ${shell}`];
    expect(await runScript({ exec: greeting }, 'echo out', LIMITS)).toMatchObject({ started: true, stdout: 'out\n' });
  });

  it('is killed, and nothing of it runs on, when its time is over: no trap is called', async () => {
    const file = join(folder, 'beats');
    const script = `trap 'echo caught' EXIT TERM; echo begun; (while :; do echo beat >> '${file}'; sleep 0.05; done) & wait`;
    const run = await runScript({ exec: [shell] }, script, { timeoutMs: 1_000 });
    expect(run).toEqual({ started: true, exitCode: 137, stdout: 'begun\n', stderr: '' });
    await expectStill(file);
  });

  it('runs in the program that its first line names, with what follows as one argument', async () => {
    const runs = ['#!/bin/sh', '#! /usr/bin/env bash', '#!/bin/bash -u'].map(async (first) => {
      const script = `${first}\n${WHICH}; echo "$-"`;
      return (await runScript({ exec: [shell] }, script, LIMITS)).stdout.split('\n');
    });
    const [sh = [], env = [], options = []] = await Promise.all(runs);
    expect(sh[0]).toBe(shellHere);
    expect(env[0]).toBe('bash');
    expect([options[0], options[1]?.includes('u')]).toEqual(['bash', true]);
  });

  it.each(['#!/bin/bash\r', '#!/nowhere/bash', '#!/usr/bin/env bash -u'])(
    'does not run where no program is called so: %j',
    async (first) => {
      const run = await runScript({ exec: [shell] }, `${first}\necho never`, LIMITS);
      expect(run).toMatchObject({ started: true, exitCode: 127, stdout: '' });
    },
  );

  it("has the agent's folder and variables, and no HOME", async () => {
    const script = `#!/bin/sh\npwd; env | grep -c '^HOME='; echo "$LANG $SSM_COMMAND_ID"`;
    const run = await runScript({ exec: [shell] }, script, { ...LIMITS, commandId: 'a1-b2' });
    expect(run.stdout).toBe('/usr/bin\n0\nC.UTF-8 a1-b2\n');
  });

  it('is ended, with all that it has started, when it is cut off', async () => {
    const cut = new AbortController();
    const file = join(folder, 'beats');
    const script = `(while :; do echo beat >> '${file}'; sleep 0.05; done) & wait`;
    const running = runScript({ exec: [shell] }, script, { ...LIMITS, signal: cut.signal });
    await until(async () => existsSync(file));
    cut.abort();
    expect(await running).toMatchObject({ exitCode: null });
    await expectStill(file);
  });

  it('runs on many hosts at once, and Node warns of nothing', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const runs = await Promise.all(
      Array.from({ length: 12 }, () => runScript({ exec: ['bash'] }, 'echo here', LIMITS)),
    );
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(runs.map(({ stdout }) => stdout)).toEqual(runs.map(() => 'here\n'));
    expect(warnings).toEqual([]);
  });

  it('leaves no file behind', async () => {
    await runScript({ exec: ['env', `TMPDIR=${folder}`, shell] }, `ls '${folder}'`, LIMITS);
    expect(await runScript({ exec: [shell] }, `ls -A '${folder}'`, LIMITS)).toMatchObject({ stdout: '' });
  });
});

describe('a host that is not reached', () => {
  it.each([
    ['the command fails', ['false'], ''],
    [
      'the command is not there',
      ['/nonexistent/ssh'],
      'names the program "/nonexistent/ssh", which is not installed here',
    ],
    ['the command is no program', ['/etc/passwd'], 'names the program "/etc/passwd", which may not be run here'],
    ['the command hands back what it is given', ['cat'], 'hands back what it is given'],
    ['the command says why', ['sh', '-c', 'echo "ssh: connect to host: Connection refused" >&2; exit 255'], 'refused'],
  ])('is told from one whose script failed: %s', async (_, exec, said) => {
    const run = await runScript({ exec }, 'echo out', LIMITS);
    expect(run).toMatchObject({ started: false, stdout: '', stderr: expect.stringContaining(said) });
  });
});
