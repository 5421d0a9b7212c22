import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FolderObjects } from '../../../local/aws/s3-folder.ts';
import { STAGING } from '../../../local/aws/s3-store.ts';
import { clientOf, download, refusalOf, serveBucket } from './s3-bucket.ts';

const Bucket = 'backups';

async function served() {
  const folder = await mkdtemp(join(tmpdir(), 's3-folder-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, client: clientOf(await serveBucket({ folders: { [Bucket]: folder } })) };
}

describe('a folder that stands for a bucket', () => {
  it('holds what is put into it, and loses what is removed', async () => {
    const { folder, client } = await served();
    await client.send(new PutObjectCommand({ Bucket, Key: 'orders/a.json', Body: 'known' }));
    expect(await readFile(join(folder, 'orders/a.json'), 'utf8')).toBe('known');
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'orders/a.json' }));
    expect(await readdir(join(folder, 'orders'))).toEqual([]);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'orders/a.json' }));
  });

  it('gets an upload in parts when it is whole, and not before', async () => {
    const { folder, client } = await served();
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'orders/a.db.gz' }));
    const upload = { Bucket, Key: 'orders/a.db.gz', UploadId };
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'bytes' }));
    const shown = (name: string) => !name.startsWith('.');
    expect((await readdir(folder)).filter(shown)).toEqual([]);
    const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: '', MaxKeys: 10 }));
    expect(listed.KeyCount).toBe(0);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
    expect(await readdir(join(folder, 'orders'))).toEqual(['a.db.gz']);
    expect((await download(client, 'orders/a.db.gz', undefined, Bucket)).toString()).toBe('bytes');
  });

  it('is rid of what a process has left that was killed during an upload, a day later', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-folder-test-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [old, recent] = ['old', 'new'].map((name) => join(folder, `${STAGING}${name}`)) as [string, string];
    await mkdir(old);
    await mkdir(recent);
    const daysAgo = new Date(Date.now() - 2 * 86_400_000);
    await utimes(old, daysAgo, daysAgo);
    const objects = await FolderObjects.open(folder);
    expect((await readdir(folder)).filter((name) => name.endsWith('old') || name.endsWith('new'))).toEqual([
      `${STAGING}new`,
    ]);
    objects.close();
    expect(await readdir(folder)).toEqual([`${STAGING}new`]);
  });

  it('lets nobody but its owner read what it holds: a backup has every secret of the cluster in it', async () => {
    const { folder, client } = await served();
    await client.send(new PutObjectCommand({ Bucket, Key: 'orders/a.db.gz', Body: 'secret' }));
    const modes = ['orders', 'orders/a.db.gz'].map(async (path) =>
      ((await stat(join(folder, path))).mode & 0o777).toString(8),
    );
    expect(await Promise.all(modes)).toEqual(['700', '600']);
  });

  it('is listed by the bytes of the keys, page by page, below a prefix', async () => {
    const { folder, client } = await served();
    await mkdir(join(folder, 'orders/old'), { recursive: true });
    for (const key of ['orders/b', 'orders/old/a', 'orders/Z', 'other']) await writeFile(join(folder, key), key);
    const list = (more = {}) =>
      client.send(new ListObjectsV2Command({ Bucket, Prefix: 'orders/', MaxKeys: 2, ...more }));
    const first = await list();
    expect(first.Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([
      ['orders/Z', 8],
      ['orders/b', 8],
    ]);
    expect(first.IsTruncated).toBe(true);
    const second = await list({ ContinuationToken: first.NextContinuationToken });
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(['orders/old/a']);
    expect(second.IsTruncated).toBe(false);
  });

  it.each(['../outside', 'a//b', './a'])('takes no object "%s", which is no path in it', async (Key) => {
    const { client } = await served();
    const put = client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    expect((await refusalOf(put)).status).toBeGreaterThanOrEqual(400);
  });
});
