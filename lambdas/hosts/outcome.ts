import type * as z from 'zod';
import {
  HostCommandFailed,
  HostUnreachable,
  InvalidInput,
  PreconditionFailed,
  type RemediationError,
  UnsafeToProceed,
} from '../../core/errors.ts';
import { HOST_COMMAND_RESULTS } from '../../core/hosts/host-command-results.ts';
import { EXIT_CODES, HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { HOSTS_FILE_ADVICE } from './refusals.ts';

export type HostCommandResult<Command extends HostCommandName> = z.output<(typeof HOST_COMMAND_RESULTS)[Command]>;

/** What Run Command says of one command on one host, as far as its outcome goes. */
export interface CommandInvocation {
  Status?: string | undefined;
  StatusDetails?: string | undefined;
  ResponseCode?: number | undefined;
  StandardOutputContent?: string | undefined;
  StandardErrorContent?: string | undefined;
  ExecutionStartDateTime?: string | undefined;
  ExecutionEndDateTime?: string | undefined;
  /** SSM Agent's own words, which are asked for where the script has left none. */
  agentOutput?: string | undefined;
}

export type CommandOutcome<Result> =
  | { status: 'InProgress' }
  | { status: 'Done'; result: Result }
  | {
      status: 'Failed';
      error: RemediationError;
      /** What the script had changed before it failed, where it says so. */
      done?: unknown;
      /** The script has not told its end: what it has started may still run. */
      isLost?: true;
    };

const RUNNING = ['Pending', 'InProgress', 'Delayed', 'Cancelling'];

/** Run Command gives this much of what a script has written, and counts bytes or characters. */
const MAX_STDOUT = 24_000;
const QUOTED_CHARS = 500;
/** The times of a command are rounded. */
const CLOCK_SECONDS = 2;

const BY_EXIT_CODE = new Map<number, new (message: string) => RemediationError>([
  [EXIT_CODES.InvalidInput, InvalidInput],
  [EXIT_CODES.PreconditionFailed, PreconditionFailed],
  [EXIT_CODES.UnsafeToProceed, UnsafeToProceed],
]);

/** The agent's own end is reported so, or as -1. Any other code is the script's, or its shell's. */
const AGENT_EXIT_CODE = 1;
/** What the shell that starts the script ends with where it may not run it, or finds no bash. */
const NOT_RUN_CODES = [126, 127];
const IN_AGENTS_FOLDER = 'the file system of /var/lib/amazon/ssm';

const LOOK_AT_AGENT =
  'Look whether the host runs, whether SSM Agent is active on it (systemctl status amazon-ssm-agent), and whether it reaches the SSM endpoints.';

/**
 * What it means when the script was ended from outside, by StatusDetails without blanks. The documentation writes
 * "Delivery Timed Out", filters and events "DeliveryTimedOut".
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
 */
const CUT_OFF: Readonly<Record<string, { error: new (message: string) => RemediationError; meaning: string }>> = {
  DeliveryTimedOut: {
    error: HostUnreachable,
    meaning: `SSM could not deliver the command in time, and it did not run. ${LOOK_AT_AGENT}`,
  },
  Undeliverable: {
    error: HostUnreachable,
    meaning: `SSM could not deliver the command, and it did not run. ${LOOK_AT_AGENT}`,
  },
  ExecutionTimedOut: {
    error: HostCommandFailed,
    meaning: 'it was killed, and may have done a part of its work. Look at the host before it is run again.',
  },
  Cancelled: {
    error: HostCommandFailed,
    meaning: 'it was cancelled, and may have done a part of its work. Look at the host before it is run again.',
  },
  Terminated: {
    error: HostCommandFailed,
    meaning: 'SSM ended it because the same command had failed elsewhere. Look at its other invocations.',
  },
  AccessDenied: {
    error: HostCommandFailed,
    meaning: 'the role that sent it has no access to this host. Look at the policy of the role that sends commands.',
  },
  InvalidPlatform: {
    error: HostCommandFailed,
    meaning: 'the host does not run Linux. Correct its "host" in clusters.json.',
  },
};

/**
 * What one reading of an invocation says. The errors' messages begin with the host and the command.
 * @param host as in clusters.json
 */
export function readOutcome<Command extends HostCommandName>(
  host: string,
  command: Command,
  invocation: CommandInvocation,
): CommandOutcome<HostCommandResult<Command>> {
  const { Status = '', StatusDetails = Status, ResponseCode, StandardOutputContent = '' } = invocation;
  if (RUNNING.includes(Status)) return { status: 'InProgress' };
  if (Status === 'Success') return readResult(host, command, StandardOutputContent);
  const done = doneIn(StandardOutputContent);
  const failed = (error: new (message: string) => RemediationError, message: string, isLost = false) => ({
    status: 'Failed' as const,
    error: new error(`${host}, ${command}: ${message}`),
    ...(done && { done }),
    ...(isLost && { isLost: true as const }),
  });
  const details = StatusDetails.replaceAll(' ', '');
  const cutOff = Object.hasOwn(CUT_OFF, details) ? CUT_OFF[details] : undefined;
  const words = lastWords(invocation);
  // SSM has no output of a command that it did not deliver. Without AWS the way to the host says there why it was not.
  if (cutOff?.error === HostUnreachable && words !== '') {
    return failed(
      HostUnreachable,
      `the host was not reached, and the command did not run: ${words}\n${HOSTS_FILE_ADVICE}`,
    );
  }
  if (cutOff) {
    const isKilled = details === 'ExecutionTimedOut';
    const reason = isKilled ? ` ${whyKilled(invocation, HOST_COMMANDS[command].timeoutSeconds)}` : '';
    return failed(cutOff.error, `${StatusDetails}: ${cutOff.meaning}${reason}${quote(words)}`, isKilled);
  }
  const message = messageOf(StandardOutputContent);
  const code = ResponseCode ?? -1;
  if (Status === 'Failed' && message === undefined && (code > 0 || details === 'Failed')) {
    const isMute = words === '' && StandardOutputContent.trim() === '';
    if (code <= 0 || (code === AGENT_EXIT_CODE && isMute))
      return failed(HostCommandFailed, describeLostEnd(code, invocation), true);
    if (NOT_RUN_CODES.includes(code)) {
      return failed(
        HostCommandFailed,
        `the host could not run the script (exit code ${code}), so nothing was done. It has no bash, or ${IN_AGENTS_FOLDER} is mounted noexec.${quote(words)}`,
      );
    }
    const error = BY_EXIT_CODE.get(code) ?? HostCommandFailed;
    const why = isMute ? `, and its reason is lost, for ${NOT_STORED}` : '';
    return failed(error, `it ended with exit code ${code}${why}${quote(words)}`);
  }
  if (Status === 'Failed' && message !== undefined) {
    return failed(BY_EXIT_CODE.get(code) ?? HostCommandFailed, message);
  }
  const status = [...new Set([Status, StatusDetails])].join(', ');
  return failed(
    HostCommandFailed,
    `it was ended before its own end: ${status}. Look at the host before it is run again.${quote(words)}`,
  );
}

/** What an empty output of a script that prints a line at each of its ends means. */
const NOT_STORED = `SSM Agent could not store its output. See on the host whether ${IN_AGENTS_FOLDER} is full ("df /var/lib/amazon/ssm").`;

/** SSM Agent hands on an end that is its own, and gives both outputs empty: the script has not told how far it came. */
function describeLostEnd(code: number, { agentOutput = '', StandardErrorContent = '' }: CommandInvocation): string {
  const output = [agentOutput.trim(), StandardErrorContent.trim()].filter((text) => text !== '').join('\n');
  const words = output === '' ? '' : ` SSM Agent says: ${lastPart(output)}`;
  return (
    `its script did not report its end (code ${code}), so how far it came is unknown, and whether it ran. The host was restarted meanwhile, ` +
    `or ${IN_AGENTS_FOLDER} is full or read-only, or the agent or the script was killed because memory ran out. Look at the host, and at ` +
    `/var/log/amazon/ssm there, before it is run again.${words}`
  );
}

/** SSM says the same of a script that took too long and of one that another person or program has killed. */
function whyKilled(
  { ExecutionStartDateTime = '', ExecutionEndDateTime = '' }: CommandInvocation,
  limitSeconds: number,
): string {
  const seconds = (Date.parse(ExecutionEndDateTime) - Date.parse(ExecutionStartDateTime)) / 1000;
  return seconds < limitSeconds - CLOCK_SECONDS
    ? `It ran for ${Math.round(seconds)} s of the ${limitSeconds} s that it may take: most often the kernel killed it because memory ran out ("journalctl -k").`
    : `Most often it took too long: it may take ${limitSeconds} s.`;
}

function readResult<Command extends HostCommandName>(
  host: string,
  command: Command,
  stdout: string,
): CommandOutcome<HostCommandResult<Command>> {
  const line = lastLine(stdout);
  if (line === '') {
    const error = new HostCommandFailed(
      `${host}, ${command}: it has ended well, and its result is lost, for ${NOT_STORED}`,
    );
    return { status: 'Failed', error };
  }
  const result = HOST_COMMAND_RESULTS[command].safeParse(parseJson(line));
  if (result.success) return { status: 'Done', result: result.data as HostCommandResult<Command> };
  const wrong = result.error.issues
    .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
    .join('; ');
  const cut =
    Buffer.byteLength(stdout) >= MAX_STDOUT
      ? ` Of an output the first ${MAX_STDOUT} characters are handed on, and this one was longer.`
      : ' Something else on the host writes to its output; or, with AWS, the documents are those of another version: deploy again.';
  const message = `its last line is not the result that was expected (${wrong}).${cut}${quote(line)}`;
  return { status: 'Failed', error: new HostCommandFailed(`${host}, ${command}: ${message}`) };
}

/** What a script says when it fails. */
function messageOf(stdout: string): string | undefined {
  const reply = parseJson(lastLine(stdout)) as { message?: unknown } | null | undefined;
  return typeof reply?.message === 'string' && reply.message !== '' ? reply.message : undefined;
}

/** What a script that fails says it had changed before. */
function doneIn(stdout: string): object | undefined {
  const reply = parseJson(lastLine(stdout)) as { done?: unknown } | null | undefined;
  return typeof reply?.done === 'object' && reply.done !== null ? reply.done : undefined;
}

/** The end of standard error, without what SSM Agent adds to it. */
function lastWords({ StandardErrorContent = '' }: CommandInvocation): string {
  return StandardErrorContent.replace(/\s*failed to run commands: (exit status \d+|signal: [a-z ]+)\s*$/, '').trim();
}

function quote(text: string): string {
  if (text === '') return '';
  return `\nIt ended with: ${lastPart(text)}`;
}

function lastPart(text: string): string {
  return text.length > QUOTED_CHARS ? `...${text.slice(-QUOTED_CHARS)}` : text;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
