import { request as httpRequest } from 'node:http';
import { CreateMultipartUploadCommand, GetObjectCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BUCKET, begin, CREDENTIALS, clientOf, codeOf, download, refusalOf, serveBucket, upload } from './s3-bucket.ts';

const KEY = 'orders/run-1.db.gz';
const MINUTE_MS = 60_000;

/** A presigned URL of an object that is there. */
async function presigned({ expiresIn = 3600 } = {}): Promise<{ url: string; client: S3Client }> {
  const client = clientOf(await serveBucket());
  await upload(client, KEY, Buffer.from('the snapshot'));
  return { client, url: await getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key: KEY }), { expiresIn }) };
}

afterEach(() => vi.useRealTimers());

/** A date that goes on from here, while timers go on as ever. */
function setClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: ms });
}

/** What happens to a request between its signature and the network. */
function afterSigning({ config: { requestHandler } }: S3Client, change: (request: { body?: unknown }) => void): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = (request, options) => {
    change(request);
    return handle(request, options);
  };
}

describe('a presigned URL', () => {
  it('is good for its own object and nothing else', async () => {
    const { url, client } = await presigned();
    await upload(client, 'another', Buffer.from('another'));
    expect(await (await fetch(url)).text()).toBe('the snapshot');
    expect(await codeOf(await fetch(url.replace(KEY, 'another')))).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await codeOf(await fetch(url.replace(BUCKET, 'another-bucket')))).toEqual([403, 'SignatureDoesNotMatch']);
  });

  it('is good for its own operation', async () => {
    const { url } = await presigned();
    const asDelete = url.replace('&x-id=GetObject', '');
    expect(await codeOf(await fetch(url, { method: 'DELETE' }))).toEqual([501, 'NotImplemented']);
    expect(await codeOf(await fetch(asDelete, { method: 'DELETE' }))).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await codeOf(await fetch(`${asDelete}&uploads=`, { method: 'POST' }))).toEqual([
      403,
      'SignatureDoesNotMatch',
    ]);
  });

  it('is good for its own part of its own upload', async () => {
    const client = clientOf(await serveBucket());
    const [to, other] = [await begin(client, KEY), await begin(client, KEY)];
    const url = await getSignedUrl(client, new UploadPartCommand({ ...to, PartNumber: 1 }));
    const put = async (changed: string) => codeOf(await fetch(changed, { method: 'PUT', body: 'abc' }));
    expect(await put(url.replace('partNumber=1', 'partNumber=2'))).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await put(url.replace(to.UploadId, other.UploadId))).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await put(url)).toEqual([200, undefined]);
  });

  it('may leave the body unsigned, and a range', async () => {
    const { url } = await presigned();
    const response = await fetch(url, { headers: { Range: 'bytes=4-' } });
    expect([response.status, await response.text()]).toEqual([206, 'snapshot']);
  });

  it('is good until it expires, and not a second longer', async () => {
    const since = Date.now();
    setClock(since);
    const { url } = await presigned({ expiresIn: 600 });
    setClock(since + 10 * MINUTE_MS - 1_000);
    expect((await fetch(url)).status).toBe(200);
    setClock(since + 10 * MINUTE_MS + 1_000);
    const response = await fetch(url);
    const text = await response.clone().text();
    expect([await codeOf(response), text.includes('Request has expired')]).toEqual([[403, 'AccessDenied'], true]);
  });

  it('is not good before its time, but for a clock that is a little behind', async () => {
    const since = Date.now();
    setClock(since);
    const { url } = await presigned();
    setClock(since - 14 * MINUTE_MS);
    expect((await fetch(url)).status).toBe(200);
    setClock(since - 16 * MINUTE_MS);
    expect(await codeOf(await fetch(url))).toEqual([403, 'AccessDenied']);
  });

  it.each([
    ['a longer life', (url: string) => url.replace('Expires=3600', 'Expires=7200'), 403, 'SignatureDoesNotMatch'],
    ['no end', (url: string) => url.replace('Expires=3600', 'Expires=never'), 400, 'AuthorizationQueryParametersError'],
    [
      'more than a week',
      (url: string) => url.replace('Expires=3600', 'Expires=604801'),
      400,
      'AuthorizationQueryParametersError',
    ],
    ['another date', (url: string) => url.replace(/Date=\d{8}/, 'Date=20200101'), 403, 'AccessDenied'],
    ['no date', (url: string) => url.replace(/Date=\w+/, 'Date=now'), 400, 'AuthorizationQueryParametersError'],
    ['another region', (url: string) => url.replace('%2Flocal%2F', '%2Feu-central-1%2F'), 403, 'SignatureDoesNotMatch'],
    ['another service', (url: string) => url.replace('%2Fs3%2F', '%2Fssm%2F'), 403, 'SignatureDoesNotMatch'],
    ['another key', (url: string) => url.replace('LOCALKEY', 'ANOTHER'), 403, 'InvalidAccessKeyId'],
    [
      'another algorithm',
      (url: string) => url.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'),
      403,
      'SignatureDoesNotMatch',
    ],
    ['no signature', (url: string) => url.replace(/&X-Amz-Signature=\w+/, ''), 403, 'AccessDenied'],
    ['half a signature', (url: string) => url.replace(/(Signature=\w{32})\w{32}/, '$1'), 403, 'SignatureDoesNotMatch'],
    ['two signatures', (url: string) => `${url}&X-Amz-Signature=${'0'.repeat(64)}`, 400, 'InvalidArgument'],
    ['a parameter more', (url: string) => `${url}&versionId=1`, 501, 'NotImplemented'],
    ['a token', (url: string) => `${url}&X-Amz-Security-Token=a`, 403, 'SignatureDoesNotMatch'],
    ['a signed body', (url: string) => url.replace('UNSIGNED-PAYLOAD', 'a'.repeat(64)), 403, 'SignatureDoesNotMatch'],
    ['nothing but the key', (url: string) => url.replace(/\?.*/, ''), 403, 'AccessDenied'],
    ['what is no URL', (url: string) => url.replace(/\?/, '%zz?'), 400, 'InvalidURI'],
  ])('is refused with %s', async (_, change, status, code) => {
    const { url } = await presigned();
    expect(change(url)).not.toBe(url);
    expect(await codeOf(await fetch(change(url)))).toEqual([status, code]);
  });

  it('is refused to whoever says that it came to another host, or adds a header of S3', async () => {
    const { url } = await presigned();
    const get = (headers: Record<string, string>) =>
      new Promise<[number | undefined, string]>((resolve, reject) => {
        const sending = httpRequest(url, { headers }, (response) => {
          response.setEncoding('utf8').on('data', (text) => resolve([response.statusCode, text]));
        });
        sending.on('error', reject).end();
      });
    expect(await get({ Host: 'another' })).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
    expect(await get({ 'x-amz-date': 'now' })).toEqual([403, expect.stringContaining('were not signed: x-amz-date')]);
    expect(await get({ 'x-amz-acl': 'public-read' })).toEqual([501, expect.stringContaining('x-amz-acl')]);
    expect(await get({ Via: '1.1 proxy' })).toEqual([200, 'the snapshot']);
  });

  it('shares nothing with a header', async () => {
    const { url } = await presigned();
    const response = await fetch(url, { headers: { Authorization: 'Basic YTpi' } });
    expect(await codeOf(response)).toEqual([400, 'InvalidArgument']);
  });
});

describe('a request of the SDK', () => {
  it.each([
    ['the key', { accessKeyId: 'ANOTHER' }, 'InvalidAccessKeyId'],
    ['the secret', { secretAccessKey: 'another' }, 'SignatureDoesNotMatch'],
    ['the region', { region: 'eu-central-1' }, 'SignatureDoesNotMatch'],
  ])('is refused to whoever has not got %s', async (_, wrong, name) => {
    const client = clientOf(await serveBucket(), { ...CREDENTIALS, ...wrong });
    expect(await refusalOf(download(client, KEY))).toEqual({ name, status: 403 });
    const creating = client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: KEY }));
    expect(await refusalOf(creating)).toEqual({ name, status: 403 });
  });

  it('is refused where the clocks differ by more than a quarter of an hour', async () => {
    const client = clientOf(await serveBucket());
    afterSigning(client, () => setClock(Date.now() + 16 * MINUTE_MS));
    const name = 'RequestTimeTooSkewed';
    expect(await refusalOf(download(client, KEY))).toEqual({ name, status: 403 });
  });

  it('is refused where its body is not the one that was signed', async () => {
    const client = clientOf(await serveBucket());
    const to = await begin(client, KEY);
    afterSigning(client, (request) => {
      request.body = 'abd';
    });
    const sending = client.send(new UploadPartCommand({ ...to, PartNumber: 1, Body: 'abc' }));
    expect(await refusalOf(sending)).toEqual({ name: 'XAmzContentSHA256Mismatch', status: 400 });
  });

  it.each([
    ['nothing', undefined, 403, 'AccessDenied'],
    ['a password', 'Basic YTpi', 400, 'AuthorizationHeaderMalformed'],
    ['an older signature', 'AWS LOCALKEY:c2lnbmF0dXJl', 400, 'AuthorizationHeaderMalformed'],
  ])('is refused with %s', async (_, authorization, status, code) => {
    const { url } = await serveBucket();
    const response = await fetch(`${url}/${BUCKET}/${KEY}`, { headers: authorization ? { authorization } : {} });
    expect(await codeOf(response)).toEqual([status, code]);
  });
});
