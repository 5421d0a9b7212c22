import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { findOnPath } from '../../local/etcd/executables.ts';
import { until } from '../scenes/scene.ts';
import { copyParameters, expectedCopy, inodeOf, keepDatabase, ONLY_ASKED, TXID } from './copied-database.ts';
import { PreparedHost } from './prepared-host.ts';
import { SCRATCH, setFreeKilobytes, sha256 } from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

function hostWithDatabase(of: Parameters<typeof keepDatabase>[1] = {}): PreparedHost {
  const host = new PreparedHost();
  keepDatabase(host, of);
  return host;
}

/** A tool that waits until the test lets it go on. */
async function holdUp(host: PreparedHost, tool: string): Promise<{ reached: () => boolean; letGo: () => void }> {
  const [reached, go] = [host.path('reached'), host.path('go')];
  const real = await findOnPath(tool);
  // Its small task at first it does at once.
  host.program(
    tool,
    `if [ -e '${host.path(SCRATCH)}/passing' ]; then : > '${reached}'; while [ ! -e '${go}' ]; do sleep 0.05; done; fi; exec ${real} "$@"`,
  );
  return { reached: () => existsSync(reached), letGo: () => writeFileSync(go, '') };
}

/** Another data dir's neighbour is none of this one's. */
function otherFolder(host: PreparedHost, { isBackup, minutes }: { isBackup: boolean; minutes: number }): string {
  const folder = host.path('.etcd-remediation.data.run-0');
  mkdirSync(folder);
  writeFileSync(`${folder}/snapshot`, 'half of it');
  if (isBackup) writeFileSync(`${folder}/backup`, '');
  const at = Date.now() / 1000 - 60 * minutes;
  for (const path of [`${folder}/snapshot`, `${folder}/backup`, folder]) if (existsSync(path)) utimesSync(path, at, at);
  return folder;
}

describe('copy-database', () => {
  it('copies the database as of the snapshot, with a SHA-256 behind it', async () => {
    using host = hostWithDatabase();
    const before = readFileSync(host.path('data/member/snap/db'));
    const end = await succeed(host.access, 'copy-database', copyParameters(host));
    const compressed = readFileSync(host.path(`${SCRATCH}/snapshot`));
    const { bytes, databaseSha256 } = expectedCopy();
    expect(gunzipSync(compressed).equals(bytes)).toBe(true);
    expect(end).toEqual({
      inode: inodeOf(host),
      copy: {
        sizeBytes: bytes.length,
        databaseSha256,
        snapshot: { sizeBytes: compressed.length, sha256: sha256(compressed) },
      },
    });
    expect(readFileSync(host.path('data/member/snap/db')).equals(before)).toBe(true);
  });

  it('does the same when it is run again, and leaves nothing but the copy and the word that it is a backup', async () => {
    using host = hostWithDatabase();
    const first = await succeed(host.access, 'copy-database', copyParameters(host));
    expect(await succeed(host.access, 'copy-database', copyParameters(host))).toEqual(first);
    expect(filesIn(host)).toEqual(['backup', 'snapshot']);
  });

  it('says which file the database is, and copies nothing, where only that is asked', async () => {
    using host = hostWithDatabase();
    const found = await succeed(host.access, 'copy-database', copyParameters(host, ONLY_ASKED));
    expect(found).toEqual({ inode: inodeOf(host), copy: null });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('copies nothing of a file that has taken the place of the one before the snapshot', async () => {
    using host = hostWithDatabase();
    const parameters = copyParameters(host);
    const db = host.path('data/member/snap/db');
    writeFileSync(`${db}.tmp`, readFileSync(db));
    renameSync(`${db}.tmp`, db);
    expect(await succeed(host.access, 'copy-database', parameters)).toEqual({ inode: inodeOf(host), copy: null });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('copies what a link leads to, and nothing once that is another file', async () => {
    using host = hostWithDatabase();
    const [db, elsewhere] = [host.path('data/member/snap/db'), host.path('elsewhere')];
    renameSync(db, elsewhere);
    symlinkSync(elsewhere, db);
    const parameters = copyParameters(host);
    expect(await succeed(host.access, 'copy-database', copyParameters(host, ONLY_ASKED))).toMatchObject({
      inode: parameters.inode,
    });
    expect(await succeed(host.access, 'copy-database', parameters)).toMatchObject({
      copy: { databaseSha256: expectedCopy().databaseSha256 },
    });
    writeFileSync(`${elsewhere}.tmp`, readFileSync(elsewhere));
    renameSync(`${elsewhere}.tmp`, elsewhere);
    expect(await succeed(host.access, 'copy-database', parameters)).toMatchObject({ copy: null });
  });

  it('gives up where the file is replaced meanwhile', async () => {
    using host = hostWithDatabase();
    const gzip = await holdUp(host, 'gzip');
    const running = succeed(host.access, 'copy-database', copyParameters(host));
    await until(async () => gzip.reached());
    const db = host.path('data/member/snap/db');
    writeFileSync(`${db}.tmp`, 'defragmented');
    renameSync(`${db}.tmp`, db);
    gzip.letGo();
    expect(await running).toEqual({ inode: inodeOf(host), copy: null });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it.each([
    ['is of writes before the snapshot', { txid: TXID - 1 }],
    ['is shorter than the snapshot', { morePages: -1 }],
  ])('copies nothing of a file that %s', async (_, of) => {
    using host = hostWithDatabase(of);
    expect(await succeed(host.access, 'copy-database', copyParameters(host))).toMatchObject({ copy: null });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it.each([
    ['another member', { memberId: '1' }],
    ['another cluster', { clusterId: 'c2' }],
  ])('refuses the data of %s', async (_, ids) => {
    using host = hostWithDatabase();
    const refused = { exitCode: 65, refusal: 'other-data' };
    expect(await refuse(host.access, 'copy-database', copyParameters(host, ids))).toMatchObject(refused);
    expect(await refuse(host.access, 'copy-database', copyParameters(host, { ...ids, ...ONLY_ASKED }))).toMatchObject(
      refused,
    );
  });

  it('refuses where there is no database', async () => {
    using host = hostWithDatabase();
    const parameters = copyParameters(host, ONLY_ASKED);
    rmSync(host.path('data/member/snap/db'));
    expect(await refuse(host.access, 'copy-database', parameters)).toMatchObject({ refusal: 'database-missing' });
  });

  it('refuses where the host could not send the copy: it does not reach the bucket, or has no curl', async () => {
    using host = hostWithDatabase();
    const url = 'http://127.0.0.1:1/bucket/key?X-Amz-Signature=secret';
    const refused = await refuse(host.access, 'copy-database', copyParameters(host, { ...ONLY_ASKED, url }));
    expect(refused).toMatchObject({
      ...{ exitCode: 65, refusal: 'staging-unreachable' },
      message: expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:1, to which this host would send the copy, .* --staging-address /,
      ),
    });
    expect(refused.message).not.toContain('secret');
    host.program('curl', 'exit 1');
    expect(await refuse(host.access, 'copy-database', copyParameters(host, ONLY_ASKED))).toMatchObject({
      ...{ exitCode: 65, refusal: 'tool-broken' },
      message: expect.stringContaining('curl'),
    });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('wants room for the whole database and for etcd, before anything is written', async () => {
    using host = hostWithDatabase();
    setFreeKilobytes(host, 1024 * 1024);
    for (const only of [ONLY_ASKED, {}]) {
      expect(await refuse(host.access, 'copy-database', copyParameters(host, only))).toMatchObject({
        ...{ exitCode: 65, refusal: 'no-room' },
        message: expect.stringContaining('with room left for etcd'),
      });
    }
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('gives up, and removes what it has written, where the disk fills meanwhile', async () => {
    using host = hostWithDatabase();
    const gzip = await holdUp(host, 'gzip');
    const running = refuse(host.access, 'copy-database', copyParameters(host));
    await until(async () => gzip.reached());
    setFreeKilobytes(host, 512 * 1024 - 1);
    const told = host.read('bin/df');
    host.write('bin/df', `${told}: > '${host.path('asked')}'\n`);
    await until(async () => host.has('asked'));
    gzip.letGo();
    expect(await running).toMatchObject({
      exitCode: 65,
      refusal: 'no-room',
      message: expect.stringContaining('given up'),
    });
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('gives way to another backup, also between two commands of that one', async () => {
    using host = hostWithDatabase();
    const folder = otherFolder(host, { isBackup: true, minutes: 70 });
    for (const only of [ONLY_ASKED, {}]) {
      expect(await succeed(host.access, 'copy-database', copyParameters(host, only))).toEqual({
        gaveWay: expect.stringContaining(`Another backup works in ${folder}`),
      });
    }
    expect(existsSync(folder)).toBe(true);
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });

  it('removes what a backup has left that was cut off, and says so', async () => {
    using host = hostWithDatabase();
    const folder = otherFolder(host, { isBackup: true, minutes: 80 });
    expect(await succeed(host.access, 'copy-database', copyParameters(host, ONLY_ASKED))).toMatchObject({
      removed: [folder],
    });
    expect(existsSync(folder)).toBe(false);
  });

  it('touches nothing that a recovery has left, and refuses beside one that is at work', async () => {
    using host = hostWithDatabase();
    const folder = otherFolder(host, { isBackup: false, minutes: 80 });
    await succeed(host.access, 'copy-database', copyParameters(host, ONLY_ASKED));
    expect(existsSync(folder)).toBe(true);
    writeFileSync(`${folder}/phase`, 'restored\n');
    expect(await refuse(host.access, 'copy-database', copyParameters(host))).toMatchObject({
      refusal: 'recovery-at-work',
    });
  });

  it('says what could not be copied where a tool fails half way, and leaves nothing', async () => {
    using host = hostWithDatabase();
    host.program(
      'gzip',
      `case "$*" in -dc) exec ${await findOnPath('gzip')} -dc ;; esac; head -c 5000 > /dev/null; echo 'no space left' >&2; exit 1`,
    );
    const { exitCode, line } = await runCommand(host.access, 'copy-database', copyParameters(host));
    expect(exitCode).not.toBe(0);
    expect(line).toMatch(/gzip/);
    expect(existsSync(host.path(SCRATCH))).toBe(false);
  });
});

function filesIn(host: PreparedHost): string[] {
  return readdirSync(host.path(SCRATCH)).toSorted();
}
