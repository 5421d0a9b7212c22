import { createServer, type Socket } from 'node:net';
import { freePorts, HOST } from '../../etcd/ports.ts';
import type { ServiceManager } from './manager.ts';
import { type Answer, failure, journalctl, systemctl } from './systemctl.ts';

/**
 * How the programs in a host's bin folder talk to its service manager: over TCP on loopback, which bash can do by itself, so that a
 * call takes milliseconds. The words of a call are each ended by a NUL: the token, how many follow, the program, its arguments.
 * The answer is lines: `o` and `e` begin one of standard output and standard error, `x` the exit code, which is the last. `c` begins how many bytes
 * of standard output follow as they are: from a socket bash reads lines a byte at a time, which takes a second for a long log.
 */
export const PROGRAMS = ['systemctl', 'journalctl'];

/** More than any call of a script's. */
const MAX_CALL_CHARS = 64 * 1024;
/** What is shorter bash has read before another program would have been started. */
const SHORT_BYTES = 1024;

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

/** The script that stands for one of systemd's programs. `token` keeps out the machine's other users, who cannot read this script. */
export function clientScript(port: number, token: string, program: string): string {
  return `#!/usr/bin/env bash
exec 3<> /dev/tcp/127.0.0.1/${port} || exit 1
printf '%s\\0' ${token} $(($# + 1)) ${program} "$@" >&3
while IFS= read -r line <&3; do
  case $line in
    o*) printf '%s\\n' "\${line#?}" ;;
    c*) head -c "\${line#?}" <&3 ;;
    e*) printf '%s\\n' "\${line#?}" >&2 ;;
    x*) exit "\${line#?}" ;;
  esac
done
echo 'The service manager of this host was closed.' >&2
exit 1
`;
}

/**
 * @param received what has come so far
 * @returns undefined as long as the call is not complete
 * @throws Error for a caller without the token
 */
function readCall(received: string, token: string): { program: string; args: string[] } | undefined {
  const words = received.split('\0');
  if (words.length > 1 && words[0] !== token) throw new Error('This is the service manager of another host.');
  const count = Number(words[1]);
  if (words.length < 3 || words.length - 3 < count) return undefined;
  const [program = '', ...args] = words.slice(2, 2 + count);
  return { program, args };
}

function writeAnswer({ exitCode, stdout, stderr }: Answer): string {
  const lines = (text: string, mark: string) =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark}${line}`);
  const end = [...lines(stderr, 'e'), `x${exitCode}`];
  const bytes = Buffer.byteLength(stdout);
  if (bytes > SHORT_BYTES) return `c${bytes}\n${stdout}${end.join('\n')}\n`;
  return `${[...lines(stdout, 'o'), ...end].join('\n')}\n`;
}
