import type * as z from 'zod';
import { HOST_COMMAND_RESULTS } from '../../core/contracts/host-command-results.ts';
import { EXIT_CODES, HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import {
  HostCommandFailed,
  HostUnreachable,
  InvalidInput,
  PreconditionFailed,
  type RemediationError,
  UnsafeToProceed,
} from '../../core/errors.ts';
import { BY_HOSTS_FILE } from './refusals.ts';

export type HostCommandResult<Command extends HostCommandName> = z.output<(typeof HOST_COMMAND_RESULTS)[Command]>;

/** What GetCommandInvocation says of one command on one host, as far as its outcome goes. */
export interface CommandInvocation {
  Status?: string | undefined;
  StatusDetails?: string | undefined;
  ResponseCode?: number | undefined;
  StandardOutputContent?: string | undefined;
  StandardErrorContent?: string | undefined;
}

export type CommandOutcome<Result> =
  | { status: 'InProgress' }
  | { status: 'Done'; result: Result }
  /** `done`: what the script had changed before it failed, where it says so. */
  | { status: 'Failed'; error: RemediationError; done?: unknown };

const RUNNING = ['Pending', 'InProgress', 'Delayed', 'Cancelling'];

/** Run Command gives this much of what a script has written, and counts bytes or characters. */
const MAX_STDOUT = 24_000;
const QUOTED_CHARS = 500;

const BY_EXIT_CODE = new Map<number, new (message: string) => RemediationError>([
  [EXIT_CODES.InvalidInput, InvalidInput],
  [EXIT_CODES.PreconditionFailed, PreconditionFailed],
  [EXIT_CODES.UnsafeToProceed, UnsafeToProceed],
]);

const LOOK_AT_AGENT =
  'Look whether the host runs, whether SSM Agent is active on it (systemctl status amazon-ssm-agent), and whether it reaches the SSM endpoints.';

/**
 * What the ends mean in which the script did not end by itself, by StatusDetails without blanks: they are documented as
 * "Delivery Timed Out" and named "DeliveryTimedOut" in filters and events.
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
    meaning:
      'it was killed, mostly because it took too long, and may have done a part of its work. Look at the host before it is run again.',
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
    meaning: 'whoever sent it has no access to this host. Look at the policy of the role that sends commands.',
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
  const failed = (error: new (message: string) => RemediationError, message: string) => ({
    status: 'Failed' as const,
    error: new error(`${host}, ${command}: ${message}`),
    ...(done && { done }),
  });
  const details = StatusDetails.replaceAll(' ', '');
  const cutOff = Object.hasOwn(CUT_OFF, details) ? CUT_OFF[details] : undefined;
  const words = lastWords(invocation);
  // SSM has no output of a command that it did not deliver. Without AWS the way to the host says there why it was not.
  if (cutOff?.error === HostUnreachable && words !== '') {
    return failed(HostUnreachable, `the host was not reached, and the command did not run: ${words}\n${BY_HOSTS_FILE}`);
  }
  if (cutOff) {
    const limit = details === 'ExecutionTimedOut' ? ` (it may take ${HOST_COMMANDS[command].timeoutSeconds} s)` : '';
    return failed(cutOff.error, `${StatusDetails}: ${cutOff.meaning}${limit}${quote(words)}`);
  }
  if (Status === 'Failed' && ResponseCode !== undefined && ResponseCode > 0) {
    const error = BY_EXIT_CODE.get(ResponseCode) ?? HostCommandFailed;
    const message = messageOf(StandardOutputContent);
    return failed(error, message ?? `it ended with exit code ${ResponseCode}${quote(words)}`);
  }
  const said = [...new Set([Status, StatusDetails])].join(', ');
  return failed(
    HostCommandFailed,
    `it was ended before its own end: ${said}. Look at the host before it is run again.${quote(words)}`,
  );
}

function readResult<Command extends HostCommandName>(
  host: string,
  command: Command,
  stdout: string,
): CommandOutcome<HostCommandResult<Command>> {
  const line = lastLine(stdout);
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
  const said = parseJson(lastLine(stdout)) as { message?: unknown } | null | undefined;
  return typeof said?.message === 'string' && said.message !== '' ? said.message : undefined;
}

/** What a script that fails says it had changed before. */
function doneIn(stdout: string): object | undefined {
  const said = parseJson(lastLine(stdout)) as { done?: unknown } | null | undefined;
  return typeof said?.done === 'object' && said.done !== null ? said.done : undefined;
}

/** The end of standard error, without what SSM Agent adds to it. */
function lastWords({ StandardErrorContent = '' }: CommandInvocation): string {
  return StandardErrorContent.replace(/\s*failed to run commands: exit status \d+\s*$/, '').trim();
}

function quote(text: string): string {
  if (text === '') return '';
  return `\nIt ended with: ${text.length > QUOTED_CHARS ? `...${text.slice(-QUOTED_CHARS)}` : text}`;
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
