import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
} from '@aws-sdk/client-s3';
import { PreconditionFailed } from '../../core/errors.ts';
import { readFirstByte, stagingBucket, withS3 } from './s3.ts';

export interface UploadedPart {
  partNumber: number;
  /** As S3 gave it when the part was uploaded. */
  etag: string;
}

const BEGIN_AGAIN = 'Nothing is staged. Start the recovery again: it uploads the snapshot again.';

/**
 * Begins an upload in parts. One that an earlier invocation has begun and nobody knows of is aborted by the bucket's lifecycle.
 * @returns the upload's ID
 * @throws PreconditionFailed, AwsUnavailable
 */
export async function beginUpload(key: string): Promise<string> {
  const Bucket = stagingBucket();
  return withS3(`the upload of ${key}`, async (client) => {
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
    return UploadId;
  });
}

/**
 * Makes the object of its parts. May be run twice.
 * @throws PreconditionFailed, AwsUnavailable
 */
export async function completeUpload(key: string, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
  const object = { Bucket: stagingBucket(), Key: key };
  const refusals = {
    InvalidPart: `The parts in the bucket are not those that the host has sent. ${BEGIN_AGAIN}`,
    EntityTooSmall: `A part is smaller than 5 MiB, which S3 asks of all but the last. ${BEGIN_AGAIN}`,
  };
  await withS3(
    `the end of the upload of ${key}`,
    async (client) => {
      const Parts = parts
        .toSorted((one, other) => one.partNumber - other.partNumber)
        .map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }));
      const request = { ...object, UploadId: uploadId, MultipartUpload: { Parts } };
      try {
        await client.send(new CompleteMultipartUploadCommand(request));
      } catch (error) {
        // So S3 answers for an upload that was aborted, and for one that was completed.
        if ((error as Error).name !== 'NoSuchUpload') throw error;
        await readFirstByte(client, object).catch((missing: Error) => {
          // Without s3:ListBucket S3 does not say that an object is not there.
          if (missing.name !== 'NoSuchKey' && missing.name !== 'AccessDenied') throw missing;
          throw new PreconditionFailed(
            `The upload of ${key} has ended, and its object does not exist: it was discarded, or is more than a day old. ${BEGIN_AGAIN}`,
          );
        });
      }
    },
    refusals,
  );
}

/**
 * Removes the object, and what was uploaded of it. May be run twice, and after either has gone by itself.
 * @param uploadId empty where no upload was begun
 * @throws PreconditionFailed, AwsUnavailable
 */
export async function discardUpload(key: string, uploadId: string): Promise<void> {
  const object = { Bucket: stagingBucket(), Key: key };
  await withS3(`the removal of ${key}`, async (client) => {
    if (uploadId !== '') {
      await client.send(new AbortMultipartUploadCommand({ ...object, UploadId: uploadId })).catch((error: Error) => {
        if (error.name !== 'NoSuchUpload') throw error;
      });
    }
    await client.send(new DeleteObjectCommand(object));
  });
}
