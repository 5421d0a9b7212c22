import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import type { BackupRecord } from '../../core/backups/record.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { etcdEnvironment } from '../../local/etcd/executables.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { hostedStage, untilLed } from '../scenes/hosted-scene.ts';
import { putThrough } from '../scenes/lost-quorum.ts';

/** What etcd's own program says of a snapshot. */
interface SnapshotStatus {
  revision: number;
  totalKey: number;
}

describe('a backup', () => {
  let stage: HostedStage;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backups-'));
  });
  afterEach(async () => {
    await stage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function backUp(): Promise<BackupReport> {
    const end = await stage.platform.backUp(CLUSTER_NAME);
    if (end.status !== 'SUCCEEDED') throw new Error(`${end.error}: ${end.cause}`);
    return end.output as unknown as BackupReport;
  }

  /** The file that lies in the bucket, unpacked, as etcd's own program sees it. */
  async function statusOf({ name }: BackupReport['backup']): Promise<{ snapshot: Buffer; status: SnapshotStatus }> {
    const snapshot = gunzipSync(await readFile(join(folder, `${name}.db.gz`)));
    const file = join(folder, `${name}.unpacked`);
    await writeFile(file, snapshot);
    const { etcdutl, etcdctl } = await findEtcd(stage.etcdVersion);
    const { stdout } = await promisify(execFile)(etcdutl ?? etcdctl, ['snapshot', 'status', file, '-w', 'json'], {
      env: { ...etcdEnvironment(), ETCDCTL_API: '3' },
    });
    await rm(file);
    return { snapshot, status: JSON.parse(stdout) as SnapshotStatus };
  }

  it.each([
    { tls: false, auth: false },
    { tls: true, auth: true },
  ])('of a cluster with %o is the database of a follower, and what is said of it is so', async (security) => {
    stage = await hostedStage({ backups: folder, ...security });
    for (const key of ['a', 'b', 'c']) await putThrough(stage, 'm1', key, 'x');
    const { backup, kept, removed } = await backUp();
    expect({ kept, removed }).toEqual({ kept: 1, removed: [] });
    const { record } = backup;
    const { members } = await stage.etcd.observe();
    const source = members.find(({ name }) => name === record.member);
    expect(source).toMatchObject({ answering: true });
    expect(source?.answering && source.leaderId).not.toBe(source?.answering && source.id);
    const { snapshot, status } = await statusOf(backup);
    expect(record).toMatchObject({
      cluster: CLUSTER_NAME,
      clusterId: source?.answering && source.clusterId,
      etcdVersion: stage.etcdVersion,
      revision: String(status.revision),
      revisionAtMost: String(status.revision),
      sizeBytes: snapshot.length,
      databaseSha256: createHash('sha256').update(snapshot.subarray(0, -32)).digest('hex'),
      sha256: createHash('sha256')
        .update(await readFile(join(folder, `${backup.name}.db.gz`)))
        .digest('hex'),
    });
    expect(snapshot.subarray(-32).toString('hex')).toBe(record.databaseSha256);
    const counted = await stage.cluster.etcdctl(['get', '', '--prefix', '--count-only', '-w', 'fields']);
    expect(counted).toMatch(new RegExp(`"Count" : ${record.keys}\\b`));
    const written = JSON.parse(await readFile(join(folder, `${backup.name}.json`), 'utf8')) as BackupRecord;
    expect(written).toEqual(record);
  });

  it('is made of a full store, with a member down, and without a quorum it is not', async () => {
    stage = await hostedStage({ backups: folder, sizeMiB: 16 });
    const value = 'x'.repeat(1024 * 1024);
    await expect(
      (async () => {
        for (let key = 0; key < 40; key++) await stage.etcd.member('m1').put(`full/${key}`, value);
      })(),
    ).rejects.toMatchObject({ reason: 'NoSpace' });
    await crashMembers(stage.cluster, ['m1']);
    await untilLed(stage);
    const { backup } = await backUp();
    expect(backup.record.member).not.toBe('m1');
    expect((await statusOf(backup)).status.revision).toBe(Number(backup.record.revision));

    await crashMembers(stage.cluster, ['m2']);
    const end = await stage.platform
      .invokeStep('back-up-cluster', { cluster: stage.file.clusters[0], execution: 'run-1' })
      .catch((error) => error);
    expect(end).toMatchObject({ error: 'EtcdUnavailable' });
    expect((await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted()).toEqual([
      `${backup.name}.db.gz`,
      `${backup.name}.json`,
    ]);
  });
});
