import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SCRIPTED_RELEASES } from '../run/tested-releases.ts';
import { until } from '../scenes/scene.ts';
import { hostFor, SCENES } from './broken-tools.ts';
import { hostWithData, isLinuxRoot } from './data-dir-host.ts';
import { type Answer, ObjectServer, object, refused, SIGNATURE } from './object-server.ts';
import type { PreparedHost } from './prepared-host.ts';
import { contentsOf, KEYS, SCRATCH, type Snapshot, setFreeKilobytes, sha256, takeSnapshot } from './recovery-host.ts';
import { composeScript, refuse, runCommand, succeed } from './script.ts';

const REHEARSAL = '.etcd-remediation.data._rehearsal';

/** Who may run etcd where this machine keeps it. */
const ACCOUNT = {
  user: userInfo().username,
  group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim(),
};

function parametersFor(host: PreparedHost, server: ObjectServer, snapshot: Snapshot, backup: Buffer) {
  return {
    ...{ dataDir: host.path('data'), binDir: snapshot.binDir, ...ACCOUNT },
    ...{ revision: snapshot.revision, sha256: sha256(backup), compressedBytes: String(backup.length) },
    ...{ sizeBytes: String(snapshot.saved.length), roomBytes: '1000000', memoryBytes: '300000000' },
    url: server.url('backups/orders.db.gz'),
  };
}

/** Its member's data is what a rehearsal must not touch. */
function memberHost(): PreparedHost {
  const host = hostWithData();
  // What the scripts wait for is not what is tested.
  host.program('sleep', 'exec /bin/sleep 0.02');
  return host;
}

describe.each(SCRIPTED_RELEASES)('rehearse-restore with etcd %s', (version) => {
  let snapshot: Snapshot;
  let backup: Buffer;
  beforeAll(async () => {
    snapshot = await takeSnapshot(version);
    backup = gzipSync(snapshot.saved);
  });

  it('says what a member holds that was started on the backup, and leaves nothing', async () => {
    using host = memberHost();
    await using server = await ObjectServer.start(object(backup));
    const before = contentsOf(host.path('.'));
    const found = await succeed(host.access, 'rehearse-restore', parametersFor(host, server, snapshot, backup));
    expect(found).toEqual({
      revision: snapshot.revision,
      keys: KEYS,
      hash: { hash: expect.any(Number), compactRevision: expect.stringMatching(/^-?\d+$/) },
      tookMs: { fetch: expect.any(Number), restore: expect.any(Number), start: expect.any(Number) },
    });
    expect(Object(found).tookMs.start).toBeGreaterThan(0);
    expect(contentsOf(host.path('.'))).toEqual(before);
    expect(host.read('data/member/snap/db')).toBe('old');
  });
});

describe('rehearse-restore', () => {
  let snapshot: Snapshot;
  let backup: Buffer;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    snapshot = await takeSnapshot('3.5.16');
    backup = gzipSync(snapshot.saved);
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** Begins a run that goes on meanwhile. */
  function begin(
    host: PreparedHost,
    parameters: Record<string, string>,
  ): { child: ChildProcess; ended: Promise<string> } {
    const script = host.write('script', composeScript('rehearse-restore', parameters));
    const PATH = `${host.path('bin')}${delimiter}${process.env.PATH}`;
    const child = spawn('bash', [script], { env: { PATH }, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    return { child, ended: text(child.stdout) };
  }

  /** Which processes work in the folder of a rehearsal, or below it. */
  function workersIn(host: PreparedHost): string[] {
    return readdirSync('/proc').filter((id) => {
      try {
        return /^\d+$/.test(id) && readlinkSync(`/proc/${id}/cwd`).startsWith(host.path(REHEARSAL));
      } catch {
        return false;
      }
    });
  }

  it.each([
    [
      'one byte of it is another',
      (whole: Buffer) => Buffer.from(whole.map((byte, at) => (at === 500 ? byte ^ 1 : byte))),
      'SHA-256',
    ],
    ['it is cut off', (whole: Buffer) => whole.subarray(0, -1), `${'bytes, and'}`],
  ])('refuses a backup where %s, with both figures, and leaves nothing', async (_what, damage, problem) => {
    using host = memberHost();
    await using server = await ObjectServer.start(object(damage(backup)));
    const before = contentsOf(host.path('.'));
    const end = await refuse(host.access, 'rehearse-restore', parametersFor(host, server, snapshot, backup));
    expect(end).toMatchObject({ exitCode: 65, refusal: 'backup-damaged', message: expect.stringContaining(problem) });
    expect(contentsOf(host.path('.'))).toEqual(before);
  });

  it.each([
    ['disk', { roomBytes: '16000' }, 'no-room', (host: PreparedHost) => setFreeKilobytes(host, 15)],
    ['memory', { memoryBytes: '9000000000000000' }, 'no-memory', () => undefined],
  ])(
    'is refused before anything is fetched or written where the host has too little %s',
    async (_, needs, refusal, prepare) => {
      using host = memberHost();
      prepare(host);
      await using server = await ObjectServer.start(object(backup));
      const before = contentsOf(host.path('.'));
      const parameters = { ...parametersFor(host, server, snapshot, backup), ...needs };
      expect(await refuse(host.access, 'rehearse-restore', parameters)).toMatchObject({ exitCode: 65, refusal });
      expect(server.requests).toEqual([]);
      expect(contentsOf(host.path('.'))).toEqual(before);
    },
  );

  it('gives way to a recovery, and is refused where there is no etcd to start', async () => {
    using host = memberHost();
    mkdirSync(host.path(SCRATCH));
    host.write(`${SCRATCH}/phase`, 'placed\n');
    await using server = await ObjectServer.start(object(backup));
    const parameters = parametersFor(host, server, snapshot, backup);
    expect(await succeed(host.access, 'rehearse-restore', parameters)).toEqual({
      gaveWay: expect.stringContaining(`A recovery or a backup works in ${host.path(SCRATCH)}`),
    });
    rmSync(host.path(SCRATCH), { recursive: true });
    host.program('etcdutl', 'echo snapshot restore');
    const without = { ...parameters, binDir: host.path('bin') };
    expect(await refuse(host.access, 'rehearse-restore', without)).toMatchObject({ refusal: 'etcd-missing' });
    expect(server.requests).toEqual([]);
  });

  it.each<[string, (host: PreparedHost) => void, RegExp]>([
    [
      'etcd does not start from it',
      (host) =>
        host.program('etcd', `echo '{"level":"fatal","msg":"bad storage","error":"version \\"3.7.0\\""}' >&2; exit 1`),
      /does not start from what was restored.*bad storage: version "3\.7\.0"/,
    ],
    [
      'etcd’s own program cannot restore it',
      (host) =>
        host.program('etcdutl', 'case $2 in --help) echo restore ;; *) echo Error: hash mismatch >&2; exit 1 ;; esac'),
      /could not restore the backup: hash mismatch/,
    ],
  ])('fails with its last words, and leaves nothing, where %s', async (_what, breakIt, message) => {
    using host = memberHost();
    for (const name of ['etcd', 'etcdutl']) host.program(name, `exec '${join(snapshot.binDir, name)}' "$@"`);
    breakIt(host);
    await using server = await ObjectServer.start(object(backup));
    const before = contentsOf(host.path('.'));
    const parameters = { ...parametersFor(host, server, snapshot, backup), binDir: host.path('bin') };
    const end = await refuse(host.access, 'rehearse-restore', parameters);
    expect(end).toMatchObject({ exitCode: 1, message: expect.stringMatching(message) });
    expect(contentsOf(host.path('.'))).toEqual(before);
  });

  it('fetches nothing that is larger than what was recorded, for the host’s own member has the same disk', async () => {
    using host = memberHost();
    const whole = Buffer.concat([backup, Buffer.alloc(5_000_000)]);
    await using server = await ObjectServer.start(object(whole));
    const parameters = parametersFor(host, server, snapshot, backup);
    const end = await refuse(host.access, 'rehearse-restore', parameters);
    expect(end).toMatchObject({
      exitCode: 65,
      refusal: 'backup-damaged',
      message: expect.stringContaining('is larger than'),
    });
    expect(host.has(REHEARSAL)).toBe(false);
  });

  it('says that memory was short where the kernel kills etcd, and not that the backup is bad', async () => {
    using host = memberHost();
    for (const name of ['etcd', 'etcdutl']) host.program(name, `exec '${join(snapshot.binDir, name)}' "$@"`);
    await using server = await ObjectServer.start(object(backup));
    const parameters = { ...parametersFor(host, server, snapshot, backup), binDir: host.path('bin') };
    host.program('etcd', 'kill -KILL $$');
    const noMemory = {
      exitCode: 65,
      refusal: 'no-memory',
      message: expect.stringContaining('says nothing of the backup'),
    };
    expect(await refuse(host.access, 'rehearse-restore', parameters)).toMatchObject(noMemory);
    host.program('etcdutl', 'case $2 in --help) echo restore ;; *) kill -KILL $$ ;; esac');
    expect(await refuse(host.access, 'rehearse-restore', parameters)).toMatchObject(noMemory);
    expect(host.has(REHEARSAL)).toBe(false);
  });

  it('tells what S3 answered, and nothing of the address’s signature', async () => {
    using host = memberHost();
    await using server = await ObjectServer.start(refused(404, 'NoSuchKey', 'The specified key does not exist.'));
    const { line, stderr } = await runCommand(
      host.access,
      'rehearse-restore',
      parametersFor(host, server, snapshot, backup),
    );
    expect(line).toContain('404, NoSuchKey');
    expect(line + stderr).not.toContain(SIGNATURE);
    expect(host.has(REHEARSAL)).toBe(false);
  });

  it.each([503, 429])(
    'is put off where S3 is out of order or too busy, which says nothing of the backup: %s',
    async (status) => {
      using host = memberHost();
      await using server = await ObjectServer.start(refused(status, 'SlowDown'));
      const before = contentsOf(host.path('.'));
      expect(await succeed(host.access, 'rehearse-restore', parametersFor(host, server, snapshot, backup))).toEqual({
        gaveWay: expect.stringMatching(new RegExp(`HTTP status ${status}.*says nothing of the backup`)),
      });
      expect(server.requests).toHaveLength(5);
      expect(contentsOf(host.path('.'))).toEqual(before);
    },
  );

  it.skipIf(!isLinuxRoot)('says so where a host lets nobody make a network of its own (needs root)', async () => {
    using host = memberHost();
    host.program('unshare', 'echo "unshare: unshare failed: Operation not permitted" >&2; exit 1');
    await using server = await ObjectServer.start(object(backup));
    const end = await refuse(host.access, 'rehearse-restore', parametersFor(host, server, snapshot, backup));
    expect(end).toEqual({
      exitCode: 65,
      refusal: 'unshare-refused',
      message: expect.stringMatching(/unshare failed: Operation not permitted.*says nothing of the backup/),
    });
    expect(server.requests).toEqual([]);
    expect(host.has(REHEARSAL)).toBe(false);
  });

  describe.skipIf(!isLinuxRoot)('that does not come to its end (needs root)', () => {
    const silent: Answer = () => undefined;

    it('leaves nothing where it is told to end', async () => {
      using host = memberHost();
      await using server = await ObjectServer.start(silent);
      const { child, ended } = begin(host, parametersFor(host, server, snapshot, backup));
      await until(async () => server.requests.length > 0);
      for (const worker of workersIn(host)) process.kill(Number(worker), 'SIGTERM');
      child.kill('SIGTERM');
      expect(JSON.parse(await ended)).toEqual({ gaveWay: expect.stringContaining('ended from outside') });
      expect(host.has(REHEARSAL)).toBe(false);
      expect(workersIn(host)).toEqual([]);
    });

    it('leaves what the next look at the host ends and removes, where its script was killed', async () => {
      using host = await hostFor('inspect-host');
      SCENES['rehearse-restore'].prepare?.(host);
      await using server = await ObjectServer.start(silent);
      const parameters = SCENES['rehearse-restore'].parameters(host, server.url());
      const { child, ended } = begin(host, parameters);
      await until(async () => server.requests.length > 0);
      child.kill('SIGKILL');
      await ended;
      // As a member that was started by then would.
      mkdirSync(host.path(`${REHEARSAL}/member`));
      const member = spawn('sleep', ['600'], { cwd: host.path(`${REHEARSAL}/member`), stdio: 'ignore' });
      children.push(member);
      // Nothing that the script has started holds its lock any more.
      for (const worker of workersIn(host)) if (Number(worker) !== member.pid) process.kill(Number(worker), 'SIGKILL');
      await until(async () => workersIn(host).length === 1);
      const look = await succeed(host.access, 'inspect-host', SCENES['inspect-host'].parameters(host, ''));
      expect(look.removed).toEqual([host.path(REHEARSAL)]);
      expect(existsSync(host.path(REHEARSAL))).toBe(false);
      await until(async () => member.signalCode !== null);
    });

    it('begins anew where another one was killed, and gives way where another one is at work', async () => {
      using host = memberHost();
      mkdirSync(host.path(REHEARSAL));
      writeFileSync(host.path(`${REHEARSAL}/fetched`), 'half of it');
      await using server = await ObjectServer.start(object(backup));
      const parameters = parametersFor(host, server, snapshot, backup);
      await succeed(host.access, 'rehearse-restore', parameters);
      expect(host.has(REHEARSAL)).toBe(false);

      server.answers = [silent];
      const first = begin(host, parameters);
      await until(async () => server.requests.length > 1);
      expect(await succeed(host.access, 'rehearse-restore', parameters)).toEqual({
        gaveWay: expect.stringMatching(/^Another rehearsal works in /),
      });
      first.child.kill('SIGTERM');
      for (const worker of workersIn(host)) process.kill(Number(worker), 'SIGTERM');
      await first.ended;
    });

    it.each([true, false])('gives way to a recovery that salvages the host, with data on it: %s', async (hasData) => {
      using host = await hostFor('snapshot-data-dir');
      SCENES['rehearse-restore'].prepare?.(host);
      await using server = await ObjectServer.start(silent);
      const { ended } = begin(host, SCENES['rehearse-restore'].parameters(host, server.url()));
      await until(async () => server.requests.length > 0);
      host.program('etcd', 'exit 1');
      const salvage = SCENES['snapshot-data-dir'].parameters(host, '');
      if (!hasData) rmSync(join(salvage.dataDir ?? '', 'member/snap/db'));
      const salvaged = await succeed(host.access, 'snapshot-data-dir', salvage);
      expect(salvaged.removed).toEqual([host.path(REHEARSAL)]);
      expect(salvaged.method === 'none').toBe(!hasData);
      expect(JSON.parse(await ended)).toEqual({ gaveWay: expect.stringContaining('by a recovery') });
      expect(host.has(REHEARSAL)).toBe(false);
    });
  });
});
