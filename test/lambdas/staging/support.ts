import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import type { S3Options } from '../../../local/aws/s3.ts';
import { BUCKET, CREDENTIALS, serveBucket } from '../../local/aws/s3-bucket.ts';

function pointTo(url: string, credentials = CREDENTIALS): void {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_REGION', credentials.region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  vi.stubEnv('AWS_ENDPOINT_URL_S3', url);
  vi.stubEnv('STAGING_BUCKET', BUCKET);
}

/** Points the steps to an empty staging bucket for the rest of the test. @returns its endpoint's URL */
export async function serveStaging(options: Partial<S3Options> = {}): Promise<string> {
  const { url } = await serveBucket(options);
  pointTo(url, options.credentials);
  return url;
}

/** Points the steps to an S3 that always answers so, for the rest of the test. */
export async function serveRefusal(status: number, code: string): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'Content-Type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>in the words of S3</Message></Error>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  pointTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
