import { describe, expect, it, vi } from 'vitest';
import { presignedUrl } from '../../../lambdas/staging/presigned-url.ts';
import { handler } from '../../../lambdas/steps/stage-snapshot.ts';
import { MIN_PART_BYTES } from '../../local/aws/s3-bucket.ts';
import { serveRefusal, serveStaging } from './support.ts';

const KEY = 'orders/run-1.db.gz';
const DISCARDED = { key: KEY, uploadId: '', summary: `Nothing of ${KEY} is staged any more.` };

async function begin(): Promise<string> {
  const { key, uploadId } = await handler({ action: 'Begin', key: KEY });
  expect(key).toBe(KEY);
  expect(uploadId).not.toBe('');
  return uploadId;
}

/** Sends these parts as hosts do. */
async function send(uploadId: string, ...bodies: string[]) {
  const parts: { partNumber: number; etag: string }[] = [];
  for (const [at, body] of bodies.entries()) {
    const partNumber = at + 1;
    const url = await presignedUrl({ access: 'write-part', key: KEY, uploadId, partNumber }, 'orders');
    const { headers } = await fetch(url, { method: 'PUT', body });
    parts.push({ partNumber, etag: headers.get('etag') ?? '' });
  }
  return parts;
}

async function fetched(): Promise<[number, string]> {
  const response = await fetch(await presignedUrl({ access: 'read', key: KEY }, 'orders'));
  return [response.status, await response.text()];
}

describe('a snapshot', () => {
  it('is staged in parts, and can then be fetched', async () => {
    await serveStaging();
    const uploadId = await begin();
    const parts = await send(uploadId, 'a'.repeat(MIN_PART_BYTES), 'b');
    expect((await fetched())[0]).toBe(404);
    // In whatever order the hosts have ended.
    const ended = await handler({ action: 'Complete', key: KEY, uploadId, parts: parts.toReversed() });
    expect(ended).toEqual({ key: KEY, uploadId, summary: `${KEY} is staged, in 2 parts.` });
    expect(await fetched()).toEqual([200, `${'a'.repeat(MIN_PART_BYTES)}b`]);
  });

  it('may be completed twice', async () => {
    await serveStaging();
    const uploadId = await begin();
    const parts = await send(uploadId, 'abc');
    const complete = () => handler({ action: 'Complete', key: KEY, uploadId, parts });
    expect(await complete()).toEqual(await complete());
    expect(await fetched()).toEqual([200, 'abc']);
  });

  it('may be begun twice, and is what the upload that is completed has', async () => {
    await serveStaging();
    const [forgotten, uploadId] = [await begin(), await begin()];
    expect(forgotten).not.toBe(uploadId);
    await send(forgotten, 'of the first');
    await handler({ action: 'Complete', key: KEY, uploadId, parts: await send(uploadId, 'of the second') });
    expect(await fetched()).toEqual([200, 'of the second']);
  });

  it('is discarded before, during and after its upload, and twice', async () => {
    await serveStaging();
    const discard = (uploadId: string) => handler({ action: 'Discard', key: KEY, uploadId });
    expect(await discard('')).toEqual(DISCARDED);
    const [during, after] = [await begin(), await begin()];
    const parts = await send(during, 'abc');
    await handler({ action: 'Complete', key: KEY, uploadId: after, parts: await send(after, 'abc') });
    for (const uploadId of [during, during, after, after]) {
      expect(await discard(uploadId)).toEqual(DISCARDED);
      expect((await fetched())[0]).toBe(404);
    }
    await expect(handler({ action: 'Complete', key: KEY, uploadId: during, parts })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The upload of orders\/run-1\.db\.gz has ended, and its object does not exist: .*Start the recovery again/,
      ),
    });
  });

  it.each([
    [
      'parts that are not those that were sent',
      { etag: `"${'0'.repeat(32)}"` },
      /InvalidPart: .*\nThe parts in the bucket are not those/,
    ],
    ['a part that was not sent', { partNumber: 7 }, /InvalidPart: .*Start the recovery again/s],
  ])('is not completed with %s', async (_, wrong, message) => {
    await serveStaging();
    const uploadId = await begin();
    const [part] = await send(uploadId, 'abc');
    const completing = handler({ action: 'Complete', key: KEY, uploadId, parts: [{ ...part, ...wrong }] });
    await expect(completing).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(message),
    });
  });

  it('is not completed with parts that are too small', async () => {
    await serveStaging();
    const uploadId = await begin();
    const completing = handler({ action: 'Complete', key: KEY, uploadId, parts: await send(uploadId, 'a', 'b') });
    await expect(completing).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(/EntityTooSmall: .*smaller than 5 MiB/s),
    });
  });
});

describe('S3', () => {
  const complete = { action: 'Complete', key: KEY, uploadId: 'a', parts: [{ partNumber: 1, etag: '"b"' }] };
  const actions = [{ action: 'Begin', key: KEY }, complete, { action: 'Discard', key: KEY, uploadId: 'a' }];

  it.each(actions)('that does not let the step do it ends it, and says what to do: $action', async (input) => {
    await serveRefusal(403, 'AccessDenied');
    await expect(handler(input)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /orders\/run-1\.db\.gz: S3 refused it: AccessDenied: in the words of S3\n.*deploy again/,
      ),
    });
  });

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ])('that has no time is asked again later: %i %s', async (status, code) => {
    await serveRefusal(status, code);
    for (const input of actions) await expect(handler(input)).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });

  it('that does not answer is asked again later', async () => {
    await serveStaging();
    // Nothing listens at port 1.
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    await expect(handler({ action: 'Begin', key: KEY })).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(
        /^S3, asked for the upload of orders\/run-1\.db\.gz, was not answered: .*ECONNREFUSED.*VPC endpoints/s,
      ),
    });
  });

  it.each(actions)('is not asked where nobody has said which bucket it is: $action', async (input) => {
    await serveStaging();
    vi.stubEnv('STAGING_BUCKET', '');
    await expect(handler(input)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(/STAGING_BUCKET is not set.*deploy again/),
    });
  });
});
