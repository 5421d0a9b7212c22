import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Platform } from '../../local/platform.ts';
import { type Ended, type Running, startIn } from './command.ts';

export const ME = 'arn:aws:sts::000000000000:assumed-role/Responder/alice';

/** What the last line of `--json` may hold, of any command. */
export interface Result {
  outcome: string | null;
  id: string;
  [field: string]: unknown;
  report: { error: string; cause: string; outcome: string };
}

/** A terminal of somebody who has access to what is deployed. */
export interface Terminal {
  environment: Record<string, string>;
  type(...args: string[]): Promise<Ended>;
  start(...args: string[]): Running;
  close(): Promise<void>;
}

export async function terminalOf(platform: Platform): Promise<Terminal> {
  const sts = await serveIdentity();
  const environment = { ...platform.lambdas.environment, AWS_ENDPOINT_URL_STS: sts.url };
  return {
    environment,
    type: (...args) => startIn(environment, ...args).ended,
    start: (...args) => startIn(environment, ...args),
    close: sts.close,
  };
}

/** The JSON object alone on the last line of standard output, which has no other line. */
export function resultOf({ stdout, stderr }: Ended): Result {
  const lines = stdout.trimEnd().split('\n');
  if (lines.length !== 1) throw new Error(`Standard output has ${lines.length} lines: ${stdout}\n${stderr}`);
  return JSON.parse(lines[0] ?? '');
}

/** Knows everybody as the same person. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
async function serveIdentity() {
  const server = createServer((_, response) => {
    response
      .writeHead(200, { 'Content-Type': 'text/xml' })
      .end(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
          `<Arn>${ME}</Arn><UserId>A:alice</UserId><Account>000000000000</Account>` +
          '</GetCallerIdentityResult></GetCallerIdentityResponse>',
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** The endpoint at `url` by another one, which may be cut off. */
export async function throughProxy(url: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const proxy = {
    url: '',
    isAway: false,
    set away(away: boolean) {
      this.isAway = away;
      if (away) for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createTcpServer((from) => {
    if (proxy.isAway) {
      from.destroy();
      return;
    }
    const to = connect(Number(port), hostname);
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
