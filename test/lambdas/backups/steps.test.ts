import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AbortMultipartUploadCommand, PutObjectCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { backupKeys } from '../../../core/backups/names.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import { findBackups } from '../../../lambdas/backups/find-backups.ts';
import { lookForNewestBackup } from '../../../lambdas/backups/newest-backup.ts';
import { handler as backUp } from '../../../lambdas/steps/back-up-cluster.ts';
import { handler as complete } from '../../../lambdas/steps/complete-backup.ts';
import { handler as prune } from '../../../lambdas/steps/prune-backups.ts';
import { handler as tryBackups } from '../../../lambdas/steps/try-backups.ts';
import { soleOwner } from '../../../local/aws/endpoint.ts';
import { found } from '../../core/backups/found.ts';
import { BUCKET, begin, CREDENTIALS, clientOf, download, refusalOf } from '../../local/aws/s3-bucket.ts';
import { serveRefusal, serveStaging } from '../staging/support.ts';

const HOUR_MS = 3600_000;
const CLUSTER: Cluster = {
  name: 'orders',
  members: [{ name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
  quotaBackendBytes: 1,
  backups: { bucket: BUCKET, prefix: 'etcd/', everyMinutes: 60, keep: { hourly: 1, daily: 0, weekly: 0 } },
};
const IN_TIME = { getRemainingTimeInMillis: () => 60_000 } as Context;

/** Puts a backup, or a part of it, into the bucket. @returns its keys */
async function put(client: S3Client, hoursAgo: number, record: string | null) {
  const takenAt = new Date(Date.now() - hoursAgo * HOUR_MS);
  const keys = backupKeys(CLUSTER, takenAt);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: keys.snapshot, Body: 'bytes' }));
  if (record !== null) await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: keys.record, Body: record }));
  return keys;
}

const known = JSON.stringify(found('2026-11-29T08:15:00.000Z', 3000).record);

describe('the removal of expired backups', () => {
  it('removes both objects of each, and nothing of somebody else', async () => {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    const [old, newest] = [await put(client, 5, known), await put(client, 2, known)];
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'etcd/last-year.db', Body: 'mine' }));
    expect(await prune({ cluster: CLUSTER })).toMatchObject({ removed: [old.name], kept: 1 });
    for (const Key of [old.snapshot, old.record]) {
      expect(await refusalOf(download(client, Key))).toMatchObject({ name: 'NoSuchKey' });
    }
    expect((await download(client, newest.record)).toString()).toBe(known);
    expect((await download(client, 'etcd/last-year.db')).toString()).toBe('mine');
    expect(await prune({ cluster: CLUSTER })).toMatchObject({ removed: [], kept: 1 });
  });
});

describe('the backups that are found', () => {
  it('are those with a record, the newest first, and one whose record cannot be read says so', async () => {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    await put(client, 1, null);
    const [broken, whole] = [await put(client, 2, '{"format": 2}'), await put(client, 3, known)];
    const { count, backups } = await findBackups(CLUSTER, 10);
    expect(count).toBe(2);
    expect(backups).toMatchObject([
      { name: broken.name, record: null, problem: expect.stringContaining(broken.record) },
      { name: whole.name, key: whole.snapshot, record: { revision: '3000' }, problem: '' },
    ]);
    expect((await findBackups(CLUSTER, 1)).backups).toHaveLength(1);
  });

  it('are told also where S3 refuses the record of one: the others are as good as they were', async () => {
    const iam = soleOwner(CREDENTIALS.accessKeyId);
    const client = clientOf({ url: await serveStaging({ iam }), close: async () => undefined });
    const [archived, whole] = [await put(client, 2, known), await put(client, 3, known)];
    iam.may = (_, { resource = '' }) => !resource.endsWith(archived.record);
    expect(await findBackups(CLUSTER, 10)).toMatchObject({
      ...{ count: 2, problem: '' },
      backups: [
        {
          name: archived.name,
          record: null,
          problem: expect.stringContaining(`${archived.record}: S3 refused it: AccessDenied`),
        },
        { name: whole.name, record: { revision: '3000' } },
      ],
    });
  });

  it('are none where S3 refuses, in its words', async () => {
    await serveRefusal(403, 'AccessDenied');
    expect(await findBackups(CLUSTER, 10)).toMatchObject({
      ...{ count: 0, backups: [] },
      problem: expect.stringMatching(/AccessDenied[\s\S]*deploy the cluster's stack again/),
    });
  });
});

describe('a look for the newest backup', () => {
  it('says its age and its revision', async () => {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    await put(client, 3, known);
    const { name } = await put(client, 2, known);
    expect(await lookForNewestBackup(CLUSTER)).toMatchObject({ name, revision: '3000', problem: '' });
    expect((await lookForNewestBackup(CLUSTER))?.ageSeconds).toBeGreaterThanOrEqual(2 * 3600);
  });

  it('is none of a cluster whose backups somebody else makes', async () => {
    const { everyMinutes: _, keep: __, ...read } = CLUSTER.backups ?? { bucket: '', prefix: '' };
    expect(await lookForNewestBackup({ ...CLUSTER, backups: read })).toBeUndefined();
  });

  it('says what S3 refuses it with', async () => {
    await serveRefusal(403, 'AccessDenied');
    expect(await lookForNewestBackup(CLUSTER)).toMatchObject({
      ...{ name: '', ageSeconds: null },
      problem: expect.stringContaining('AccessDenied'),
    });
  });

  it('waits two seconds at most for an S3 that does not answer', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    await serveRefusal(403, 'AccessDenied');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const startedAt = Date.now();
    expect(await lookForNewestBackup(CLUSTER)).toMatchObject({ problem: 'It was not answered in time.' });
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('a backup that a host has sent', () => {
  async function sent() {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    const { tookMs: _, ...record } = found('2026-11-29T08:15:00.000Z', 3000).record;
    const { snapshot: Key } = backupKeys(CLUSTER, new Date(record.takenAt));
    const upload = await begin(client, Key);
    const { ETag = '' } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'sent' }));
    const draft = { ...record, way: 'host', compressedBytes: 4 };
    const copied = { draft, uploadId: upload.UploadId };
    return { client, upload, input: { cluster: CLUSTER, copied, etags: [ETag], failure: null, copyLeft: '' } };
  }

  it('may be completed twice, for its function may be killed before it has written what is known of it', async () => {
    const { client, upload, input } = await sent();
    const first = await complete(input);
    const { name } = backupKeys(CLUSTER, new Date(input.copied.draft.takenAt));
    expect(first).toMatchObject({ backup: { name, record: { compressedBytes: 4 } }, error: '' });
    expect(await complete(input)).toMatchObject({ backup: { name } });
    expect((await download(client, upload.Key)).toString()).toBe('sent');
  });

  it('leaves no parts behind where S3 refuses to make a backup of them', async () => {
    const { client, upload, input } = await sent();
    const refused = { name: 'PreconditionFailed', message: expect.stringMatching(/InvalidPart.*Back up again/s) };
    await expect(complete({ ...input, etags: [`"${'f'.repeat(32)}"`] })).rejects.toMatchObject(refused);
    const part = client.send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'more' }));
    expect(await refusalOf(part)).toMatchObject({ name: 'NoSuchUpload' });
  });

  it('is none where its upload has gone, or something else is in its place', async () => {
    const { client, upload, input } = await sent();
    const none = { name: 'PreconditionFailed', message: expect.stringMatching(/NoSuchUpload.*lifecycle rule/s) };
    await client.send(new AbortMultipartUploadCommand(upload));
    await expect(complete(input)).rejects.toMatchObject(none);
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: upload.Key, Body: 'something else' }));
    await expect(complete(input)).rejects.toMatchObject(none);
    expect((await findBackups(CLUSTER, 10)).count).toBe(0);
  });
});

describe('the try to write a backup', () => {
  it('leaves nothing behind', async () => {
    await serveStaging();
    expect(await tryBackups({ cluster: CLUSTER })).toEqual({ problem: '', summary: 'A backup can be written.' });
    expect((await findBackups(CLUSTER, 10)).count).toBe(0);
  });

  it.each([
    ['NoSuchBucket', 404, /There is no such bucket/],
    ['KMS.DisabledException', 400, /KMS key/],
    ['PermanentRedirect', 301, /another region/],
  ])('says what %s means', async (code, status, meaning) => {
    await serveRefusal(status, code);
    expect((await tryBackups({ cluster: CLUSTER })).problem).toMatch(meaning);
  });

  it('is none where somebody else makes them', async () => {
    const { everyMinutes: _, keep: __, ...read } = CLUSTER.backups ?? { bucket: '', prefix: '' };
    expect(await tryBackups({ cluster: { ...CLUSTER, backups: read } })).toEqual({
      problem: '',
      summary: 'The configuration asks for none to be made.',
    });
  });
});

it('a backup of a cluster that asks for none is refused', async () => {
  const { backups: _, ...without } = CLUSTER;
  await expect(backUp({ cluster: without, execution: 'run-1' }, IN_TIME)).rejects.toMatchObject({
    name: 'InvalidInput',
    message: expect.stringContaining('"everyMinutes": 60'),
  });
});
