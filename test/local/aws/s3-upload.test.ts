import { request } from 'node:http';
import { AbortMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import {
  addPart,
  begin,
  clientOf,
  codeOf,
  complete,
  download,
  KEY,
  ownTemporaryFiles,
  refusalOf,
  serveBucket,
} from './s3-bucket.ts';

describe('an upload', () => {
  it('takes a part again, and keeps the last', async () => {
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    const first = await addPart(client, to, 1, Buffer.from('first'));
    const second = await addPart(client, to, 1, Buffer.from('second'));
    expect(await refusalOf(complete(client, to, [1, first.ETag]))).toEqual({ name: 'InvalidPart', status: 400 });
    await complete(client, to, [1, second.ETag]);
    expect((await download(client, KEY)).toString()).toBe('second');
  });

  it('is complete with the parts that are listed', async () => {
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    await addPart(client, to, 7, Buffer.from('not listed'));
    const { ETag } = await addPart(client, to, 10_000, Buffer.from('listed'));
    await complete(client, to, [10_000, ETag]);
    expect((await download(client, KEY)).toString()).toBe('listed');
  });

  it.each([
    ['a part that was not uploaded', [[3, 1]], 'InvalidPart'],
    ['another ETag', [[1, 2]], 'InvalidPart'],
    [
      'the wrong order',
      [
        [2, 2],
        [1, 1],
      ],
      'InvalidPartOrder',
    ],
    [
      'a part twice',
      [
        [1, 1],
        [1, 1],
      ],
      'InvalidPartOrder',
    ],
    [
      'a small part that is not the last',
      [
        [1, 1],
        [2, 2],
      ],
      'EntityTooSmall',
    ],
    ['no parts', [], 'MalformedXML'],
  ] as [string, [number, number][], string][])('cannot be completed with %s', async (_, listed, name) => {
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    const etags = new Map<number, string | undefined>();
    for (const part of [1, 2]) etags.set(part, (await addPart(client, to, part, Buffer.from(`part ${part}`))).ETag);
    const parts = listed.map(([part, etag]): [number, string | undefined] => [part, etags.get(etag)]);
    expect(await refusalOf(complete(client, to, ...parts))).toEqual({ name, status: 400 });
    expect(await refusalOf(download(client, KEY))).toMatchObject({ name: 'NoSuchKey' });
  });

  it('that was completed, or aborted, or never begun, or is of another key is none', async () => {
    const client = clientOf(await serveBucket());
    const [completed, aborted, other] = [await begin(client, KEY), await begin(client, KEY), await begin(client, 'b')];
    const { ETag } = await addPart(client, completed, 1, Buffer.from('abc'));
    await complete(client, completed, [1, ETag]);
    await client.send(new AbortMultipartUploadCommand(aborted));
    for (const to of [completed, aborted, { ...other, Key: 'c' }, { ...other, UploadId: '../../etc/passwd' }]) {
      const none = { name: 'NoSuchUpload', status: 404 };
      expect(await refusalOf(addPart(client, to, 1, Buffer.from('abc')))).toEqual(none);
      expect(await refusalOf(complete(client, to, [1, ETag]))).toEqual(none);
      expect(await refusalOf(client.send(new AbortMultipartUploadCommand(to)))).toEqual(none);
    }
  });

  it.each(['0', '10001', '1.5', 'x'])('has no part %s', async (partNumber) => {
    const client = clientOf(await serveBucket());
    const sending = client.send(
      new UploadPartCommand({ ...(await begin(client, KEY)), PartNumber: partNumber as never, Body: 'abc' }),
    );
    expect(await refusalOf(sending)).toEqual({ name: 'InvalidArgument', status: 400 });
  });

  it('takes no part of unknown length', async () => {
    const client = clientOf(await serveBucket());
    const url = await getSignedUrl(client, new UploadPartCommand({ ...(await begin(client, KEY)), PartNumber: 1 }));
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from('abc'));
        controller.close();
      },
    });
    const response = await fetch(url, { method: 'PUT', body, duplex: 'half' } as RequestInit);
    expect(await codeOf(response)).toEqual([501, 'NotImplemented']);
  });

  it('keeps nothing of a part whose sender has gone', async () => {
    const files = await ownTemporaryFiles();
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    const empty = files();
    const url = await getSignedUrl(client, new UploadPartCommand({ ...to, PartNumber: 1 }));
    const sending = request(url, { method: 'PUT', headers: { 'Content-Length': 1_000_000 } });
    sending.on('error', () => undefined).write(Buffer.alloc(200_000, 'a'));
    await expect.poll(files).not.toEqual(empty);
    sending.destroy();
    await expect.poll(files).toEqual(empty);
    expect(await refusalOf(complete(client, to, [1, '0'.repeat(32)]))).toMatchObject({ name: 'InvalidPart' });
  });
});
