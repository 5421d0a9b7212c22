import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from './aws-error.ts';
import { type Caller, Iam, type Operation } from './iam.ts';
import { permissionsFor } from './permissions.ts';
import { escapeXml } from './s3-error.ts';

export interface AwsEndpoint {
  url: string;
  close(): Promise<void>;
}

/**
 * A loopback endpoint for AWS services that speak AWS JSON 1.1, and for STS, so that bundled Lambda functions use the AWS SDK as it is.
 * It is strict. It refuses an operation that it was not given, a field that the operation does not know, an unknown access key, and a role that
 * does not allow the operation.
 * @param operations by the value of `X-Amz-Target`, such as `AmazonSSM.GetParameter`; `sts.AssumeRole`
 * @param callers whose access keys count; or the one key that does, which may do everything
 */
export async function serveAwsEndpoint(
  operations: Record<string, Operation>,
  callers: Iam | string,
): Promise<AwsEndpoint> {
  const iam = typeof callers === 'string' ? soleOwner(callers) : callers;
  const server = createServer((request, response) => {
    const respond = request.headers['content-type']?.startsWith(FORM) ? sendXml : send;
    answer(request, operations, iam).then(
      (body) => respond(response, 200, body),
      (error: unknown) => {
        const { type, message } = error instanceof AwsError ? error : new AwsError('InternalFailure', String(error));
        respond(response, type === 'InternalFailure' ? 500 : 400, { __type: type, message });
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => close(server) };
}

async function answer(request: IncomingMessage, operations: Record<string, Operation>, iam: Iam): Promise<unknown> {
  const caller = callerOf(request, iam);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { target, body } = read(request, Buffer.concat(chunks).toString());
  const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
  if (!operation) throw new AwsError('UnknownOperationException', `This endpoint does not serve ${target}.`);
  // Whether a role may be assumed, STS finds out itself.
  if (caller.role && !target.startsWith('sts.')) iam.require(caller, ...permissionsFor(target, body));
  return operation(body, caller);
}

/** Who has sent a request, by its access key. @throws AwsError where that is nobody's */
export function callerOf({ headers }: IncomingMessage, iam: Iam): Caller {
  const [, accessKeyId = ''] = /Credential=([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  const token = headers['x-amz-security-token'];
  return iam.callerOf(accessKeyId, token === undefined ? undefined : String(token));
}

/** A caller with this one key may do everything. */
export function soleOwner(accessKeyId: string): Iam {
  return new Iam([], { accessKeyId, secretAccessKey: '' });
}

const FORM = 'application/x-www-form-urlencoded';

/** What is asked for: STS speaks AWS's query protocol. */
function read({ headers }: IncomingMessage, text: string): { target: string; body: Record<string, unknown> } {
  if (!headers['content-type']?.startsWith(FORM)) {
    return { target: String(headers['x-amz-target']), body: JSON.parse(text || '{}') };
  }
  const { Action, Version: _version, ...body } = Object.fromEntries(new URLSearchParams(text));
  return { target: `sts.${Action}`, body };
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
function sendXml(response: ServerResponse, status: number, body: unknown): void {
  const { __type: code, message = '', ...credentials } = body as Record<string, string>;
  const xml =
    code === undefined
      ? `<AssumeRoleResponse><AssumeRoleResult><Credentials>${xmlOf(credentials)}</Credentials></AssumeRoleResult></AssumeRoleResponse>`
      : `<ErrorResponse><Error><Type>Sender</Type>${xmlOf({ Code: code, Message: message })}</Error></ErrorResponse>`;
  response.writeHead(status, { 'Content-Type': 'text/xml' }).end(xml);
}

function xmlOf(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
    .join('');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The one text field that an operation takes. @throws AwsError `ValidationException` for any other field or type */
export function onlyField(request: Record<string, unknown>, field: string): string {
  const { [field]: value, ...others } = request;
  const unknown = Object.keys(others);
  if (typeof value !== 'string') throw new AwsError('ValidationException', `${field} must be a string.`);
  if (unknown.length > 0)
    throw new AwsError('ValidationException', `This endpoint does not know ${unknown.join(', ')}.`);
  return value;
}
