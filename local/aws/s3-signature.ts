import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import { S3Error } from './s3-error.ts';
import { type S3Request, SIGNATURE_QUERY } from './s3-requests.ts';

/** Who may use an endpoint, and the region that they have to sign for. */
export interface S3Credentials {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Received extends S3Request {
  method: string;
  headers: IncomingHttpHeaders;
}

const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60;
const UNSIGNED = 'UNSIGNED-PAYLOAD';

/** Node's hashes, as the signer wants them. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array);
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

/** The access key and the session's token that a request says it is signed with. */
export function claimedKey({ headers, query }: Received): { accessKeyId: string; sessionToken: string | undefined } {
  const [, ofHeader] = /Credential=([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  const [ofUrl = ''] = (query.get('X-Amz-Credential') ?? '').split('/');
  const token = headers['x-amz-security-token'] ?? query.get('X-Amz-Security-Token');
  return { accessKeyId: ofHeader ?? ofUrl, sessionToken: token === undefined ? undefined : String(token) };
}

/**
 * Verifies a request's signature, in its header or in its URL: it is signed once more, and has to come out the same.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * @returns the SHA-256 that its body must have; undefined where that was not signed
 * @throws S3Error
 */
export async function verifySignature(request: Received, credentials: S3Credentials): Promise<string | undefined> {
  const { authorization } = request.headers;
  const presigned = request.query.has('X-Amz-Signature');
  if (authorization !== undefined && presigned) {
    throw new S3Error(400, 'InvalidArgument', 'Only one auth mechanism allowed');
  }
  if (authorization === undefined && !presigned) throw new S3Error(403, 'AccessDenied', 'Access Denied');
  const signer = new SignatureV4({ ...credentials, credentials, service: 's3', sha256: Sha256, uriEscapePath: false });
  return presigned ? verifyUrl(request, signer, credentials) : verifyHeader(request, signer, credentials);
}

async function verifyUrl(request: Received, signer: SignatureV4, { accessKeyId }: S3Credentials): Promise<undefined> {
  const given = (name: string) => request.query.get(`X-Amz-${name}`) ?? '';
  requireKey(given('Credential'), accessKeyId);
  const refuse = (message: string) => new S3Error(400, 'AuthorizationQueryParametersError', message);
  const expiresIn = Number(given('Expires'));
  if (!/^\d+$/.test(given('Expires')) || expiresIn < 1 || expiresIn > MAX_EXPIRES_SECONDS) {
    throw refuse(`X-Amz-Expires must be from 1 to ${MAX_EXPIRES_SECONDS} seconds`);
  }
  const signingDate = readDate(given('Date'));
  if (!signingDate) throw refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const ageMs = Date.now() - signingDate.getTime();
  if (ageMs < -MAX_SKEW_MS) throw new S3Error(403, 'AccessDenied', 'Request is not valid yet');
  if (ageMs > expiresIn * 1000) throw new S3Error(403, 'AccessDenied', 'Request has expired');
  const expected = await signer.presign(
    {
      ...unsigned(request),
      headers: { ...signedHeaders(request, given('SignedHeaders')), 'X-Amz-Content-Sha256': UNSIGNED },
    },
    { signingDate, expiresIn },
  );
  requireEqual(
    SIGNATURE_QUERY.map((name) => request.query.get(name)).join('\n'),
    SIGNATURE_QUERY.map((name) => expected.query?.[name]).join('\n'),
  );
}

async function verifyHeader(
  request: Received,
  signer: SignatureV4,
  { accessKeyId }: S3Credentials,
): Promise<string | undefined> {
  const { authorization = '', 'x-amz-content-sha256': payload, 'x-amz-date': date } = request.headers;
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,\s]+), SignedHeaders=([^,\s]+), Signature=[0-9a-f]{64}$/.exec(
    authorization,
  );
  if (!parts) throw new S3Error(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed.');
  const [, credential = '', names = ''] = parts;
  requireKey(credential, accessKeyId);
  if (payload !== UNSIGNED && !/^[0-9a-f]{64}$/.test(String(payload))) {
    throw new S3Error(400, 'InvalidArgument', `x-amz-content-sha256 must be ${UNSIGNED} or a valid sha256 value.`);
  }
  const signingDate = readDate(String(date));
  if (!signingDate)
    throw new S3Error(403, 'AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (Math.abs(Date.now() - signingDate.getTime()) > MAX_SKEW_MS) {
    throw new S3Error(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    );
  }
  const expected = await signer.sign({ ...unsigned(request), headers: signedHeaders(request, names) }, { signingDate });
  requireEqual(authorization, expected.headers.authorization);
  return payload === UNSIGNED ? undefined : String(payload);
}

/** What was signed, but for its headers. */
function unsigned({ method, path, query }: Received) {
  const others = [...query].filter(([name]) => !SIGNATURE_QUERY.includes(name));
  return { method, protocol: 'http:', hostname: '', path, query: Object.fromEntries(others) };
}

/** S3 wants the host signed, and every header of its own. @throws S3Error */
function signedHeaders({ headers }: Received, names: string): Record<string, string> {
  const signed = names.split(';');
  const missing = Object.keys(headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  if (missing.length > 0) {
    throw new S3Error(
      403,
      'AccessDenied',
      `There were headers present in the request which were not signed: ${missing.join(', ')}`,
    );
  }
  return Object.fromEntries(signed.map((name) => [name, String(headers[name] ?? '')]));
}

function requireKey(credential: string, accessKeyId: string): void {
  if (credential.split('/')[0] === accessKeyId) return;
  throw new S3Error(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
}

function requireEqual(given: string, expected: string | undefined): void {
  const [one, other] = [given, expected].map((text) => createHash('sha256').update(String(text)).digest());
  if (one && other && timingSafeEqual(one, other)) return;
  throw new S3Error(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  );
}

/** `20261122T225742Z` */
function readDate(text: string): Date | undefined {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const date = new Date(iso);
  return iso === text || Number.isNaN(date.getTime()) ? undefined : date;
}
