import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { freePorts, HOST } from '../../../local/etcd/ports.ts';

export interface Forwarder {
  port: number;
  close(): Promise<void>;
}

/**
 * Passes every connection on to a member's client port, as a balancer or a TLS terminator in front of it would.
 * @param target the member's client URL
 * @param certificate with which it speaks TLS to callers, in place of plain text; @param address where it listens
 */
export async function forwardTo(
  target: string,
  certificate?: { cert: string; key: string },
  address = HOST,
): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const pass = (caller: Socket) => {
    const member = connect({ host: HOST, port: Number(new URL(target).port) });
    for (const [from, to] of [
      [caller, member],
      [member, caller],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  };
  const server = certificate
    ? createTlsServer({ ...certificate, ALPNProtocols: ['h2'] }, pass).on('tlsClientError', () => undefined)
    : createServer(pass);
  server.on('connection', (socket) => sockets.add(socket));
  const { client: port } = await freePorts();
  server.listen(port, address);
  await once(server, 'listening');
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
