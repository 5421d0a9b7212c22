import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A refusal as AWS's JSON protocol has it: the error's type and a message. */
export class AwsError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** The answer to one operation, or a promise of it. Receives the request's JSON; throws {@link AwsError} to refuse. */
export type Operation = (request: Record<string, unknown>) => unknown;

export interface AwsEndpoint {
  url: string;
  close(): Promise<void>;
}

/**
 * A loopback endpoint for AWS services that speak AWS JSON 1.1, so that bundled Lambda functions use the AWS SDK as it is.
 * It is strict: an operation that it was not given, a field that an operation does not know, or a caller without this run's access
 * key is refused.
 * @param operations by the value of `X-Amz-Target`, such as `AmazonSSM.GetParameter`
 */
export async function serveAwsEndpoint(
  operations: Record<string, Operation>,
  accessKeyId: string,
): Promise<AwsEndpoint> {
  const server = createServer((request, response) => {
    answer(request, operations, accessKeyId).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        const { type, message } = error instanceof AwsError ? error : new AwsError('InternalFailure', String(error));
        send(response, type === 'InternalFailure' ? 500 : 400, { __type: type, message });
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  operations: Record<string, Operation>,
  accessKeyId: string,
): Promise<unknown> {
  if (!request.headers.authorization?.includes(`Credential=${accessKeyId}/`)) {
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const target = String(request.headers['x-amz-target']);
  const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
  if (!operation) throw new AwsError('UnknownOperationException', `This endpoint does not serve ${target}.`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return operation(JSON.parse(Buffer.concat(chunks).toString() || '{}'));
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
