import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived, with all of its body. */
export interface ArrivedRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export type Answer = (response: ServerResponse, request: ArrivedRequest) => void;

/** What nobody but the script and the server may come to know. */
export const SIGNATURE = '5ec7e7c0ffee';

/** Ports that Linux gives to outgoing connections begin at 32768. */
const PORTS = { first: 21_000, count: 10_000 };

/** An HTTP server on loopback that answers as a test says, and takes nothing else. */
export class ObjectServer implements AsyncDisposable {
  readonly requests: ArrivedRequest[] = [];
  /** For the next requests, in their order; the last one stays. */
  answers: Answer[] = [];
  /** Before a request is answered. */
  onRequest: () => void = () => undefined;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(...answers: Answer[]): Promise<ObjectServer> {
    const server = new ObjectServer();
    server.answers = answers;
    for (let tries = 0; ; tries++) {
      server.#server.listen(PORTS.first + Math.floor(Math.random() * PORTS.count), '127.0.0.1');
      try {
        await once(server.#server, 'listening');
        return server;
      } catch (error) {
        if (tries >= 20) throw error;
      }
    }
  }

  /** As S3 presigns it. */
  url(key = 'orders/run-1.db.gz'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/staging/${key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=${SIGNATURE}`;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', url = '', headers } = request;
    const arrived = { method, path: url.split('?')[0] ?? '', headers, body: Buffer.concat(chunks) };
    this.requests.push(arrived);
    this.onRequest();
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (!url.endsWith(`Signature=${SIGNATURE}`) || answer === undefined) refused(400, 'BadRequest')(response, arrived);
    else answer(response, arrived);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** GET */
export function object(content: Buffer): Answer {
  return (response, { method }) => {
    if (method !== 'GET') return refused(405, 'MethodNotAllowed')(response, {} as ArrivedRequest);
    response.writeHead(200, { 'Content-Length': content.length, ETag: '"x"' }).end(content);
  };
}

/** PUT, as S3 takes it: it wants to know the length first. */
export const partTaken: Answer = (response, { method, headers }) => {
  if (method !== 'PUT') return refused(405, 'MethodNotAllowed')(response, {} as ArrivedRequest);
  if (headers['content-length'] === undefined || headers['transfer-encoding'] !== undefined) {
    return refused(411, 'MissingContentLength')(response, {} as ArrivedRequest);
  }
  response.writeHead(200, { ETag: '"9b2cf535f27731c974343645a3985328"' }).end();
};

/** As S3 refuses. */
export function refused(status: number, code: string, message = 'Not so'): Answer {
  return (response) => {
    response
      .writeHead(status, { 'Content-Type': 'application/xml' })
      .end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  };
}

/** Ends the connection in the middle. */
export const cutOff: Answer = (response) => {
  response.writeHead(200, { 'Content-Length': 1_000_000 });
  response.write('only so much', () => response.destroy());
};
