import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Answer, failure } from './answer.ts';
import { journalctl } from './journalctl.ts';
import type { ServiceManager } from './manager.ts';
import { requestSchema } from './protocol.ts';
import { systemctl } from './systemctl.ts';

/** What the path of a unix socket may take, on macOS, where it is less than on Linux. */
const MAX_PATH_BYTES = 103;

/**
 * Lets ./client.ts use a service manager.
 * @returns what ends it; calls that wait for something are cut off
 * @throws Error for a path that is too long for a socket
 */
export async function serve(manager: ServiceManager, path: string): Promise<() => Promise<void>> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(`${path} is too long for a unix socket (${MAX_PATH_BYTES} bytes); choose a shorter TMPDIR`);
  }
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A caller that was cut off does not wait for its answer.
    socket.on('error', () => undefined);
    text(socket)
      .then((request) => perform(manager, request))
      .catch((error: unknown) => failure(1, error instanceof Error ? error.message : String(error)))
      .then((answer) => socket.end(JSON.stringify(answer)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
}

async function perform(manager: ServiceManager, request: string): Promise<Answer> {
  const { program, args } = requestSchema.parse(JSON.parse(request));
  return program === 'systemctl' ? systemctl(manager, args) : journalctl(manager, args);
}
