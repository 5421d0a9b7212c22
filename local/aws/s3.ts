import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PreconditionFailed } from '../../core/errors.ts';
import type { AwsError } from './aws-error.ts';
import { type AwsEndpoint, soleOwner } from './endpoint.ts';
import type { Caller, Iam } from './iam.ts';
import { permissionForS3 } from './permissions.ts';
import { errorXml, escapeXml, S3Error, xml } from './s3-error.ts';
import { FolderObjects } from './s3-folder.ts';
import {
  ENCRYPTION,
  listOf,
  partNumberOf,
  partsOf,
  rangeOf,
  readRequest,
  type S3Operation,
  type S3Request,
} from './s3-requests.ts';
import { claimedKey, type Received, type S3Credentials, verifySignature } from './s3-signature.ts';
import { bytesOf, type ObjectStore, requireSha256, StagedObjects, type StoredContent } from './s3-store.ts';

/** A list of 10,000 parts is shorter. */
const MAX_XML_BYTES = 2 * 1024 * 1024;
/** A part of a gibibyte may come through a slow line. */
const REQUEST_MS = 60 * 60_000;

export interface S3Options {
  /** Where it listens. Who reaches it still needs a signature. */
  address: string;
  /** 0 for any that is free. */
  port?: number;
  credentials: S3Credentials;
  /** Whose other credentials count, and what they may do. */
  iam?: Iam;
  /** The names of buckets that are empty at first, and gone at the end. */
  buckets: readonly string[];
  /** Folders that stand for buckets, by the bucket's name. */
  folders: Readonly<Record<string, string>>;
}

interface Call extends S3Request {
  request: IncomingMessage;
  response: ServerResponse;
  sha256: string | undefined;
}

/**
 * What the embedded platform knows of S3: uploads in parts, and reading, through the AWS SDK and presigned URLs. It is strict: an
 * operation, query, header or bucket that it does not know, and whatever is not signed with this run's key, is refused.
 */
export async function serveS3({
  address,
  port: wanted = 0,
  credentials,
  iam = soleOwner(credentials.accessKeyId),
  buckets,
  folders,
}: S3Options): Promise<AwsEndpoint> {
  const stores = new Map<string, ObjectStore>();
  for (const name of buckets) stores.set(name, await StagedObjects.open());
  for (const [name, folder] of Object.entries(folders)) stores.set(name, await FolderObjects.open(folder));
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const call = readRequest(request);
    const { method = '', headers } = request;
    const received = { ...call, method, headers };
    const caller = callerOf(received, iam);
    const sha256 = await verifySignature(received, caller?.role ? { ...credentials, ...caller } : credentials);
    if (caller) requirePermission(received, caller, iam);
    const objects = stores.get(call.bucket);
    if (!objects) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
    await ANSWERS[call.operation]({ ...call, request, response, sha256 }, objects);
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch((error: unknown) => {
      // What was sent cannot be taken back: the reader sees that it is too short.
      if (response.headersSent) response.destroy();
      else refuse(response, error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error)));
    });
  };
  const server = createServer({ requestTimeout: REQUEST_MS }, answer);
  // A client that asks before it sends a large body hears of a refusal first.
  server.on('checkContinue', answer);
  const close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    for (const objects of stores.values()) objects.close();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, address, resolve);
  }).catch(async (error: Error) => {
    await close();
    throw new PreconditionFailed(
      `The staging bucket cannot be served at ${address}: ${error.message}. Give --staging-address with another address of this machine or another port.`,
    );
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${isIPv6(address) ? `[${address}]` : address}:${port}`, close };
}

/** Undefined where nobody has such a key: the signature then is not right either. @throws S3Error where a session is over */
function callerOf(received: Received, iam: Iam): Caller | undefined {
  const { accessKeyId, sessionToken } = claimedKey(received);
  try {
    return iam.callerOf(accessKeyId, sessionToken);
  } catch (error) {
    if ((error as AwsError).type === 'ExpiredTokenException') {
      throw new S3Error(400, 'ExpiredToken', 'The provided token has expired.');
    }
    return undefined;
  }
}

/** @throws S3Error `AccessDenied` */
function requirePermission({ operation, bucket, key, query, headers }: Received, caller: Caller, iam: Iam): void {
  const [kind, keyId] = ENCRYPTION.map((name) => headers[name]);
  const prefix = query.get('prefix');
  const mayEncrypt =
    kind === undefined ||
    (kind === 'aws:kms' && iam.may(caller, { action: 'kms:GenerateDataKey', resource: String(keyId) }));
  const context = prefix === undefined ? {} : { 's3:prefix': prefix };
  if (mayEncrypt && iam.may(caller, permissionForS3(operation, bucket, key), context)) return;
  throw new S3Error(403, 'AccessDenied', 'Access Denied');
}

const ANSWERS: Readonly<Record<S3Operation, (call: Call, objects: ObjectStore) => void | Promise<void>>> = {
  ListObjectsV2: async (call, objects) => {
    const { prefix, after, most } = listOf(call);
    const found = (await objects.list())
      .filter(({ key }) => key.startsWith(prefix) && compareBytes(key, after) > 0)
      .toSorted((a, b) => compareBytes(a.key, b.key));
    const page = found.slice(0, most);
    const contents = page.map(
      ({ key, sizeBytes, etag, modified }) =>
        `<Contents><Key>${escapeXml(key)}</Key><LastModified>${modified.toISOString()}</LastModified>` +
        `<ETag>&quot;${etag}&quot;</ETag><Size>${sizeBytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
    );
    const next =
      found.length > page.length
        ? `<NextContinuationToken>${escapeXml(page.at(-1)?.key ?? '')}</NextContinuationToken>`
        : '';
    const about =
      `<Name>${escapeXml(call.bucket)}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount>` +
      `<MaxKeys>${most}</MaxKeys><IsTruncated>${next !== ''}</IsTruncated>${next}`;
    sendXml(call.response, `<ListBucketResult>${about}${contents.join('')}</ListBucketResult>`);
  },
  PutObject: async (call, objects) => {
    const { request, response, key, sha256 } = call;
    requireLength(request);
    if (request.headers.expect !== undefined) response.writeContinue();
    const etag = await objects.put(key, request, sha256);
    response.writeHead(200, { ETag: `"${etag}"`, 'Content-Length': 0 }).end();
  },
  CreateMultipartUpload: async (call, objects) => {
    await readBody(call);
    const names = `<Bucket>${escapeXml(call.bucket)}</Bucket><Key>${escapeXml(call.key)}</Key>`;
    const result = `${names}<UploadId>${objects.begin(call.key)}</UploadId>`;
    sendXml(call.response, `<InitiateMultipartUploadResult>${result}</InitiateMultipartUploadResult>`);
  },
  UploadPart: async (call, objects) => {
    const { request, response, key, query, sha256 } = call;
    requireLength(request);
    const partNumber = partNumberOf(call);
    if (request.headers.expect !== undefined) response.writeContinue();
    const etag = await objects.addPart(key, query.get('uploadId') ?? '', partNumber, request, sha256);
    response.writeHead(200, { ETag: `"${etag}"`, 'Content-Length': 0 }).end();
  },
  CompleteMultipartUpload: async (call, objects) => {
    const parts = partsOf(await readBody(call));
    const etag = await objects.complete(call.key, call.query.get('uploadId') ?? '', parts);
    const names = `<Bucket>${escapeXml(call.bucket)}</Bucket><Key>${escapeXml(call.key)}</Key>`;
    const result = `${names}<ETag>&quot;${etag}&quot;</ETag>`;
    sendXml(call.response, `<CompleteMultipartUploadResult>${result}</CompleteMultipartUploadResult>`);
  },
  AbortMultipartUpload: ({ key, query, response }, objects) => {
    objects.abort(key, query.get('uploadId') ?? '');
    response.writeHead(204).end();
  },
  GetObject: async ({ request, response, key }, objects) => sendContent(request, response, await objects.get(key)),
  DeleteObject: async ({ key, response }, objects) => {
    await objects.delete(key);
    response.writeHead(204).end();
  },
};

/** S3 lists keys by their bytes. */
function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function requireLength({ headers }: IncomingMessage): void {
  if (headers['content-length'] !== undefined) return;
  throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
}

async function readBody({ request, response, sha256 }: Call): Promise<string> {
  if (request.headers.expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_XML_BYTES) throw new S3Error(400, 'EntityTooLarge', 'Your request is too long.');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  requireSha256(createHash('sha256').update(body).digest('hex'), sha256);
  return body.toString();
}

async function sendContent(request: IncomingMessage, response: ServerResponse, content: StoredContent): Promise<void> {
  const { sizeBytes, etag, modified } = content;
  const range = rangeOf(request.headers.range, sizeBytes);
  const { first, last } = range ?? { first: 0, last: sizeBytes - 1 };
  response.writeHead(range ? 206 : 200, {
    'Accept-Ranges': 'bytes',
    'Content-Length': last - first + 1,
    'Content-Type': 'application/octet-stream',
    ETag: `"${etag}"`,
    'Last-Modified': modified.toUTCString(),
    ...(range && { 'Content-Range': `bytes ${first}-${last}/${sizeBytes}` }),
  });
  await pipeline(Readable.from(bytesOf(content, first, last)), response);
}

function sendXml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'Content-Type': 'application/xml' }).end(xml(body));
}

function refuse(response: ServerResponse, error: S3Error): void {
  // Its body may not have been read: nothing else can come through this connection.
  response.writeHead(error.status, { 'Content-Type': 'application/xml', Connection: 'close' }).end(errorXml(error));
}
