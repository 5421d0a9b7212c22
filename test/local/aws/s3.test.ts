import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import {
  addPart,
  BUCKET,
  begin,
  clientOf,
  complete,
  download,
  KEY,
  MIN_PART_BYTES,
  ownTemporaryFiles,
  refusalOf,
  serveBucket,
  temporaryFolder,
  upload,
} from './s3-bucket.ts';

describe('an object that was uploaded in parts', () => {
  it('is its parts, one after the other, with the ETag that S3 gives it', async () => {
    const client = clientOf(await serveBucket());
    const parts = [randomBytes(MIN_PART_BYTES), randomBytes(MIN_PART_BYTES + 1), randomBytes(10)];
    const { ETag } = await upload(client, KEY, ...parts);
    const digests = Buffer.concat(parts.map((part) => createHash('md5').update(part).digest()));
    expect(ETag).toBe(`"${createHash('md5').update(digests).digest('hex')}-3"`);
    expect((await download(client, KEY)).equals(Buffer.concat(parts))).toBe(true);
  });

  it.each([
    ['the first byte', 'bytes=0-0', 'a'],
    ['across two parts', `bytes=${MIN_PART_BYTES - 2}-${MIN_PART_BYTES + 1}`, 'aabb'],
    ['from a byte on', `bytes=${MIN_PART_BYTES + 1}-`, 'bb'],
    ['the last bytes', 'bytes=-2', 'bb'],
    ['up to more than there is', `bytes=${MIN_PART_BYTES}-${10 * MIN_PART_BYTES}`, 'bbb'],
  ])('can be read in ranges: %s', async (_, range, text) => {
    const client = clientOf(await serveBucket());
    await upload(client, KEY, Buffer.alloc(MIN_PART_BYTES, 'a'), Buffer.from('bbb'));
    expect((await download(client, KEY, range)).toString()).toBe(text);
  });

  it.each([
    ['nothing of an empty one', '', 'bytes=0-0', 'InvalidRange', 416],
    ['behind its end', 'abc', 'bytes=3-', 'InvalidRange', 416],
    ['backwards', 'abc', 'bytes=2-1', 'InvalidRange', 416],
    ['several ranges', 'abc', 'bytes=0-0,2-2', 'NotImplemented', 501],
  ])('cannot be read otherwise: %s', async (_, content, range, name, status) => {
    const client = clientOf(await serveBucket());
    await upload(client, KEY, Buffer.from(content));
    expect(await refusalOf(download(client, KEY, range))).toEqual({ name, status });
  });

  it('may have a key of any characters', async () => {
    const client = clientOf(await serveBucket());
    for (const key of ["orders/a b+ü'(1)!*~.db", 'a//b', 'x=1&y=2?z#%41']) {
      await upload(client, key, Buffer.from(key));
      expect((await download(client, key)).toString()).toBe(key);
    }
  });

  it('is what was uploaded last, and gone once it is deleted, which may be done twice', async () => {
    const client = clientOf(await serveBucket());
    await upload(client, KEY, Buffer.from('first'));
    await upload(client, KEY, Buffer.from('second'));
    expect((await download(client, KEY)).toString()).toBe('second');
    for (const _ of [1, 2]) await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: KEY }));
    expect(await refusalOf(download(client, KEY))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  it('is not there before its upload is completed', async () => {
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    await addPart(client, to, 1, Buffer.from('abc'));
    expect(await refusalOf(download(client, KEY))).toEqual({ name: 'NoSuchKey', status: 404 });
  });
});

describe('curl on a host', () => {
  it('uploads a file of more than a megabyte, for which it first asks, and downloads it', async () => {
    const client = clientOf(await serveBucket());
    const [folder, body] = [await temporaryFolder(), randomBytes(3 * 1024 * 1024)];
    await writeFile(join(folder, 'sent'), body);
    const to = await begin(client, KEY);
    const url = await getSignedUrl(client, new UploadPartCommand({ ...to, PartNumber: 1 }));
    const curl = (...args: string[]) => promisify(execFile)('curl', ['--silent', '--show-error', '--fail', ...args]);
    const { stdout } = await curl('--dump-header', '-', '--upload-file', join(folder, 'sent'), url);
    const [, etag = ''] = /^etag: (\S+)/im.exec(stdout) ?? [];
    expect(etag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    await complete(client, to, [1, etag]);
    const read = await getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key: KEY }));
    await curl('--output', join(folder, 'got'), read);
    expect((await readFile(join(folder, 'got'))).equals(body)).toBe(true);
  });
});

describe('the endpoint', () => {
  it.each([
    ['ListParts', async (c: S3Client) => c.send(new ListPartsCommand(await begin(c, KEY)))],
    ['ListObjects', (c: S3Client) => c.send(new ListObjectsV2Command({ Bucket: BUCKET }))],
    ['ListBuckets', (c: S3Client) => c.send(new ListBucketsCommand({}))],
    ['a version', (c: S3Client) => c.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, VersionId: '1' }))],
    ['a condition', (c: S3Client) => c.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, IfMatch: '"1"' }))],
    [
      'a header to answer with',
      (c: S3Client) => c.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, ResponseExpires: new Date() })),
    ],
    [
      'an ACL',
      (c: S3Client) => c.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: KEY, ACL: 'public-read' })),
    ],
    [
      'a storage class',
      (c: S3Client) => c.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: KEY, StorageClass: 'GLACIER' })),
    ],
    [
      'metadata',
      (c: S3Client) => c.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: KEY, Metadata: { a: 'b' } })),
    ],
    [
      'a checksum',
      async (c: S3Client) =>
        c.send(
          new UploadPartCommand({ ...(await begin(c, KEY)), PartNumber: 1, Body: 'abc', ChecksumCRC32: 'AAAAAA==' }),
        ),
    ],
  ])('refuses what it does not do: %s', async (_, send) => {
    const client = clientOf(await serveBucket());
    expect(await refusalOf(send(client))).toEqual({ name: 'NotImplemented', status: 501 });
  });

  it('refuses HEAD, whose answer has no body to say so', async () => {
    const client = clientOf(await serveBucket());
    const refusal = await refusalOf(client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: KEY })));
    expect(refusal).toMatchObject({ status: 501 });
  });

  it('knows no other bucket', async () => {
    const client = clientOf(await serveBucket());
    for (const Bucket of ['another-bucket', 'constructor', '__proto__']) {
      expect(await refusalOf(download(client, KEY, undefined, Bucket))).toEqual({ name: 'NoSuchBucket', status: 404 });
    }
  });

  it('keeps its objects in a temporary folder, which is gone when it is closed', async () => {
    const files = await ownTemporaryFiles();
    const endpoint = await serveBucket();
    await upload(clientOf(endpoint), KEY, Buffer.from('abc'));
    expect(Object.values(files())).toContain(3);
    await endpoint.close();
    expect(files()).toEqual({});
  });

  it('serves another address of this machine, also one of IPv6', async () => {
    for (const [address, url] of [
      ['127.0.0.2', /^http:\/\/127\.0\.0\.2:\d+$/],
      ['::1', /^http:\/\/\[::1\]:\d+$/],
    ] as const) {
      const endpoint = await serveBucket({ address });
      expect(endpoint.url).toMatch(url);
      await upload(clientOf(endpoint), KEY, Buffer.from(address));
      expect((await download(clientOf(endpoint), KEY)).toString()).toBe(address);
    }
  });

  it('says where it cannot be served, and leaves nothing behind', async () => {
    const files = await ownTemporaryFiles();
    await expect(serveBucket({ address: '192.0.2.1' })).rejects.toThrow(
      /^The staging bucket cannot be served at 192\.0\.2\.1: .*EADDRNOTAVAIL/,
    );
    expect(files()).toEqual({});
  });
});

describe('a folder that stands for a bucket', () => {
  async function serveFolder() {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'backups/orders'), { recursive: true });
    await writeFile(join(folder, 'backups/orders/monday.db'), 'the backup');
    await writeFile(join(folder, 'secret'), 'not in the bucket');
    return clientOf(await serveBucket({ folders: { backups: join(folder, 'backups') } }));
  }

  it('can be read by the paths of its files', async () => {
    const client = await serveFolder();
    expect((await download(client, 'orders/monday.db', undefined, 'backups')).toString()).toBe('the backup');
    expect((await download(client, 'orders/monday.db', 'bytes=4-9', 'backups')).toString()).toBe('backup');
  });

  it.each([
    'orders',
    'orders/',
    'orders/tuesday.db',
    '../secret',
    'orders/../../secret',
    './orders/monday.db',
    'orders//monday.db',
  ])('has no object %s', async (key) => {
    const client = await serveFolder();
    const reading = download(client, key, undefined, 'backups');
    expect(await refusalOf(reading)).toEqual({ name: 'NoSuchKey', status: 404 });
  });
});
