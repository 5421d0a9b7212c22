import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AWS_CLIENT, requireRefusal } from '../../client/aws.ts';
import { PreconditionFailed, RemediationError } from '../../core/errors.ts';
import type { SessionCredentials } from '../cluster-session.ts';

/**
 * S3 begins its answer to the end of a large upload only after a while.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
const REQUEST_TIMEOUT_MS = 60_000;

const S3_CLIENT = {
  ...AWS_CLIENT,
  requestHandler: { ...AWS_CLIENT.requestHandler, requestTimeout: REQUEST_TIMEOUT_MS },
  // By itself the SDK puts checksums into a presigned URL, and anyone who uses it would have to send them.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const;

/** What S3 refused with, and what that means to a responder. */
export type Refusals = Readonly<Record<string, string>>;

const DEPLOY_AGAIN = 'The deployed permissions or environment are not those of this version: deploy again.';

/** The bucket through which snapshots get from host to host. @throws PreconditionFailed where it was not deployed */
export function stagingBucket(): string {
  const name = process.env.STAGING_BUCKET;
  if (name) return name;
  throw new PreconditionFailed(
    `This step does not know the staging bucket: STAGING_BUCKET is not set. ${DEPLOY_AGAIN}`,
  );
}

/**
 * Runs calls of S3, with what it refuses as errors of the taxonomy.
 * @param subject what is asked for
 * @param refusals what the error codes of S3 mean here
 * @param credentials of a cluster's role, for its backups; the function's own, if not said
 * @throws PreconditionFailed, AwsUnavailable
 */
export async function withS3<Result>(
  subject: string,
  run: (client: S3Client) => Promise<Result>,
  refusals: Refusals = {},
  credentials?: SessionCredentials,
): Promise<Result> {
  const client = new S3Client({ ...S3_CLIENT, ...(credentials && { credentials }) });
  try {
    return await run(client);
  } catch (error) {
    if (error instanceof RemediationError) throw error;
    const { name, message } = requireRefusal(error, `S3, asked for ${subject},`);
    throw new PreconditionFailed(
      `${subject}: S3 refused it: ${name}: ${message}\n${Object.hasOwn(refusals, name) ? refusals[name] : DEPLOY_AGAIN}`,
    );
  } finally {
    client.destroy();
  }
}

/** Reads the first byte of an object: unlike HEAD, whose answer has no body, S3 then says why it refuses. */
export async function readFirstByte(client: S3Client, object: { Bucket: string; Key: string }): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ ...object, Range: 'bytes=0-0' }));
  await Body?.transformToByteArray();
}
