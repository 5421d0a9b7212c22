import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdBinaries, findEtcd } from '../../local/etcd/binaries.ts';
import { startCluster } from '../../local/etcd/cluster.ts';
import { runScript } from '../../local/hosts/access.ts';
import { isLinuxRoot, owner } from '../documents/data-dir-host.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import {
  contentBytes,
  fingerprint,
  hostWithCopy,
  logFiles,
  SCRATCH,
  salvageParameters,
} from '../documents/salvage-host.ts';
import { composeScript, refuse, runCommand, succeed } from '../documents/script.ts';
import { WAIT_MS } from '../run/patience.ts';

let binaries: EtcdBinaries;
let dataDir: string;
let close: () => Promise<void>;

beforeAll(async () => {
  binaries = await findEtcd('3.5.30');
  const cluster = await startCluster({ binaries, members: 1 });
  close = () => cluster.close();
  for (let key = 0; key < 10; key++) await cluster.etcdctl(['put', `key-${key}`, 'value']);
  await cluster.killMember('m1');
  dataDir = cluster.members[0]?.dataDir as string;
  // etcd allocates 64 MB for its log; a short file is copied faster, and means the same.
  for (const file of logFiles(`${dataDir}/member/wal`)) truncateSync(file, contentBytes(file) + 65_536);
});
afterAll(() => close?.());

const parametersFor = (host: PreparedHost, overrides: Record<string, string> = {}) =>
  salvageParameters(host, binaries, overrides);
const salvage = (host: PreparedHost, overrides: Record<string, string> = {}) =>
  succeed(host.access, 'snapshot-data-dir', parametersFor(host, overrides));
const refuses = (host: PreparedHost, overrides: Record<string, string> = {}) =>
  refuse(host.access, 'snapshot-data-dir', parametersFor(host, overrides));

function realProgram(name: string): string {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
}

/** Makes the host's cp change the database after it has copied it, `times` times. */
function keepChanging(host: PreparedHost, times: number): void {
  host.program(
    'cp',
    `case "$*" in
  *--help*) ;;
  */snap/db*) echo x >> '${host.path('changes')}'
    ${realProgram('cp')} "$@"
    if [ "$(wc -l < '${host.path('changes')}')" -le ${times} ]; then echo x >> '${host.path('data/member/snap/db')}'; fi
    exit ;;
esac
exec ${realProgram('cp')} "$@"`,
  );
  host.program('sleep', `echo "$1" >> '${host.path('slept')}'; exec ${realProgram('sleep')} 0.05`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('snapshot-data-dir finds nothing', () => {
  it.each(['missing', 'empty', 'wiped'])('where the data is %s, and makes nothing', async (what) => {
    using host = new PreparedHost();
    if (what !== 'missing') mkdirSync(host.path('data'));
    if (what === 'wiped') mkdirSync(host.path('data/member/snap'), { recursive: true });
    expect(await salvage(host)).toEqual({
      method: 'none',
      revision: '0',
      totalKeys: 0,
      hash: '',
      version: '',
      sizeBytes: 0,
      rawRevision: '0',
      clusterId: '',
      log: null,
      snapshot: null,
      problem: expect.stringMatching(/^The database \S+ does not exist\.$/),
    });
    expect(host.has(SCRATCH)).toBe(false);
  });
});

describe('snapshot-data-dir may be run again', () => {
  it('and says the same without doing it all again', async () => {
    using host = hostWithCopy(dataDir);
    const first = await salvage(host);
    mkdirSync(host.path('other-programs'));
    for (const program of ['etcdctl', 'etcdutl']) {
      cpSync(`${dirname(binaries.etcd)}/${program}`, host.path(`other-programs/${program}`));
    }
    expect(await salvage(host, { binDir: host.path('other-programs') })).toEqual(first);
    expect(first).toMatchObject({ method: 'replayed', revision: '11' });
  });

  it('and begins anew what was only half done', async () => {
    using host = hostWithCopy(dataDir);
    mkdirSync(host.path(`${SCRATCH}/replay/copy`), { recursive: true });
    host.write(`${SCRATCH}/replay/copy/half`, '');
    host.write(`${SCRATCH}/snapshot`, 'half');
    expect(await salvage(host)).toMatchObject({ method: 'replayed', revision: '11' });
    expect(readdirSync(host.path(SCRATCH)).sort()).toEqual(['salvaged', 'snapshot']);
  });

  it('and takes back the room of executions that were cut off, but of no restore and no other data dir', async () => {
    using host = hostWithCopy(dataDir);
    const stale = ['.etcd-remediation.data.run-0', '.etcd-remediation.data.run-0.backup'];
    const others = [
      '.etcd-remediation.data.run-2',
      '.etcd-remediation.data.2.run-0',
      '.etcd-remediation.data.2.run-0.backup',
      '.etcd-remediation.other.run-0',
    ];
    for (const folder of [...stale, ...others]) mkdirSync(host.path(folder));
    host.write('.etcd-remediation.data.run-2/phase', 'moving\n');
    await salvage(host, { keep: 'no' });
    for (const folder of [...stale, ...others]) expect(host.has(folder)).toBe(true);
    await salvage(host);
    for (const folder of stale) expect(host.has(folder)).toBe(false);
    for (const folder of others) expect(host.has(folder)).toBe(true);
  });

  it('after it was killed at any change, and leaves the data as it was', async () => {
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(30);
      using host = hostWithCopy(dataDir);
      const before = fingerprint(host.path('data'));
      host.killBeforeChange(change);
      const { exitCode } = await runCommand(host.access, 'snapshot-data-dir', parametersFor(host));
      host.killBeforeChange(undefined);
      expect(await salvage(host)).toMatchObject({ method: 'replayed', revision: '11' });
      expect(fingerprint(host.path('data'))).toEqual(before);
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});

describe('snapshot-data-dir ends its etcd', () => {
  /** An etcd that never gets ready, and writes down who it is. */
  function hostWithSlowEtcd(act = ':') {
    const host = hostWithCopy(dataDir);
    mkdirSync(host.path('slow'));
    for (const program of readdirSync(dirname(binaries.etcd))) {
      cpSync(`${dirname(binaries.etcd)}/${program}`, host.path(`slow/${program}`));
    }
    rmSync(host.path('slow/etcd'));
    host.program('etcd', `echo $$ > '${host.path('pid')}'; ${act}; exec ${realProgram('sleep')} 600`);
    renameSync(host.path('bin/etcd'), host.path('slow/etcd'));
    return host;
  }

  it('and cleans up when it is ended from outside', async () => {
    using host = hostWithSlowEtcd('kill -TERM "$PPID"');
    const { exitCode, message } = await refuses(host, { binDir: host.path('slow') });
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('ended from outside') });
    expect(isRunning(Number(host.read('pid')))).toBe(false);
    expect(host.has(SCRATCH)).toBe(false);
  });

  it('also when it is cut off, and is run again then', async () => {
    using host = hostWithSlowEtcd();
    const script = composeScript('snapshot-data-dir', parametersFor(host, { binDir: host.path('slow') }));
    const cutOff = new AbortController();
    const run = runScript(host.access, script, { timeoutMs: WAIT_MS, signal: cutOff.signal });
    await expect.poll(() => host.has('pid') && host.read('pid').endsWith('\n')).toBe(true);
    cutOff.abort();
    expect(await run).toMatchObject({ exitCode: null });
    await expect.poll(() => isRunning(Number(host.read('pid')))).toBe(false);
    expect(await salvage(host)).toMatchObject({ method: 'replayed' });
  });
});

describe('snapshot-data-dir refuses', () => {
  it('a data dir that somebody writes to, after several tries', async () => {
    using host = hostWithCopy(dataDir);
    keepChanging(host, 100);
    const { exitCode, message } = await refuses(host);
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message: expect.stringContaining('etcd still writes to it'),
    });
    const slept = host.read('slept').trim().split('\n').map(Number);
    expect(slept.slice(0, 7)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(host.has(SCRATCH)).toBe(false);
  });

  it('but not one that has become quiet meanwhile', async () => {
    using host = hostWithCopy(dataDir);
    keepChanging(host, 2);
    expect(await salvage(host)).toMatchObject({ revision: '11' });
  });

  it('where the disk has no room, with the numbers', async () => {
    using host = hostWithCopy(dataDir);
    host.program(
      'df',
      `printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/x 9 8 1000 99%% /x\\n'`,
    );
    const { exitCode, message } = await refuses(host);
    expect(exitCode).toBe(65);
    expect(message).toMatch(/1024000 bytes free, .* takes about \d{9}/);
    expect(host.has(SCRATCH)).toBe(false);
  });

  it.each(['restored', 'moving', 'placed'])('once a restore is %s there, and touches nothing', async (phase) => {
    using host = hostWithCopy(dataDir);
    mkdirSync(host.path(`${SCRATCH}/data/member`), { recursive: true });
    host.write(`${SCRATCH}/phase`, `${phase}\n`);
    const { exitCode, message } = await refuses(host);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(phase) });
    expect(host.has(`${SCRATCH}/data/member`)).toBe(true);
  });

  it('while the etcd of a run that was killed still works on its copy', async () => {
    using host = hostWithCopy(dataDir);
    const snap = `${SCRATCH}/replay/copy/member/snap`;
    mkdirSync(host.path(snap), { recursive: true });
    host.write(`${snap}/db`, '');
    const held = 'exec 9< "$0"; flock 9; echo > "$1"; exec cat';
    const holder = spawn('bash', ['-c', held, host.path(`${snap}/db`), host.path('held')], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const ended = once(holder, 'exit');
    try {
      await expect.poll(() => host.has('held')).toBe(true);
      const { exitCode, message } = await refuses(host);
      expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('still works') });
    } finally {
      holder.stdin.end();
      await ended;
    }
  });

  it('a host without the program that reads snapshots', async () => {
    using host = hostWithCopy(dataDir);
    const { exitCode, message } = await refuses(host, { binDir: host.path('bin') });
    expect({ exitCode, message }).toEqual({
      exitCode: 65,
      message: expect.stringContaining('neither etcdutl nor etcdctl'),
    });
    expect(host.has(SCRATCH)).toBe(false);
  });
});

describe('snapshot-data-dir of a service', () => {
  const damageLog = (host: PreparedHost) => {
    for (const file of logFiles(host.path('data/member/wal'))) rmSync(file);
  };

  it('takes the database of one that runs as applied, also where its log cannot be replayed', async () => {
    using host = hostWithCopy(dataDir);
    host.setProperties({ ActiveState: 'active', SubState: 'running', MainPID: '77' });
    damageLog(host);
    const { method, log, problem, snapshot } = await salvage(host);
    expect({ method, log }).toEqual({ method: 'live', log: null });
    expect(problem).toContain('no log');
    expect(snapshot).not.toBeNull();
  });

  it('does not take one for running that is started again and again', async () => {
    using host = hostWithCopy(dataDir);
    damageLog(host);
    const lines = ['LoadState=loaded', 'ActiveState=activating', 'SubState=start', 'MainPID='];
    host.program(
      'systemctl',
      `echo x >> '${host.path('asked')}'\nprintf '%s\\n' ${lines.join(' ')}"$(wc -l < '${host.path('asked')}')"`,
    );
    expect(await salvage(host)).toMatchObject({ method: 'raw' });
  });
});

describe.skipIf(!isLinuxRoot)('snapshot-data-dir as root', () => {
  it('runs etcd as its own account, also where the data belongs to somebody else, and lets nobody look on', async () => {
    using host = hostWithCopy(dataDir);
    mkdirSync(host.path('programs'));
    for (const program of readdirSync(dirname(binaries.etcd))) {
      cpSync(`${dirname(binaries.etcd)}/${program}`, host.path(`programs/${program}`));
    }
    execFileSync('chmod', ['-R', 'a+rX', host.path('programs')]);
    renameSync(host.path('programs/etcd'), host.path('programs/real-etcd'));
    const note = `{ id -un; ls -ld . copy/member/snap/db; } > '${host.path('seen/by')}'`;
    mkdirSync(host.path('seen'), { mode: 0o777 });
    execFileSync('chmod', ['777', host.path('seen')]);
    host.program('etcd', `${note}; exec '${host.path('programs/real-etcd')}' "$@"`);
    renameSync(host.path('bin/etcd'), host.path('programs/etcd'));

    const result = await salvage(host, { ...owner, binDir: host.path('programs') });
    expect(result).toMatchObject({ method: 'replayed', revision: '11', problem: '' });
    const [user, own, database] = host.read('seen/by').split('\n');
    expect(user).toBe(owner.user);
    expect(own).toMatch(new RegExp(`^drwx------ .* ${owner.user} `));
    expect(database).toMatch(new RegExp(` ${owner.user} `));
    expect(statSync(host.path(SCRATCH))).toMatchObject({ uid: 0, mode: 0o40710 });
    expect(existsSync(host.path(`${SCRATCH}/replay`))).toBe(false);
  });
});
