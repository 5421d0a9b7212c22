import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { onTestFinished, vi } from 'vitest';
import type { AwsEndpoint } from '../../../local/aws/endpoint.ts';
import { type S3Options, serveS3 } from '../../../local/aws/s3.ts';

export const BUCKET = 'staging-bucket';
export const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'a secret' };
export const KEY = 'orders/run-1.db.gz';
export const MIN_PART_BYTES = 5 * 1024 * 1024;

/** The endpoint, with one empty bucket, for the rest of the test. */
export async function serveBucket(options: Partial<S3Options> = {}): Promise<AwsEndpoint> {
  const defaults = { address: '127.0.0.1', credentials: CREDENTIALS, buckets: [BUCKET], folders: {} };
  const endpoint = await serveS3({ ...defaults, ...options });
  onTestFinished(() => endpoint.close());
  return endpoint;
}

/** As in a Lambda function, and without repetitions. */
export function clientOf(endpoint: AwsEndpoint, credentials = CREDENTIALS): S3Client {
  const client = new S3Client({
    endpoint: endpoint.url,
    region: credentials.region,
    credentials,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** What the endpoint or the SDK says of a refusal. */
export async function refusalOf(sending: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await sending;
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode };
  }
  throw new Error('It was not refused.');
}

/** The `<Code>` of a refusal that was fetched. */
export async function codeOf(response: Response): Promise<[number, string | undefined]> {
  return [response.status, /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1]];
}

export async function begin(client: S3Client, Key: string): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
  return { Bucket: BUCKET, Key, UploadId };
}

/** Uploads these parts by presigned URLs, as a host does, and makes them an object. */
export async function upload(client: S3Client, Key: string, ...parts: Buffer[]) {
  const upload = await begin(client, Key);
  const Parts: { PartNumber: number; ETag: string }[] = [];
  for (const [at, body] of parts.entries()) {
    const PartNumber = at + 1;
    const url = await getSignedUrl(client, new UploadPartCommand({ ...upload, PartNumber }), { expiresIn: 60 });
    const response = await fetch(url, { method: 'PUT', body: new Uint8Array(body) });
    if (!response.ok) throw new Error(await response.text());
    Parts.push({ PartNumber, ETag: response.headers.get('etag') ?? '' });
  }
  return client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
}

/** @param Range such as `bytes=0-9` */
export async function download(client: S3Client, Key: string, Range?: string, Bucket = BUCKET): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 's3-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export function addPart(client: S3Client, to: Awaited<ReturnType<typeof begin>>, PartNumber: number, Body: Buffer) {
  return client.send(new UploadPartCommand({ ...to, PartNumber, Body }));
}

export function complete(
  client: S3Client,
  to: Awaited<ReturnType<typeof begin>>,
  ...parts: [number, string | undefined][]
) {
  const Parts = parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
  return client.send(new CompleteMultipartUploadCommand({ ...to, MultipartUpload: { Parts } }));
}

/** The files of the endpoint that is served next, by their sizes in bytes; its folder is empty where there is none. */
export async function ownTemporaryFiles(): Promise<() => Record<string, number>> {
  const folder = await temporaryFolder();
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return () =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, withFileTypes: true }).map(({ parentPath, name }) => [
        name,
        statSync(join(parentPath, name)).size,
      ]),
    );
}
