import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCRIPTED_RELEASES } from '../run/tested-releases.ts';
import { cutOff, ObjectServer, object, refused, SIGNATURE } from './object-server.ts';
import { PreparedHost } from './prepared-host.ts';
import {
  contentsOf,
  KEYS,
  keepSnapshot,
  SCRATCH,
  type Snapshot,
  setFreeKilobytes,
  sha256,
  takeSnapshot,
} from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

function parametersFor(host: PreparedHost, server: ObjectServer, { binDir }: Snapshot, keep = 'yes') {
  return {
    dataDir: host.path('data'),
    binDir,
    keep,
    compressor: 'gzip',
    execution: 'run-1',
    sha256: '',
    url: server.url('backups/orders.db'),
  };
}

function hostWithoutData(): PreparedHost {
  const host = new PreparedHost();
  // The pauses between tries are not what is tested.
  host.program('sleep', 'exit 0');
  return host;
}

const BACKUP = `${SCRATCH}.backup`;

describe.each(SCRIPTED_RELEASES)('fetch-backup with etcd %s', (version) => {
  let snapshot: Snapshot;
  beforeAll(async () => {
    snapshot = await takeSnapshot(version);
  });

  it.each([
    ['as etcdctl has saved it', (saved: Buffer) => saved, true],
    ['compressed', (saved: Buffer) => gzipSync(saved), true],
    ['from a member itself', (saved: Buffer) => saved.subarray(0, -32), false],
  ])('reads a backup %s', async (_what, backupOf, hasHash) => {
    using host = hostWithoutData();
    const backup = backupOf(snapshot.saved);
    await using server = await ObjectServer.start(object(backup));
    const found = await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    const compressed = readFileSync(host.path(`${BACKUP}/snapshot`));
    expect(found).toEqual({
      revision: snapshot.revision,
      totalKeys: expect.any(Number),
      hash: expect.stringMatching(/^\d+$/),
      // etcdutl tells it since 3.6.
      version: version === '3.7.3' ? '3.7.0' : '',
      sizeBytes: hasHash ? snapshot.saved.length : snapshot.raw.length,
      hasHash,
      snapshot: { sizeBytes: compressed.length, sha256: sha256(compressed) },
    });
    expect(found.totalKeys).toBeGreaterThanOrEqual(KEYS);
    expect(gunzipSync(compressed).equals(hasHash ? snapshot.saved : snapshot.raw)).toBe(true);
    expect(contentsOf(host.path(BACKUP))).toEqual(['snapshot']);
  });

  it.each([
    ['a page of HTML', Buffer.from('<!DOCTYPE html><html>Log in</html>'), '<!DOCTYPE html><html>Log'],
    ['an empty object', Buffer.alloc(0), '0 bytes'],
    ['random bytes', Buffer.alloc(200_000, 'none'), 'nonenone'],
    ['something else, compressed', gzipSync('no database'), '11 bytes when it is decompressed'],
    ['a torn archive', gzipSync(Buffer.alloc(100_000, 'some text')).subarray(0, 60), 'cannot be decompressed'],
  ])('refuses %s, says what it found, and leaves nothing', async (_what, backup, problem) => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(object(backup));
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(problem) });
    expect(host.has(BACKUP)).toBe(false);
  });

  it('refuses the first half of a snapshot', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(object(snapshot.saved.subarray(0, 9000)));
    expect(await refuse(host.access, 'fetch-backup', parametersFor(host, server, snapshot))).toMatchObject({
      exitCode: 65,
    });
  });
});

describe('fetch-backup', () => {
  let snapshot: Snapshot;
  beforeAll(async () => {
    snapshot = await takeSnapshot('3.5.16');
  });

  it('refuses what is not what was recorded, before it is unpacked, and leaves nothing', async () => {
    using host = hostWithoutData();
    const backup = gzipSync(snapshot.saved);
    await using server = await ObjectServer.start(object(backup));
    const recorded = { ...parametersFor(host, server, snapshot), sha256: sha256(backup) };
    expect(await succeed(host.access, 'fetch-backup', recorded)).toMatchObject({ revision: snapshot.revision });
    // It is a snapshot that etcd restores, and another one.
    await using other = await ObjectServer.start(object(gzipSync(snapshot.saved, { level: 1 })));
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', { ...recorded, url: other.url('a.db') });
    expect({ exitCode, message }).toEqual({
      exitCode: 66,
      message: expect.stringContaining(`and ${sha256(backup)} was recorded`),
    });
    expect(host.has(BACKUP)).toBe(false);
  });

  it('leaves nothing where nothing is to be kept', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(object(snapshot.saved));
    const before = contentsOf(host.path('.'));
    expect(await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot, 'no'))).toMatchObject({
      revision: snapshot.revision,
      snapshot: null,
    });
    expect(contentsOf(host.path('.'))).toEqual(before);
  });

  it('leaves alone what was salvaged on the same host', async () => {
    using host = hostWithoutData();
    const salvaged = keepSnapshot(host, Buffer.from('salvaged'));
    await using server = await ObjectServer.start(object(snapshot.saved));
    await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    expect(readFileSync(host.path(`${SCRATCH}/snapshot`)).equals(salvaged)).toBe(true);
  });

  it('says the same when it runs again', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(object(snapshot.saved));
    const first = await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    expect(await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot))).toEqual(first);
  });

  it('refuses once a restore has begun', async () => {
    using host = hostWithoutData();
    keepSnapshot(host, snapshot.saved);
    host.write(`${SCRATCH}/phase`, 'restored\n');
    await using server = await ObjectServer.start(object(snapshot.saved));
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('has begun') });
  });

  it('begins the fetch anew where the connection was cut off', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(cutOff, cutOff, object(snapshot.saved));
    expect(await succeed(host.access, 'fetch-backup', parametersFor(host, server, snapshot))).toMatchObject({
      revision: snapshot.revision,
    });
    expect(server.requests).toHaveLength(3);
  });

  it('tells what S3 answered, and nothing of the address’s signature', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(refused(404, 'NoSuchKey', 'The specified key does not exist.'));
    const { exitCode, line, stderr } = await runCommand(
      host.access,
      'fetch-backup',
      parametersFor(host, server, snapshot),
    );
    expect(exitCode).toBe(1);
    expect(line).toContain('404, NoSuchKey: The specified key does not exist.');
    expect(line).toContain('/staging/backups/orders.db');
    expect(line + stderr).not.toContain(SIGNATURE);
    expect(host.has(BACKUP)).toBe(false);
  });

  it.each([
    ['fetched', (saved: Buffer) => saved, 'free disk'],
    ['decompressed', (saved: Buffer) => gzipSync(saved), 'decompressed'],
  ])('refuses a backup that does not fit on the disk when it is %s', async (_what, backupOf, problem) => {
    using host = hostWithoutData();
    setFreeKilobytes(host, 15);
    await using server = await ObjectServer.start(object(backupOf(snapshot.saved)));
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', parametersFor(host, server, snapshot));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(problem) });
    expect(host.has(BACKUP)).toBe(false);
  });

  it('refuses where etcd’s programs are missing, in one message', async () => {
    using host = hostWithoutData();
    await using server = await ObjectServer.start(object(snapshot.saved));
    const parameters = { ...parametersFor(host, server, snapshot), binDir: host.path('bin') };
    const { exitCode, message } = await refuse(host.access, 'fetch-backup', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('etcdutl') });
    expect(server.requests).toEqual([]);
  });
});
