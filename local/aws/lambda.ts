import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExecutionError } from '../asl/errors.ts';
import { AwsError } from './aws-error.ts';
import { type AwsEndpoint, callerOf, soleOwner } from './endpoint.ts';
import type { Iam } from './iam.ts';

const INVOKE_PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/**
 * What the embedded platform knows of Lambda's API: Invoke, which waits for the result.
 * @param callers whose access keys count; or the one key that does, which may do everything
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function serveLambda(
  invoke: (functionArn: string, event: unknown) => Promise<unknown>,
  callers: Iam | string,
): Promise<AwsEndpoint> {
  const iam = typeof callers === 'string' ? soleOwner(callers) : callers;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) =>
      send(response, 500, 'ServiceException', { Message: String(error) }),
    );
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method, url = '' } = request;
    const [, name] = INVOKE_PATH.exec(url) ?? [];
    try {
      const caller = callerOf(request, iam);
      iam.require(caller, { action: 'lambda:InvokeFunction', resource: decodeURIComponent(name ?? '') });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      send(response, 403, error.type, { Message: error.message });
      return;
    }
    const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (method !== 'POST' || name === undefined || type !== 'RequestResponse') {
      send(response, 400, 'InvalidParameterValueException', {
        Message: `This endpoint does not serve ${type} ${method} ${url}.`,
      });
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    let event: unknown;
    try {
      event = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    } catch (error) {
      send(response, 400, 'InvalidRequestContentException', {
        Message: `Could not parse request body into json: ${(error as Error).message}`,
      });
      return;
    }
    try {
      const result = await invoke(decodeURIComponent(name), event);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(result ?? null));
    } catch (error) {
      if (!(error instanceof ExecutionError)) throw error;
      if (error.error === 'Lambda.ResourceNotFoundException') {
        send(response, 404, 'ResourceNotFoundException', { Message: error.cause });
        return;
      }
      // What the function threw is an answer of its own.
      response
        .writeHead(200, { 'Content-Type': 'application/json', 'X-Amz-Function-Error': 'Unhandled' })
        .end(error.cause);
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function send(response: ServerResponse, status: number, type: string, body: object): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'X-Amzn-ErrorType': type })
    .end(JSON.stringify(body));
}
