import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { completeUpload } from './complete-upload.ts';

/** S3 takes 10,000 parts, of at least 5 MiB: 80 GiB, compressed. */
const PART_BYTES = 8 * 1024 * 1024;
/** While one is filled. */
const AT_ONCE = 2;

export interface Uploaded {
  sizeBytes: number;
  /** In hex. */
  sha256: string;
}

interface Target {
  Bucket: string;
  Key: string;
}

/**
 * Uploads a stream whose length nobody knows, in constant memory. Where it ends with an error, nothing is left of it in the bucket.
 * @param encryption headers of S3
 */
export async function uploadStream(
  client: S3Client,
  target: Target,
  stream: AsyncIterable<Buffer>,
  encryption: object,
): Promise<Uploaded> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...target, ...encryption, ContentType: 'application/gzip' }),
  );
  const upload = { ...target, UploadId };
  const hash = createHash('sha256');
  const sending: Promise<string | undefined>[] = [];
  let sizeBytes = 0;
  try {
    for await (const Body of inParts(stream)) {
      hash.update(Body);
      sizeBytes += Body.length;
      await sending.at(-AT_ONCE);
      const PartNumber = sending.length + 1;
      const part = client.send(new UploadPartCommand({ ...upload, PartNumber, Body })).then(({ ETag }) => ETag);
      // It is looked at when the next one is sent, or at the end.
      part.catch(() => undefined);
      sending.push(part);
    }
    await completeUpload(client, upload, { etags: await Promise.all(sending), sizeBytes });
    return { sizeBytes, sha256: hash.digest('hex') };
  } catch (error) {
    await Promise.allSettled(sending);
    // What cannot be removed now, a lifecycle rule of the bucket removes.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

/**
 * The same bytes in buffers of {@link PART_BYTES}, but for the last. They are used again, in turn: one is filled while the {@link AT_ONCE} before it are
 * being sent.
 */
async function* inParts(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const parts = Array.from({ length: AT_ONCE + 1 }, () => Buffer.allocUnsafeSlow(PART_BYTES));
  let part = parts[0] as Buffer;
  let filled = 0;
  let sent = 0;
  for await (const chunk of stream) {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(part, filled, from);
      filled += copied;
      from += copied;
      if (filled < PART_BYTES) continue;
      yield part;
      sent += 1;
      part = parts[sent % parts.length] as Buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
