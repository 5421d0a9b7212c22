import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCRIPTED_RELEASES } from '../run/tested-releases.ts';
import { hostWithData, isLinuxRoot, owner, ownerAndMode } from './data-dir-host.ts';
import { ObjectServer, object, SIGNATURE } from './object-server.ts';
import { PreparedHost } from './prepared-host.ts';
import {
  contentsOf,
  keepSnapshot,
  restoreParameters,
  revisionOf,
  SCRATCH,
  type Snapshot,
  setFreeKilobytes,
  takeSnapshot,
  WAL_SCRATCH,
} from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

/** What is left when all has ended well on the host that has the snapshot. */
const RESTORED = ['data', 'phase', 'restored', 'snapshot'];

function topOf(host: PreparedHost, scratch = SCRATCH): string[] {
  return contentsOf(host.path(scratch)).filter((name) => !name.includes('/'));
}

describe.each(SCRIPTED_RELEASES)('restore-snapshot with etcd %s', (version) => {
  let snapshot: Snapshot;
  beforeAll(async () => {
    snapshot = await takeSnapshot(version);
  });

  it('restores beside the data dir, which stays as it is', async () => {
    using host = hostWithData();
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved));
    const result = await succeed(host.access, 'restore-snapshot', parameters);
    const db = `${SCRATCH}/data/member/snap/db`;
    expect(result).toEqual({ revision: snapshot.revision, sizeBytes: readFileSync(host.path(db)).length });
    expect(revisionOf(snapshot, host.path(db))).toBe(snapshot.revision);
    expect(topOf(host)).toEqual(RESTORED);
    expect(host.read(`${SCRATCH}/phase`)).toBe('restored\n');
    expect(contentsOf(host.path('data'))).toEqual(['member', 'member/snap', 'member/snap/db']);
    const uid = Number(execFileSync('id', ['-u', owner.user]));
    for (const name of ['data', 'data/member', 'data/member/wal']) {
      expect(ownerAndMode(host.path(`${SCRATCH}/${name}`))).toMatchObject({ uid, mode: 0o700 });
    }
    expect(ownerAndMode(host.path(db))).toMatchObject({ uid, mode: 0o600 });
    expect(ownerAndMode(host.path(SCRATCH))).toMatchObject({ mode: 0o700 });
  });

  it('checks the hash that a snapshot has in it', async () => {
    using host = new PreparedHost();
    const damaged = Buffer.from(snapshot.saved);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, damaged));
    const { exitCode, message } = await refuse(host.access, 'restore-snapshot', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('expected sha256') });
  });

  it('restores a raw database without a hash only where that is asked for, after a refusal as well', async () => {
    using host = new PreparedHost();
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.raw));
    const { exitCode, message } = await refuse(host.access, 'restore-snapshot', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('missing hash') });
    expect(topOf(host)).toEqual(['phase', 'snapshot']);
    expect(await succeed(host.access, 'restore-snapshot', { ...parameters, hashCheck: 'no' })).toMatchObject({
      revision: snapshot.revision,
    });
  });

  it('raises the revision where etcd can', async () => {
    using host = new PreparedHost();
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved), {
      bumpRevision: '1000000000',
    });
    if (version === '3.4.23') {
      const { exitCode, message } = await refuse(host.access, 'restore-snapshot', parameters);
      expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('unknown flag') });
      return;
    }
    const raised = String(BigInt(snapshot.revision) + 1_000_000_000n);
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toMatchObject({ revision: raised });
  });

  it.each([
    ['beside the data dir', 'wal', `${WAL_SCRATCH}/wal`],
    ['in a folder of its own', 'disk/=wal,@+1', 'disk/.etcd-remediation.=wal,@+1.run-1/wal'],
    ['inside the member folder', 'data/member/log', `${SCRATCH}/data/member/log`],
  ])('restores a wal dir %s to where it can be renamed from', async (_what, walDir, restored) => {
    using host = hostWithData();
    execFileSync('mkdir', ['-p', host.path('disk')]);
    const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved), {
      walDir: host.path(walDir),
    });
    await succeed(host.access, 'restore-snapshot', parameters);
    expect(contentsOf(host.path(restored))).toEqual(['0000000000000000-0000000000000000.wal']);
    expect(ownerAndMode(host.path(`${restored}/0000000000000000-0000000000000000.wal`)).uid).toBe(
      Number(execFileSync('id', ['-u', owner.user])),
    );
    expect(host.has(`${SCRATCH}/data/member/wal`)).toBe(false);
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toMatchObject({ revision: snapshot.revision });
  });
});

describe('restore-snapshot', () => {
  let snapshot: Snapshot;
  let compressed: Buffer;
  beforeAll(async () => {
    snapshot = await takeSnapshot('3.5.16');
    compressed = gzipSync(snapshot.saved);
  });

  it('fetches the snapshot where it is not there, and keeps nothing but what it has restored', async () => {
    using host = hostWithData();
    await using server = await ObjectServer.start(object(compressed));
    const parameters = restoreParameters(host, snapshot, compressed, { url: server.url() });
    const first = await succeed(host.access, 'restore-snapshot', parameters);
    expect(topOf(host)).toEqual(['data', 'phase', 'restored']);
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toEqual(first);
    expect(server.requests).toHaveLength(1);
  });

  it('replaces what it has salvaged itself by the winner, and fetches nothing where it is the winner', async () => {
    await using server = await ObjectServer.start(object(compressed));
    using loser = new PreparedHost();
    keepSnapshot(loser, Buffer.from('older'));
    await succeed(
      loser.access,
      'restore-snapshot',
      restoreParameters(loser, snapshot, compressed, { url: server.url() }),
    );
    expect(server.requests).toHaveLength(1);
    using winner = new PreparedHost();
    keepSnapshot(winner, snapshot.saved);
    const parameters = restoreParameters(winner, snapshot, compressed, { url: server.url() });
    await succeed(winner.access, 'restore-snapshot', parameters);
    expect(server.requests).toHaveLength(1);
    expect(topOf(winner)).toEqual(RESTORED);
  });

  it('takes a backup that was fetched before to where it is sent from', async () => {
    using host = new PreparedHost();
    keepSnapshot(host, Buffer.from('salvaged and older'));
    const backup = keepSnapshot(host, snapshot.saved, `${SCRATCH}.backup`);
    await succeed(host.access, 'restore-snapshot', restoreParameters(host, snapshot, backup));
    expect(readFileSync(host.path(`${SCRATCH}/snapshot`)).equals(backup)).toBe(true);
    expect(contentsOf(host.path(`${SCRATCH}.backup`))).toEqual([]);
  });

  it('does not restore what is not the snapshot that was planned with', async () => {
    using host = hostWithData();
    await using server = await ObjectServer.start(object(gzipSync('another')));
    const parameters = restoreParameters(host, snapshot, compressed, { url: server.url() });
    const { exitCode, line, stderr } = await runCommand(host.access, 'restore-snapshot', parameters);
    expect(exitCode).toBe(1);
    expect(line).toContain('SHA-256');
    expect(line + stderr).not.toContain(SIGNATURE);
    expect(topOf(host)).toEqual(['phase']);
    const { exitCode: missing, message } = await refuse(host.access, 'restore-snapshot', { ...parameters, url: '' });
    expect({ missing, message }).toEqual({ missing: 65, message: expect.stringContaining('not on this host') });
  });

  it('does not take a snapshot of another revision', async () => {
    using host = new PreparedHost();
    keepSnapshot(host, snapshot.saved);
    const parameters = restoreParameters(host, snapshot, compressed, { revision: '22' });
    const { exitCode, message } = await refuse(host.access, 'restore-snapshot', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('at revision 21') });
    expect(topOf(host)).toEqual(['phase', 'snapshot']);
  });

  it('begins anew with other parameters', async () => {
    using host = new PreparedHost();
    keepSnapshot(host, snapshot.saved);
    const parameters = restoreParameters(host, snapshot, compressed);
    await succeed(host.access, 'restore-snapshot', parameters);
    const before = host.read(`${SCRATCH}/restored`);
    await succeed(host.access, 'restore-snapshot', { ...parameters, initialClusterToken: 'another' });
    expect(host.read(`${SCRATCH}/restored`)).not.toBe(before);
    expect(topOf(host)).toEqual(RESTORED);
  });

  it.each(['moving', 'placed'])('refuses other parameters in phase %s', async (phase) => {
    using host = new PreparedHost();
    keepSnapshot(host, snapshot.saved);
    const parameters = restoreParameters(host, snapshot, compressed);
    const first = await succeed(host.access, 'restore-snapshot', parameters);
    host.write(`${SCRATCH}/phase`, `${phase}\n`);
    const other = { ...parameters, initialClusterToken: 'another' };
    expect(await refuse(host.access, 'restore-snapshot', other)).toMatchObject({ exitCode: 65 });
    expect(await succeed(host.access, 'restore-snapshot', parameters)).toEqual(first);
    expect(host.read(`${SCRATCH}/phase`)).toBe(`${phase}\n`);
  });

  it('needs room for the snapshot and what is made of it', async () => {
    using host = new PreparedHost();
    keepSnapshot(host, snapshot.saved);
    setFreeKilobytes(host, 60_000);
    const { exitCode, message } = await refuse(
      host.access,
      'restore-snapshot',
      restoreParameters(host, snapshot, compressed),
    );
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('61440000 bytes free') });
  });

  it.skipIf(!isLinuxRoot)('refuses an account that cannot give away what it makes (needs root)', async () => {
    using host = new PreparedHost();
    const access = { exec: ['setpriv', `--reuid=${owner.user}`, '--clear-groups', ...host.access.exec] };
    const parameters = restoreParameters(host, snapshot, compressed, { user: 'root', group: 'root' });
    const { exitCode, message } = await refuse(access, 'restore-snapshot', parameters);
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('Run it as root') });
  });

  it('says that a link is in the way of its folder', async () => {
    using host = new PreparedHost();
    execFileSync('ln', ['-s', '/tmp', host.path(SCRATCH)]);
    const { exitCode, message } = await refuse(
      host.access,
      'restore-snapshot',
      restoreParameters(host, snapshot, compressed),
    );
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('is no folder') });
  });

  it('ends as if nothing had happened, wherever it was killed before', async () => {
    await using server = await ObjectServer.start(object(compressed));
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(40);
      using host = hostWithData(true);
      const parameters = restoreParameters(host, snapshot, compressed, {
        walDir: host.path('wal'),
        url: server.url(),
      });
      // What reads SHA-256 wherever there is no openssl.
      host.program('openssl', 'exit 1');
      host.killBeforeChange(change, ['rm', 'curl', 'gzip', 'sha256sum']);
      const { exitCode } = await runCommand(host.access, 'restore-snapshot', parameters);
      host.killBeforeChange(undefined, ['rm', 'curl', 'gzip', 'sha256sum']);
      expect(await succeed(host.access, 'restore-snapshot', parameters)).toMatchObject({
        revision: snapshot.revision,
      });
      expect(topOf(host).filter((name) => name !== 'snapshot')).toEqual(['data', 'phase', 'restored']);
      expect(host.read('data/member/snap/db')).toBe('old');
      if (exitCode === 0) break;
      expect(exitCode).toBe(137);
    }
  });
});
