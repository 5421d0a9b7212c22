import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { uploadStream } from '../../../lambdas/backups/upload-stream.ts';
import { BUCKET, clientOf, download, refusalOf, serveBucket } from '../../local/aws/s3-bucket.ts';

const MIB = 1024 * 1024;
const KEY = 'orders/a.db.gz';

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
}

describe('a stream that is uploaded', () => {
  // Less than a part, exactly one, two and a bit; in chunks that are smaller and larger than a part.
  it.each([
    [1, 100],
    [8 * MIB, 300_000],
    [17 * MIB, 9 * MIB],
    [20 * MIB + 1, 65_536],
    // More than there are buffers.
    [49 * MIB, 1_000_000],
  ])('of %i bytes is there as it came', async (sizeBytes, chunkBytes) => {
    const client = clientOf(await serveBucket());
    const bytes = randomBytes(sizeBytes);
    const uploaded = await uploadStream(client, { Bucket: BUCKET, Key: KEY }, chunksOf(bytes, chunkBytes), {});
    expect(uploaded).toEqual({ sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect((await download(client, KEY)).equals(bytes)).toBe(true);
  });

  it('leaves nothing behind where it ends with an error', async () => {
    const client = clientOf(await serveBucket());
    const broken = (async function* () {
      yield randomBytes(9 * MIB);
      throw new Error('cut off');
    })();
    await expect(uploadStream(client, { Bucket: BUCKET, Key: KEY }, broken, {})).rejects.toThrow('cut off');
    expect(await refusalOf(download(client, KEY))).toMatchObject({ name: 'NoSuchKey' });
  });
});
