import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Every local cluster listens here, and nowhere else. */
export const HOST = '127.0.0.1';

/** Linux hands out ports from 32768 for outgoing connections: a peer that dials a stopped member up there may reach itself. */
const LOWEST = 12_000;
const HIGHEST = 32_767;

const handedOut = new Set<number>();

/**
 * Two neighbouring ports that nothing listens on. The start is random, so that processes which allocate at the same time
 * hardly ever meet; within this process no port is handed out twice.
 */
export async function freePorts(): Promise<{ client: number; peer: number }> {
  const tries = 100;
  for (let count = 0; count < tries; count++) {
    const client = randomInt(LOWEST, HIGHEST);
    const peer = client + 1;
    if (handedOut.has(client) || handedOut.has(peer)) continue;
    handedOut.add(client).add(peer);
    if ((await isFree(client)) && (await isFree(peer))) return { client, peer };
  }
  throw new Error(`${tries} random pairs of ports between ${LOWEST} and ${HIGHEST} on ${HOST} were all taken`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
