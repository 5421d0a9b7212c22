import { existsSync, readFileSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readScript } from '../../lib/command-documents.ts';
import { findOnPath } from '../../local/etcd/executables.ts';
import { isRunning } from '../../local/hosts/systemd/leftovers.ts';
import { hostFor, SCENES } from './broken-tools.ts';
import { isLinuxRoot } from './data-dir-host.ts';
import { inspect } from './inspected-host.ts';
import { ObjectServer, object } from './object-server.ts';
import { PreparedHost } from './prepared-host.ts';
import { keepSnapshot, restoreParameters, SCRATCH, type Snapshot, sha256, takeSnapshot } from './recovery-host.ts';
import { failureOf, refuse, runText, succeed } from './script.ts';

const zstd = await findOnPath('zstd');
const hasZstd = zstd !== undefined;
const openssl = await findOnPath('openssl');

describe('a snapshot on its way', () => {
  let snapshot: Snapshot;
  let compressed: Buffer;
  beforeAll(async () => {
    snapshot = await takeSnapshot('3.5.30');
    compressed = zstdCompressSync(snapshot.saved);
  });
  const parametersOf = (host: PreparedHost, server: ObjectServer) =>
    restoreParameters(host, snapshot, compressed, { url: server.url() });

  it.skipIf(!hasZstd)('is restored where zstd has compressed it (needs zstd)', async () => {
    using host = new PreparedHost();
    await using server = await ObjectServer.start(object(compressed));
    const parameters = parametersOf(host, server);
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toMatchObject({ revision: snapshot.revision });
  });

  it.skipIf(!hasZstd)(
    'that is torn, with a SHA-256 of its own, restores nothing and says so (needs zstd)',
    async () => {
      using host = new PreparedHost();
      const torn = compressed.subarray(0, compressed.length / 2);
      await using server = await ObjectServer.start(object(torn));
      const parameters = { ...parametersOf(host, server), sha256: sha256(torn) };
      const { message } = await refuse(host.access, 'restore-snapshot', parameters);
      expect(message).toContain('The snapshot could not be decompressed: zstd said: ');
      expect(existsSync(host.path(`${SCRATCH}/data`))).toBe(false);
    },
  );

  it('is not restored where zstd is needed and does not work', async () => {
    using host = new PreparedHost();
    host.program('zstd', 'exit 1');
    await using server = await ObjectServer.start(object(compressed));
    const { refusal, message } = await refuse(host.access, 'restore-snapshot', parametersOf(host, server));
    expect({ refusal, message }).toEqual({
      refusal: 'tool-broken',
      message: expect.stringMatching(/^zstd does not work/),
    });
  });

  it.skipIf(!hasZstd)('is compressed by zstd where that is asked for (needs zstd)', async () => {
    using host = new PreparedHost();
    await using server = await ObjectServer.start(object(snapshot.saved));
    const found = await succeed(host.access, 'fetch-backup', {
      ...{ dataDir: host.path('data'), binDir: snapshot.binDir, keep: 'yes', compressor: 'zstd', execution: 'run-1' },
      ...{ sha256: '', url: server.url() },
    });
    const kept = readFileSync(host.path(`${SCRATCH}.backup/snapshot`));
    expect(zstdDecompressSync(kept)).toEqual(snapshot.saved);
    expect(found).toMatchObject({ snapshot: { sizeBytes: kept.length, sha256: sha256(kept) } });
  });

  it('is not made with a zstd that does not work', async () => {
    using host = new PreparedHost();
    host.program('zstd', 'exit 1');
    await using server = await ObjectServer.start(object(snapshot.saved));
    const { refusal } = await refuse(host.access, 'fetch-backup', {
      ...{ dataDir: host.path('data'), binDir: snapshot.binDir, keep: 'yes', compressor: 'zstd', execution: 'run-1' },
      ...{ sha256: '', url: server.url() },
    });
    expect(refusal).toBe('tool-broken');
    expect(server.requests).toEqual([]);
  });

  it.each(['gzip', 'zstd'])('is not made where %s fails at last, and it is told why', async (compressor) => {
    using host = new PreparedHost();
    // What it is given to try is a pipe, and comes back as it was.
    host.program(compressor, 'if [ -p /dev/stdin ]; then exec cat; fi; echo "no memory" >&2; exit 1');
    await using server = await ObjectServer.start(object(snapshot.saved));
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', {
      ...{ dataDir: host.path('data'), binDir: snapshot.binDir, keep: 'yes', compressor, execution: 'run-1' },
      ...{ sha256: '', url: server.url() },
    });
    expect({ exitCode, message }).toEqual({
      exitCode: 1,
      message: expect.stringContaining(`${compressor}: no memory`),
    });
    expect(existsSync(host.path(`${SCRATCH}.backup`))).toBe(false);
  });

  it.each([
    ['fails', 'exit 1'],
    ['says something else', 'echo 0000'],
    ['says nothing', 'exit 0'],
  ])('has its SHA-256 read by sha256sum where openssl %s', async (_how, script) => {
    using host = new PreparedHost();
    host.program('openssl', script);
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved));
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toMatchObject({ revision: snapshot.revision });
  });

  it.skipIf(!openssl)('is not restored where openssl does no longer work, which is named (needs openssl)', async () => {
    using host = new PreparedHost();
    host.program('openssl', `if [ -s /dev/stdin ]; then exit 1; fi; exec '${openssl}' "$@"`);
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved));
    const { exitCode, message } = await refuse(host.access, 'restore-snapshot', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringMatching(/^openssl does not say/) });
  });

  it.skipIf(!hasZstd)('takes the memory of four threads, however many processors a host has (needs zstd)', async () => {
    using host = new PreparedHost();
    host.program('zstd', `echo " $* " >> '${host.path('calls')}'; exec '${zstd}' "$@"`);
    await using server = await ObjectServer.start(object(snapshot.saved));
    await succeed(host.access, 'fetch-backup', {
      ...{ dataDir: host.path('data'), binDir: snapshot.binDir, keep: 'yes', compressor: 'zstd', execution: 'run-1' },
      ...{ sha256: '', url: server.url() },
    });
    const calls = host.read('calls').trim().split('\n');
    const compressions = calls.filter((options) => !options.includes(' -dc '));
    expect(compressions.length).toBeGreaterThan(1);
    expect(compressions.filter((options) => !options.includes(' -T4 '))).toEqual([]);
  });
});

describe.skipIf(!isLinuxRoot || !openssl)('a backup that a host copies (needs root and openssl)', () => {
  it('is not made where openssl does no longer work, which is named', async () => {
    using host = await hostFor('copy-database');
    // It reads what passes through a pipe.
    host.program('openssl', `if [ -p /dev/stdin ]; then exit 1; fi; exec '${openssl}' "$@"`);
    const parameters = SCENES['copy-database'].parameters(host, '');
    const { exitCode, message } = await refuse(host.access, 'copy-database', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('openssl and gzip') });
  });
});

describe.skipIf(!isLinuxRoot)('a salvage that is ended from outside (needs root)', () => {
  it.each(['gzip', 'zstd'])('ends %s, which holds the copy open, and frees the disk', async (compressor) => {
    using host = await hostFor('snapshot-data-dir');
    const [script, pid] = [host.path('script.pid'), host.path('pid')];
    host.program(
      compressor,
      `if [ -p /dev/stdin ]; then exec cat; fi; echo $$ > '${pid}'; kill -TERM "$(cat '${script}')"; exec /bin/sleep 600`,
    );
    const text = `echo $$ > '${script}'\n${readScript('snapshot-data-dir')}`;
    const parameters = { ...SCENES['snapshot-data-dir'].parameters(host, ''), compressor };
    const { message } = failureOf('snapshot-data-dir', await runText(host.access, text, parameters));
    expect(message).toContain('ended from outside');
    expect(isRunning(Number(host.read('pid')))).toBe(false);
    expect(host.has(SCRATCH)).toBe(false);
  });
});

describe('an inspection', () => {
  it.skipIf(!hasZstd)('says where there is a zstd that works (needs zstd)', async () => {
    using host = new PreparedHost();
    expect((await inspect(host)).zstd).toBe(true);
  });

  it.each([
    ['fails', 'exit 1'],
    ['gives back something else', 'cat > /dev/null; echo 8'],
  ])('takes one that %s for none', async (_how, script) => {
    using host = new PreparedHost();
    host.program('zstd', script);
    expect((await inspect(host)).zstd).toBe(false);
  });

  it('says that a recovery is refused where nothing reads a SHA-256', async () => {
    using host = new PreparedHost();
    host.program('etcdutl', 'echo snapshot restore');
    for (const tool of ['openssl', 'sha256sum', 'shasum']) host.program(tool, 'echo 0000');
    const { refusals } = await inspect(host);
    expect(refusals.map(({ message }) => message)).toContainEqual(expect.stringContaining('They identify snapshots.'));
  });
});
