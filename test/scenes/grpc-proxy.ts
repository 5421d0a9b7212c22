import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { freePorts, HOST } from '../../local/etcd/ports.ts';

/** Where a call is held up: before the member has it, or after the member has answered and before the caller knows. */
export type Moment = 'before' | 'after';

/** @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export interface GrpcStatus {
  code: number;
  message: string;
}

export interface GrpcProxy {
  url: string;
  close(): Promise<void>;
}

/**
 * Stands between callers and one member, passes every call on, and tells of it at both moments, by its path (`/etcdserverpb.Auth/AuthEnable`). What
 * it has begun to pass on goes on when the caller is gone: a request that is on its way cannot be called back.
 */
export async function serveGrpcProxy(
  target: string,
  onCall: (moment: Moment, path: string) => Promise<void>,
  /** What a caller is told in place of the member's answer. */
  rewrite: (path: string, body: Buffer) => Buffer = (_, body) => body,
  /** What a caller is refused with, before the member has the call. */
  refuse: (headers: IncomingHttpHeaders) => GrpcStatus | undefined = () => undefined,
): Promise<GrpcProxy> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    // As where the member itself is gone: the connection goes with it.
    pass(stream, headers).catch(() => stream.session?.destroy());
  });
  const { client: port } = await freePorts();
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    url: `http://${HOST}:${port}`,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };

  async function pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const path = String(headers[':path']);
    const body = await buffer(stream);
    const refusal = refuse(headers);
    if (refusal) {
      const { code, message } = refusal;
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': message },
        { endStream: true },
      );
      return;
    }
    await onCall('before', path);
    const upstream = connect(target);
    // A member that is down shows in the request, which fails.
    upstream.on('error', () => undefined);
    try {
      const request = upstream.request(headers);
      request.end(body);
      const answer = await answerOf(request);
      await onCall('after', path);
      if (!stream.destroyed) reply(stream, { ...answer, body: rewrite(path, answer.body) });
    } finally {
      upstream.destroy();
    }
  }
}

interface Answer {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Undefined for an error, which gRPC tells in the headers. */
  trailers: IncomingHttpHeaders | undefined;
}

async function answerOf(request: ClientHttp2Stream): Promise<Answer> {
  let trailers: IncomingHttpHeaders | undefined;
  request.on('trailers', (received) => {
    trailers = received;
  });
  const [headers] = (await once(request, 'response')) as [IncomingHttpHeaders];
  return { headers, body: await buffer(request), trailers };
}

function reply(stream: ServerHttp2Stream, { headers, body, trailers }: Answer): void {
  if (!trailers) {
    stream.respond(headers, { endStream: true });
    return;
  }
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  stream.end(body);
}
