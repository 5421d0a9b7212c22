import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { freePorts, HOST } from '../../local/etcd/ports.ts';

export interface SlowLine {
  /** In the place of the member's client URL. */
  url: string;
  close(): Promise<void>;
}

/** Stands between callers and a member, and knows nothing of what they speak: what the member says takes so long on each connection. */
export async function slowLineTo(clientUrl: string, bytesPerSecond: number): Promise<SlowLine> {
  const { protocol, hostname: host, port: memberPort } = new URL(clientUrl);
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const member = connect({ host, port: Number(memberPort) });
    for (const [from, to] of [
      [caller, member],
      [member, caller],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
    }
    caller.pipe(member);
    member.pipe(slowed(bytesPerSecond)).pipe(caller);
  });
  const { client: port } = await freePorts();
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    url: `${protocol}//${HOST}:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function slowed(bytesPerSecond: number): Transform {
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      setTimeout(() => done(null, chunk), (1000 * chunk.length) / bytesPerSecond);
    },
  });
}
