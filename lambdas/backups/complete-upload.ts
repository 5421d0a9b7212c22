import { CompleteMultipartUploadCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

/**
 * Makes the object of its parts. May be run twice: S3 completes an upload again for a while, but it may also answer as for one that is gone, as other
 * stores do at once. Then the list tells whether the object is there. Whatever S3 refuses with goes through.
 * @param etags of the parts, in their order @param sizeBytes of the object
 */
export async function completeUpload(
  client: S3Client,
  { Bucket, Key, UploadId }: { Bucket: string; Key: string; UploadId: string | undefined },
  { etags, sizeBytes }: { etags: readonly (string | undefined)[]; sizeBytes: number },
): Promise<void> {
  const Parts = etags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
  try {
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    if ((error as Error).name !== 'NoSuchUpload') throw error;
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
    if (!Contents.some((found) => found.Key === Key && found.Size === sizeBytes)) throw error;
  }
}
