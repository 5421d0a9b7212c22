import { createServer, type Socket } from 'node:net';
import { freePorts, HOST } from '../../etcd/ports.ts';
import { type Answer, failure } from './answer.ts';
import { journalctl } from './journalctl.ts';
import type { ServiceManager } from './manager.ts';
import { readCall, writeAnswer } from './protocol.ts';
import { systemctl } from './systemctl.ts';

/** More than any call of a script's. */
const MAX_CALL_CHARS = 64 * 1024;

/** What programs can call a service manager through. */
export interface Switchboard {
  port: number;
  /** Ends it; calls that wait for something are cut off. */
  close(): Promise<void>;
}

/** Lets the programs of a host use its service manager. */
export async function serve(manager: ServiceManager, token: string): Promise<Switchboard> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A caller that was cut off does not wait for its answer.
    socket.on('error', () => undefined);
    answer(socket, manager, token);
  });
  const { client: port } = await freePorts();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(socket: Socket, manager: ServiceManager, token: string): void {
  let received = '';
  const reply = (given: Answer) => socket.end(writeAnswer(given));
  socket.setEncoding('utf8').on('data', (data: string) => {
    received += data;
    if (received.length > MAX_CALL_CHARS) return void socket.destroy();
    try {
      const call = readCall(received, token);
      if (!call) return;
      received = '';
      const perform = call.program === 'systemctl' ? systemctl : journalctl;
      Promise.resolve(perform(manager, call.args)).then(reply, (error: unknown) => reply(failure(1, String(error))));
    } catch (error) {
      reply(failure(1, error instanceof Error ? error.message : String(error)));
    }
  });
}
