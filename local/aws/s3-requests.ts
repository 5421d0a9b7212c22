import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

/** What the endpoint knows of S3: each operation by its method and what its query holds besides a signature. */
const OPERATIONS = {
  ListObjectsV2: { method: 'GET', query: ['list-type', 'prefix'], optional: ['continuation-token', 'max-keys'] },
  CreateMultipartUpload: { method: 'POST', query: ['uploads'] },
  UploadPart: { method: 'PUT', query: ['partNumber', 'uploadId'] },
  CompleteMultipartUpload: { method: 'POST', query: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', query: ['uploadId'] },
  GetObject: { method: 'GET', query: [] },
  PutObject: { method: 'PUT', query: [] },
  DeleteObject: { method: 'DELETE', query: [] },
} as const satisfies Record<string, { method: string; query: readonly string[]; optional?: readonly string[] }>;
export type S3Operation = keyof typeof OPERATIONS;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const MOST_KEYS = 1_000;

export const SIGNATURE_QUERY = [
  'X-Amz-Algorithm',
  'X-Amz-Content-Sha256',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
];

/** Headers that ask for something; of these the endpoint heeds few. Any other header means nothing to S3 either. */
const ASKING = /^(x-amz-.*|if-.*|content-.*|transfer-encoding|trailer|range|origin|access-control-.*)$/;
const HEEDED = [
  'content-length',
  'content-type',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-user-agent',
];
/** What only whoever begins an object may say. */
export const ENCRYPTION = ['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id'] as const;
const HEEDED_OF: Readonly<Partial<Record<S3Operation, readonly string[]>>> = {
  GetObject: ['range'],
  CreateMultipartUpload: ENCRYPTION,
  PutObject: ENCRYPTION,
};

export interface S3Request {
  operation: S3Operation;
  bucket: string;
  key: string;
  /** As it was sent, for that is what was signed. */
  path: string;
  query: ReadonlyMap<string, string>;
}

/** Which operation a request asks for. @throws S3Error for whatever this endpoint does not know */
export function readRequest({ method = '', url = '', headers }: IncomingMessage): S3Request {
  const [path = '', search = ''] = url.split(/\?(.*)/s);
  const query = readQuery(search);
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(decode(path)) ?? [];
  const names = [...query.keys()].filter((name) => !SIGNATURE_QUERY.includes(name) && name !== 'x-id').toSorted();
  const operation = (Object.keys(OPERATIONS) as S3Operation[]).find((name) => isAsked(name, method, names));
  const named = query.get('x-id');
  const isOfBucket = operation === 'ListObjectsV2';
  if (!operation || (key === '') !== isOfBucket || (named !== undefined && named !== operation)) {
    throw notImplemented(`${method} of ${key === '' ? 'a bucket' : 'an object'} with "${names.join(', ')}"`);
  }
  const unknown = Object.keys(headers).filter(
    (name) => ASKING.test(name) && !HEEDED.includes(name) && !HEEDED_OF[operation]?.includes(name),
  );
  if (unknown.length > 0) throw notImplemented(`the header ${unknown.join(', ')}`);
  return { operation, bucket, key, path, query };
}

/** @param names of its query, sorted */
function isAsked(operation: S3Operation, method: string, names: readonly string[]): boolean {
  const {
    method: own,
    query,
    optional = [],
  }: { method: string; query: readonly string[]; optional?: readonly string[] } = OPERATIONS[operation];
  const required = names.filter((name) => !optional.includes(name));
  return own === method && query.toString() === required.toString();
}

/** Which page of a list is asked for. @throws S3Error */
export function listOf({ query }: S3Request): { prefix: string; after: string; most: number } {
  if (query.get('list-type') !== '2') throw notImplemented('another list than that of version 2');
  const most = Number(query.get('max-keys') ?? MOST_KEYS);
  if (!Number.isInteger(most) || most < 1 || most > MOST_KEYS) throw notImplemented(`${most} keys on one page`);
  return { prefix: query.get('prefix') ?? '', after: query.get('continuation-token') ?? '', most };
}

/** The number of a part. @throws S3Error `InvalidArgument` */
export function partNumberOf({ query }: S3Request): number {
  const text = query.get('partNumber') ?? '';
  const partNumber = Number(text);
  if (/^\d+$/.test(text) && partNumber >= 1 && partNumber <= 10_000) return partNumber;
  throw new S3Error(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
}

/**
 * The first and last byte of what is wanted; all where nothing is said.
 * @throws S3Error `InvalidRange`, `NotImplemented` for several ranges
 */
export function rangeOf(header: string | undefined, sizeBytes: number): { first: number; last: number } | undefined {
  if (header === undefined) return undefined;
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === '' && to === '') throw notImplemented(`the range ${header}`);
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (first <= last) return { first, last };
  throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable');
}

/**
 * The parts that CompleteMultipartUpload lists, with their ETags without quotes.
 * @throws S3Error `MalformedXML`
 */
export function partsOf(body: string): { partNumber: number; etag: string }[] {
  const malformed = new S3Error(400, 'MalformedXML', 'The XML you provided was not well-formed.');
  const root = /^\s*(?:<\?xml[^>]*\?>\s*)?<CompleteMultipartUpload(?:\s[^>]*)?>(.*)<\/CompleteMultipartUpload>\s*$/s;
  const list = root.exec(body)?.[1] ?? '';
  const parts = [...list.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => {
    const etag = /<ETag>(?:"|&quot;|&#34;)?([0-9a-f]{32})(?:"|&quot;|&#34;)?<\/ETag>/.exec(part);
    const partNumber = /<PartNumber>(\d+)<\/PartNumber>/.exec(part);
    if (!etag?.[1] || !partNumber || part.length !== etag[0].length + partNumber[0].length) throw malformed;
    return { partNumber: Number(partNumber[1]), etag: etag[1] };
  });
  if (parts.length === 0 || list.replaceAll(/<Part>.*?<\/Part>/gs, '').trim() !== '') throw malformed;
  return parts;
}

function notImplemented(what: string): S3Error {
  return new S3Error(501, 'NotImplemented', `This endpoint does not know ${what}.`);
}

function readQuery(search: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of search.split('&').filter((each) => each !== '')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decode);
    if (query.has(name)) throw new S3Error(400, 'InvalidArgument', `The query holds ${name} twice.`);
    query.set(name, value);
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
}
