import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { DOLLAR_SCHEMA } from '../../core/cluster/clusters-file.ts';
import { ITS_EXEC } from '../../core/hosts/hosts-file.ts';
import { mustBe, parse } from '../../core/text/parse.ts';

const SSH = '["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"]';
const accessSchema = z
  .strictObject(
    {
      exec: z
        .array(z.string().min(1), mustBe(`a list of words, such as ${SSH}`))
        .min(1, { error: `must be a command, such as ${SSH}` })
        .meta({
          description:
            'A program and its arguments, run without a shell in between. It runs what it reads on standard input in a POSIX shell of the host, as ' +
            'root, and asks for nothing: give ssh "-o", "BatchMode=yes", and sudo "-n".',
        }),
    },
    mustBe(`a command in an object, such as {"exec": ${SSH}}`),
  )
  .meta({ description: 'How the host is reached that clusters.json names so.' });
export const hostsFileSchema = z
  .object(
    { $schema: z.string().optional().meta({ description: DOLLAR_SCHEMA }) },
    mustBe(
      'an object with a command for each host',
      `{ "i-0a1b2c3d4e5f60001": {"exec": ${SSH}},`,
      `  "i-0a1b2c3d4e5f60002": {"exec": ${SSH.replace('10.0.1.11', '10.0.2.12')}} }`,
    ),
  )
  .catchall(accessSchema);

/** How a host is reached: a command that runs what it reads on standard input in a shell, such as ssh, nsenter or sh itself. */
export interface HostAccess {
  exec: readonly string[];
}

/** hosts.json: how each host is reached, by its ID in clusters.json. */
export type HostsFile = Readonly<Record<string, HostAccess>>;

/** @throws InvalidInput with every problem and its path */
export function parseHostsFile(value: unknown, file: string): HostsFile {
  const { $schema, ...hosts } = parse(hostsFileSchema, value, file);
  return hosts;
}

/** How one run of a script ended. */
export interface ScriptRun {
  /** Whether a shell has begun with it: where none has, the host was not reached and nothing happened there. */
  started: boolean;
  /** Null where it was cut off. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface ScriptLimits {
  timeoutMs: number;
  /** What the script, and all that it starts, has as SSM_COMMAND_ID in its environment. */
  commandId?: string;
  /** Cuts the script off. */
  signal?: AbortSignal;
  /** Called once a shell has begun with it. */
  onStart?: () => void;
}

/** Of each of the two outputs; a script that writes without end must not fill this process's memory. */
const MAX_OUTPUT_CHARS = 1024 * 1024;
/** For the way to the host and back, on top of what the script may take. */
const TRANSPORT_MS = 15_000;

/** Cuts off each script that runs: none outlives this process. */
const running = new Set<() => void>();
process.once('exit', () => {
  for (const cutOff of running) cutOff();
});

/**
 * Runs a script on a host, as the SSM agent does: in the program that its first line names (default: bash), in the agent's
 * folder, without HOME, with nothing on standard input. When its time is over, all of it is killed at once. Never rejects: what went wrong is
 * part of the result.
 */
export function runScript(
  { exec }: HostAccess,
  script: string,
  { timeoutMs, commandId = '', signal, onStart = () => undefined }: ScriptLimits,
): Promise<ScriptRun> {
  const mark = newMark();
  const [program = '', ...args] = exec;
  return new Promise((resolve) => {
    // In a session of its own, so that Ctrl+C in a terminal reaches this process and not the host's script.
    const child = spawn(program, args, { detached: true, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    let hasBegun = false;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (data: string) => {
        if (output[name].length < MAX_OUTPUT_CHARS) output[name] += data;
        // It would wait for more to hand back until its time is over.
        if (output.stdout.includes(mark.sum)) cutOff();
        if (hasBegun || !output.stdout.includes(`${mark.computed}\n`)) return;
        hasBegun = true;
        onStart();
      });
    }
    let wasCutOff = false;
    const cutOff = () => {
      wasCutOff = true;
      // The end of its input is what reports the host; then the way there goes.
      child.stdin.destroy();
      child.kill('SIGKILL');
    };
    const timer = setTimeout(cutOff, timeoutMs + TRANSPORT_MS);
    signal?.addEventListener('abort', cutOff, { once: true });
    running.add(cutOff);
    const settle = (exitCode: number | null, problem = '') => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cutOff);
      running.delete(cutOff);
      // Before the mark is what the way there has said: a greeting, a warning.
      const begin = output.stdout.indexOf(`${mark.computed}\n`);
      const stdout = begin < 0 ? '' : output.stdout.slice(begin + mark.computed.length + 1);
      resolve({ started: begin >= 0, exitCode, stdout, stderr: output.stderr + problem });
    };
    child.once('error', (error) => settle(null, describeNoStart(error, program)));
    // What ends first, the script or the way there, is chance.
    child.once('close', (code) => settle(wasCutOff ? null : code, output.stdout.includes(mark.sum) ? HANDED_BACK : ''));
    // The exit status shows a host that closes the connection before it has read everything.
    child.stdin.on('error', () => undefined);
    // Left open: where it ends, the script is cut off.
    child.stdin.write(readAtOnce(wrap(script, mark, Math.ceil(timeoutMs / 1000), commandId)));
    if (signal?.aborted) cutOff();
  });
}

/** What a shell says when it begins. It is in the script as a sum, so that whatever only hands the script back does not say it. */
interface Mark {
  id: string;
  sum: string;
  computed: string;
}

function newMark(): Mark {
  const id = randomUUID();
  const [one, other] = [randomInt(1_000_000_000), randomInt(1_000_000_000)];
  return { id, sum: `${id}-$((${one} + ${other}))`, computed: `${id}-${one + other}` };
}

const HANDED_BACK = `${ITS_EXEC} hands back what it is given on standard input, and no shell runs it`;

function describeNoStart({ code, message }: NodeJS.ErrnoException, program: string): string {
  const named = `${ITS_EXEC} names the program "${program}", which`;
  if (code === 'ENOENT') return `${named} is not installed here, or not in PATH`;
  if (code === 'EACCES') return `${named} may not be run here: it is no program, or not this user's to run`;
  return `${named} does not start here: ${message}`;
}

/**
 * timeout(1) makes a process group of its own, which is killed when standard input ends: over ssh nothing else reaches the host.
 * All of it is one compound command, for the shell must have read it before another person or program reads its input. No file is made, so
 * that nothing is left where the rest is cut off.
 */
function wrap(script: string, mark: Mark, timeoutSeconds: number, commandId: string): string {
  return `{
  set -u
  limit=''
  if command -v timeout > /dev/null; then limit='timeout -s KILL ${timeoutSeconds}'; fi
  cd /usr/bin 2> /dev/null || cd /
  unset HOME
  export LANG=C.UTF-8
  echo ${mark.sum}
  SSM_COMMAND_ID=${commandId} $limit ${interpreterOf(script)} -c '. /dev/fd/4' 4<<'${mark.id}' < /dev/null 3<&- &
${script}
${mark.id}
  script=$!
  {
    while read -r _ <&3; do :; done
    kill -s KILL -- "-$script" || kill -s KILL "$script"
  } > /dev/null 2>&1 &
  watcher=$!
  code=0
  # Of a job that was killed a shell tells the whole command: here the script.
  { wait "$script" || code=$?; } 2> /dev/null
  kill "$watcher" 2> /dev/null
  exit "$code"
}
`;
}

/** As the kernel reads it: a program, and what follows as one argument. A carriage return belongs to either, and no program is called so. */
function interpreterOf(script: string): string {
  const [, program = 'bash', argument = ''] = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(script) ?? [];
  return [program, argument.replace(/[ \t]+$/, '')]
    .filter((word) => word !== '')
    .map(quoted)
    .join(' ');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * bash reads from a pipe a byte at a time, because what follows may be for another program: a script of 60 KB took 65,000 reads. So it
 * gets the whole at once, and runs nothing of a script that did not come whole. Other shells read ahead. 3 is the input that `wrap` watches.
 */
function readAtOnce(script: string): string {
  const length = Buffer.byteLength(script);
  return `{ exec 3<&0; if [ -n "\${BASH_VERSION-}" ]; then eval "$(head -c ${length})"; fi; }\n${script}`;
}
