import * as z from 'zod';
import { HOST_COMMAND_RESULTS } from '../../core/hosts/host-command-results.ts';
import { type HostCommandName, SENT_AT } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { type HostAccess, runScript } from '../../local/hosts/access.ts';
import { WAIT_MS } from '../run/patience.ts';

const failureSchema = z.strictObject({
  message: z.string(),
  refusal: z.string().optional(),
  done: z.looseObject({}).optional(),
});

type Result<Name extends HostCommandName> = z.output<(typeof HOST_COMMAND_RESULTS)[Name]>;

/** A command's script as SSM runs it: what all share, the script itself, and the parameters put in as text. */
export function composeScript(command: HostCommandName, parameters: Readonly<Record<string, string>>): string {
  return fillIn(readScript(command), parameters);
}

function fillIn(script: string, parameters: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = { [SENT_AT.name]: String(Math.floor(Date.now() / 1000)), ...parameters };
  return script.replaceAll(/\{\{ (\w+) \}\}/g, (reference, name: string) => all[name] ?? reference);
}

/** How a command ended on a host: `line` is what it printed on standard output. */
export interface CommandRun {
  exitCode: number | null;
  line: string;
  stderr: string;
}

export async function runCommand(
  access: HostAccess,
  command: HostCommandName,
  parameters: Readonly<Record<string, string>>,
): Promise<CommandRun> {
  return runText(access, readScript(command), parameters);
}

/** Runs a script that is no command's. */
export async function runText(
  access: HostAccess,
  script: string,
  parameters: Readonly<Record<string, string>>,
): Promise<CommandRun> {
  const run = await runScript(access, fillIn(script, parameters), { timeoutMs: WAIT_MS });
  if (!run.started) throw new Error(`The script did not start: ${run.stderr}`);
  return { exitCode: run.exitCode, line: run.stdout, stderr: run.stderr };
}

/** The result of a command that succeeds. @throws Error when it does not, or prints anything but one result */
export async function succeed<Name extends HostCommandName>(
  access: HostAccess,
  command: Name,
  parameters: Readonly<Record<string, string>>,
): Promise<Result<Name>> {
  const { exitCode, line, stderr } = await runCommand(access, command, parameters);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${line}\n${stderr}`);
  return HOST_COMMAND_RESULTS[command].parse(onlyLine(line)) as Result<Name>;
}

/** The exit code, the message, the refusal's name and what was done before, of a command that fails. @throws Error when it succeeds, or prints anything but a message */
export async function refuse(
  access: HostAccess,
  command: HostCommandName,
  parameters: Readonly<Record<string, string>>,
): Promise<{ exitCode: number | null } & z.output<typeof failureSchema>> {
  return failureOf(command, await runCommand(access, command, parameters));
}

/** @throws Error when it has succeeded, or has printed anything but a message */
export function failureOf(what: string, { exitCode, line }: CommandRun) {
  if (exitCode === 0) throw new Error(`${what} succeeded: ${line}`);
  return { exitCode, ...failureSchema.parse(onlyLine(line)) };
}

export function onlyLine(stdout: string): unknown {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`not one line: ${JSON.stringify(stdout)}`);
  return JSON.parse(stdout);
}
