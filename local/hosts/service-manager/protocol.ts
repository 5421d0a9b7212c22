import * as z from 'zod';
import type { Answer } from './answer.ts';

/**
 * How the programs in a host's bin folder talk to its service manager: over TCP on loopback, which bash can do by itself, so that a
 * call takes milliseconds. The words of a call are each ended by a NUL: the token, how many follow, the program, its arguments.
 * The answer is lines: `o` and `e` begin one of standard output and standard error, `x` the exit code, which is the last.
 */

export const PROGRAMS = ['systemctl', 'journalctl'] as const;

const callSchema = z.strictObject({ program: z.enum(PROGRAMS), args: z.array(z.string()) });
type Call = z.output<typeof callSchema>;

/** The script that stands for one of systemd's programs. `token` keeps out the machine's other users, who cannot read this script. */
export function clientScript(port: number, token: string, program: string): string {
  return `#!/usr/bin/env bash
exec 3<> /dev/tcp/127.0.0.1/${port} || exit 1
printf '%s\\0' ${token} $(($# + 1)) ${program} "$@" >&3
while IFS= read -r line <&3; do
  case $line in
    o*) printf '%s\\n' "\${line#?}" ;;
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
 * @throws Error for a caller without the token, or a call that this host does not know
 */
export function readCall(received: string, token: string): Call | undefined {
  const words = received.split('\0');
  if (words.length > 1 && words[0] !== token) throw new Error('This is the service manager of another host.');
  const count = Number(words[1]);
  if (words.length < 3 || words.length - 3 < count) return undefined;
  const [program, ...args] = words.slice(2, 2 + count);
  return callSchema.parse({ program, args });
}

export function writeAnswer({ exitCode, stdout, stderr }: Answer): string {
  const lines = (text: string, mark: string) =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark}${line}`);
  return [...lines(stdout, 'o'), ...lines(stderr, 'e'), `x${exitCode}`].map((line) => `${line}\n`).join('');
}
