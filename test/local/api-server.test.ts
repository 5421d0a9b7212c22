import { once } from 'node:events';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, serveApi } from '../../local/api-server.ts';

const LIMITS = { headersMs: 300, requestMs: 600 };

let server: ApiServer;
const invoked: APIGatewayProxyEvent[] = [];
beforeEach(async () => {
  invoked.length = 0;
  server = await serveApi(
    async (event) => {
      invoked.push(event);
      return { statusCode: 200, headers: {}, body: 'served' };
    },
    0,
    LIMITS,
  );
});
afterEach(() => server.close());

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

async function ask(options: RequestOptions = {}): Promise<Answer> {
  const { port } = new URL(server.url);
  const headers = { authorization: server.authorization, ...(options.headers as object) };
  const asked = request({ host: '127.0.0.1', port, path: '/clusters', ...options, headers }).end();
  const [response] = await once(asked, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** Bytes as they are sent, and all that comes back until the connection ends. */
async function converse(say: (socket: Socket) => void): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  // A connection that is cut while somebody still writes to it is what some of these wait for.
  socket.on('error', () => undefined);
  let heard = '';
  socket.on('data', (data) => {
    heard += data;
  });
  say(socket);
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

function head(...lines: string[]): string {
  const { host } = new URL(server.url);
  return [...lines, `Host: ${host}`, `Authorization: ${server.authorization}`, '', ''].join('\r\n');
}

describe('the header Host', () => {
  it.each(['127.0.0.1', 'localhost', 'LOCALHOST'])('may say %s, with the port', async (name) => {
    const { port } = new URL(server.url);
    expect(await ask({ headers: { host: `${name}:${port}` } })).toMatchObject({ status: 200, body: 'served' });
  });

  it.each([
    ['a name that somebody has let point to this machine', 'evil.example:PORT'],
    ['a name that begins like this machine', '127.0.0.1.evil.example:PORT'],
    ['a name that ends like this machine', 'evil.localhost:PORT'],
    ['another port', '127.0.0.1:1'],
    ['no port', '127.0.0.1'],
    ['another address of this machine', '127.0.0.2:PORT'],
    ['an address that is written differently', '2130706433:PORT'],
    ['more than one host', '127.0.0.1:PORT, evil.example'],
    ['a user', 'evil@127.0.0.1:PORT'],
  ])('is refused with the right token as well: %s', async (_, host) => {
    const { port } = new URL(server.url);
    const answer = await ask({ headers: { host: host.replace('PORT', port) } });
    expect(answer).toMatchObject({ status: 403, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      type: 'urn:etcd-remediation:problem:forbidden',
      detail: `The header Host is not of this server: ask for 127.0.0.1:${port} or localhost:${port}.`,
    });
    expect(invoked).toEqual([]);
  });
});

it.each(['Host:\r\n', ''])('a request that says no host is refused: %j', async (line) => {
  const heard = await converse((socket) => {
    socket.write(`GET /clusters HTTP/1.0\r\n${line}Authorization: ${server.authorization}\r\n\r\n`);
  });
  expect(heard).toMatch(/^HTTP\/1\.1 403 /);
  expect(invoked).toEqual([]);
});

describe('the target of a request', () => {
  it.each(['http://evil.example/clusters', '*', 'evil.example:443'])('must be a path, not %s', async (path) => {
    expect(await ask({ path })).toMatchObject({ status: 400 });
    expect(invoked).toEqual([]);
  });

  it('may be any path', async () => {
    await ask({ path: '//evil.example/clusters?a=b' });
    expect(invoked).toMatchObject([{ path: '//evil.example/clusters', queryStringParameters: { a: 'b' } }]);
  });
});

describe('a caller', () => {
  it.each([
    ['says nothing', () => undefined],
    ['does not end its headers', (socket: Socket) => socket.write('GET /clusters HTTP/1.1\r\nHost: a')],
    [
      'sends a header now and then',
      (socket: Socket) => {
        socket.write('GET /clusters HTTP/1.1\r\n');
        const timer = setInterval(() => socket.write('X-More: 1\r\n'), 100);
        socket.once('close', () => clearInterval(timer));
      },
    ],
    [
      'does not send the body that it has promised',
      (socket: Socket) => socket.write(head('POST /clusters HTTP/1.1', 'Content-Length: 100')),
    ],
    [
      'sends its body byte by byte',
      (socket: Socket) => {
        socket.write(head('POST /clusters HTTP/1.1', 'Content-Length: 1000'));
        const timer = setInterval(() => socket.write('x'), 100);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ])('that %s is given up', async (_, say) => {
    const heard = await converse(say);
    expect(heard).toMatch(/^$|^HTTP\/1\.1 408 /);
    expect(invoked).toEqual([]);
  });

  it.each([
    ['has promised it', ['Content-Length: 99999999'], 'x'],
    [
      'has only begun with it',
      ['Transfer-Encoding: chunked'],
      `${(16 * 2 ** 20).toString(16)}\r\n${'x'.repeat(11 * 2 ** 20)}`,
    ],
  ])('that sends too large a body is answered when it %s, and then given up', async (_, lines, body) => {
    const heard = await converse((socket) => {
      socket.write(head('POST /clusters HTTP/1.1', ...lines));
      socket.write(body);
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
    expect(invoked).toEqual([]);
  });

  it('without the token is answered before its body is read, and then given up', async () => {
    const { host } = new URL(server.url);
    const heard = await converse((socket) => {
      socket.write(`POST /clusters HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 50);
      socket.once('close', () => clearInterval(timer));
    });
    expect(heard).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('that has sent its request waits for its answer as long as that takes', async () => {
    await server.close();
    server = await serveApi(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, LIMITS.requestMs * 2));
        return { statusCode: 200, headers: {}, body: 'slow' };
      },
      0,
      LIMITS,
    );
    expect(await ask()).toMatchObject({ status: 200, body: 'slow' });
  });
});
