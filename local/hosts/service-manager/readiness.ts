import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

/**
 * A service of Type=notify counts as ready when its etcd answers a client. The datagrams of sd_notify(3) do not reach
 * Node, which has no unix sockets of that type. etcd notifies systemd when it has joined its cluster, which needs a quorum,
 * and begins to answer clients at the same moment. Its port accepts connections long before.
 */

const RETRY_MS = 50;

/**
 * Where etcd listens for clients, as it would find out: from its config file, if it has one, and nowhere else then; or else from
 * its flags, and last from its environment. The flags may be part of a shell's script.
 * @throws Error where nothing says so
 */
export function findClientUrl(args: readonly string[], environment: ReadonlyMap<string, string>): URL {
  const setting = (name: string) =>
    new RegExp(`(?:^|\\s)--?${name}(?:=|\\s+)["']?([^\\s"']+)`).exec(args.join(' '))?.[1] ??
    environment.get(`ETCD_${name.toUpperCase().replaceAll('-', '_')}`);
  const configFile = setting('config-file');
  const urls =
    configFile === undefined
      ? setting('listen-client-urls')
      : /^\s*["']?listen-client-urls["']?\s*:\s*["']?([^\s"'#]+)/m.exec(readFileSync(configFile, 'utf8'))?.[1];
  const url = URL.parse(urls?.split(',')[0] ?? '');
  if (url === null || !/^https?:$/.test(url.protocol) || url.port === '') {
    throw new Error(
      `Type=notify is supported for etcd alone, and ${configFile ?? 'neither its flags nor its environment'} ` +
        `${configFile === undefined ? 'say' : 'says'} its listen-client-urls (${urls ?? 'nothing found'}); use Type=exec`,
    );
  }
  return url;
}

/** Whether anything accepts connections there. */
export async function isListening(url: URL, signal: AbortSignal): Promise<boolean> {
  const outcome = await ask(signal, (accepted) => connect(addressOf(url), accepted));
  return outcome === 'accepted';
}

/**
 * Resolves when etcd answers at the URL.
 * @param isTaken whether another process had the port when etcd was started; then only an answer counts that comes after the port
 *   was seen closed
 * @returns false when the signal was raised first
 */
export async function untilAnswering(url: URL, isTaken: boolean, signal: AbortSignal): Promise<boolean> {
  let isForeign = isTaken;
  while (!signal.aborted) {
    const outcome = await ask(signal, url.protocol === 'https:' ? greetTls(url) : greetHttp(url));
    if (outcome === 'accepted' && !isForeign) return !signal.aborted;
    if (outcome === 'refused') isForeign = false;
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

/** Makes a connection, and calls back when it got so far as is asked for. */
type Greeting = (accepted: () => void) => Socket;

/** Where etcd does not answer yet, the question stays with it: it is answered at the very moment. */
function ask(signal: AbortSignal, greet: Greeting): Promise<'accepted' | 'refused' | 'closed'> {
  return new Promise((resolve) => {
    const socket = greet(() => {
      resolve('accepted');
      socket.destroy();
    });
    const giveUp = () => socket.destroy();
    signal.addEventListener('abort', giveUp, { once: true });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // An alert that refuses this client comes from etcd as well.
      if (error.code?.startsWith('ERR_SSL_')) resolve('accepted');
      else resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'closed');
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      resolve('closed');
    });
  });
}

function greetHttp(url: URL): Greeting {
  return (answered) => {
    const socket = connect(addressOf(url), () => socket.write('GET /version HTTP/1.0\r\n\r\n'));
    return socket.once('data', answered);
  };
}

/** The handshake is all that can be had without a certificate of the cluster's. */
function greetTls(url: URL): Greeting {
  return (answered) => connectTls({ ...addressOf(url), rejectUnauthorized: false }, answered);
}

/** The wildcard addresses are for listening only. */
function addressOf(url: URL): { host: string; port: number } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const reachable = new Map([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ]);
  return { host: reachable.get(host) ?? host, port: Number(url.port) };
}
