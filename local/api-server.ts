import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { PROBLEMS, type ProblemKind, problemType } from '../core/api/problems.ts';
import { PreconditionFailed } from '../core/errors.ts';
import { ExecutionError } from './asl/errors.ts';

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** A caller that has not sent its request by then is given up; API Gateway has read it before the function is called. */
const LIMITS = { headersMs: 10_000, requestMs: 30_000 };
/** How often callers that are late are looked for. */
const LOOK_EVERY_MS = 1_000;
const MAX_CONNECTIONS = 100;
/** How long a caller that is answered before its request was read may go on sending. */
const LINGER_MS = 1_000;

export interface ApiServer {
  /** Without a path. */
  url: string;
  /** The value of the header `Authorization` that each request needs. */
  authorization: string;
  close(): Promise<void>;
}

/**
 * Stands for API Gateway on loopback: turns requests into the events of a proxy integration, and the function's results into responses. A signature it does
 * not know; a caller needs the server's own token instead, which no other user of this machine has, and no page in a browser. A page whose name someone
 * has pointed at this machine is recognised by the name: it says another host than this one.
 * @param invoke the API's function @param port 0 for any that is free @param limits how long a caller may take to send its request
 * @throws PreconditionFailed where the port is taken, or not this user's
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export async function serveApi(
  invoke: (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>,
  port: number,
  limits = LIMITS,
): Promise<ApiServer> {
  const authorization = `Bearer ${randomBytes(32).toString('base64url')}`;
  const timeouts = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, limits.headersMs),
  };
  const server = createServer(timeouts, (request, response) => {
    answer(request).then(
      (result) => send(request, response, result),
      () => response.destroy(),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  const hosts = new Set<string>();

  async function answer(request: IncomingMessage): Promise<APIGatewayProxyResult> {
    const { url: target = '' } = request;
    const requestId = randomUUID();
    const refuse = (kind: ProblemKind, detail: string) =>
      refusal(kind, { detail, instance: target.split('?', 1)[0], requestId });
    if (!hosts.has(request.headers.host?.toLowerCase() ?? '')) {
      return refuse('forbidden', `The header Host is not of this server: ask for ${[...hosts].join(' or ')}.`);
    }
    if (!target.startsWith('/')) return refuse('invalid-request', 'The target of the request must be a path.');
    const { pathname, searchParams } = new URL(`http://127.0.0.1${target}`);
    if (!isSame(request.headers.authorization ?? '', authorization)) {
      return refuse('forbidden', 'The header Authorization is not the one that this server has written to its file.');
    }
    const body = await read(request);
    if (body === undefined) return refuse('too-large', `The body has more than ${MAX_BODY_BYTES} bytes.`);
    const httpMethod = request.method ?? 'GET';
    const event = {
      ...placeOf(pathname),
      path: pathname,
      httpMethod,
      headers: singleValues(request.headers),
      queryStringParameters: Object.fromEntries(searchParams),
      body: body || null,
      isBase64Encoded: false,
      requestContext: {
        requestId,
        path: pathname,
        httpMethod,
        identity: { userArn: `local:${userInfo().username}` },
      },
    };
    try {
      return await invoke(event as unknown as APIGatewayProxyEvent);
    } catch (error) {
      if (!(error instanceof ExecutionError)) throw error;
      return refuse('unavailable', 'The function of the API did not answer.');
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch((error: Error) => {
    throw new PreconditionFailed(
      `The API cannot be served: ${error.message}. Give another port with --port; 0 is any that is free.`,
    );
  });
  const { port: own } = server.address() as AddressInfo;
  // A client leaves a port out that is its scheme's.
  for (const name of ['127.0.0.1', 'localhost']) hosts.add(new URL(`http://${name}:${own}`).host);
  return {
    url: `http://127.0.0.1:${own}`,
    authorization,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** In the API's two resources: one is the root, and the other takes every path below it. */
function placeOf(pathname: string): Pick<APIGatewayProxyEvent, 'resource' | 'pathParameters'> {
  if (pathname === '/') return { resource: '/', pathParameters: null };
  return { resource: '/{proxy+}', pathParameters: { proxy: pathname.slice(1) } };
}

/** @returns undefined for a body that is too large, of which the rest is not read */
async function read(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // An iterator that is left would destroy the request, and the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

function singleValues(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value = '']) => [name, String(value)]));
}

/** In a time that does not say how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function refusal(kind: ProblemKind, more: object): APIGatewayProxyResult {
  return {
    statusCode: PROBLEMS[kind].status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ type: problemType(kind), ...PROBLEMS[kind], ...more }),
  };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { statusCode, headers, body }: APIGatewayProxyResult,
): void {
  response.writeHead(statusCode, headers as Record<string, string>).end(body);
  if (request.complete) return;
  // It was answered before it was read: what still comes is passed over for a moment, in which its caller gets to read the answer.
  request.resume();
  const timer = setTimeout(() => request.complete || request.socket.destroy(), LINGER_MS);
  request.once('close', () => clearTimeout(timer));
}
