import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { parse } from '../../core/contracts/parse.ts';

const hostsFileSchema = z.record(
  z.string().min(1),
  z.strictObject({
    exec: z
      .array(z.string().min(1))
      .min(1, { error: 'must be a command, such as ["ssh", "-o", "BatchMode=yes", "10.0.1.11"]' }),
  }),
);

/** How a host is reached: a command that runs what it reads on standard input in a shell, such as ssh, nsenter or sh itself. */
export interface HostAccess {
  exec: readonly string[];
}

/** hosts.json: how each host is reached, by its ID in clusters.json. */
export type HostsFile = Readonly<Record<string, HostAccess>>;

/** @throws InvalidInput with every problem and its path */
export function parseHostsFile(value: unknown, file: string): HostsFile {
  return parse(hostsFileSchema, value, file);
}

/** How one run of a script ended. */
export interface ScriptRun {
  /** Whether the script began at all: where it did not, the host was not reached and nothing happened there. */
  started: boolean;
  /** Null where it was cut off. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface ScriptLimits {
  timeoutMs: number;
  /** Cuts the script off. */
  signal?: AbortSignal;
}

/** Of each of the two outputs; a script that writes without end must not fill this process's memory. */
const MAX_OUTPUT_CHARS = 1024 * 1024;
/** For the way to the host and back, on top of what the script may take. */
const TRANSPORT_MS = 15_000;

/**
 * Runs a script of bash on a host, as the SSM agent does: from a file of its own, with nothing on standard input. Never
 * rejects: what went wrong is part of the result.
 */
export function runScript(
  { exec }: HostAccess,
  script: string,
  { timeoutMs, signal }: ScriptLimits,
): Promise<ScriptRun> {
  const mark = randomUUID();
  const [program = '', ...args] = exec;
  return new Promise((resolve) => {
    // A process group of its own, so that whatever the script has started ends with it.
    const child = spawn(program, args, { detached: true, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (data: string) => {
        if (output[name].length < MAX_OUTPUT_CHARS) output[name] += data;
      });
    }
    const cutOff = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    };
    const timer = setTimeout(cutOff, timeoutMs + TRANSPORT_MS);
    signal?.addEventListener('abort', cutOff, { once: true });
    process.once('exit', cutOff);
    const settle = (exitCode: number | null, problem = '') => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cutOff);
      process.off('exit', cutOff);
      // Before the mark is what the way there has said: a greeting, a warning.
      const begin = output.stdout.indexOf(`${mark}\n`);
      const stdout = begin < 0 ? '' : output.stdout.slice(begin + mark.length + 1);
      resolve({ started: begin >= 0, exitCode, stdout, stderr: output.stderr + problem });
    };
    child.once('error', (error) => settle(null, error.message));
    child.once('close', (code) => settle(code));
    // A host that closes the connection before it has read everything is told by its exit status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(wrap(script, mark, Math.ceil(timeoutMs / 1000)));
    if (signal?.aborted) cutOff();
  });
}

/** Where the host has no `timeout`, ending the connection is all that can be done. */
function wrap(script: string, mark: string, timeoutSeconds: number): string {
  return `set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cat > "$folder/script" <<'${mark}'
${script}
${mark}
limit=''
if command -v timeout > /dev/null; then limit='timeout -k 5 ${timeoutSeconds}'; fi
echo ${mark}
$limit bash "$folder/script" < /dev/null
exit $?
`;
}
