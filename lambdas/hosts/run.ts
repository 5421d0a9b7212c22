import type * as z from 'zod';
import { HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import type { RunningHostCommand, runHostCommandInput } from '../../core/contracts/membership.ts';
import { HostCommandFailed } from '../../core/errors.ts';
import {
  cancelCommand,
  type HostCommandParameters,
  requireReachable,
  sendCommand,
  waitForCommand,
} from './commands.ts';

/** Most commands end within this time; for a longer one the state machine waits, and asks again. */
const WAIT_MS = 15_000;
/** For the way to the host and back, on top of what the command itself may take there. */
const DELIVERY_MS = 120_000;

/**
 * Sends a command to a host, or asks after one that was sent, and waits for it for a moment.
 * @param late see {@link sendCommand}
 * @throws HostUnreachable before anything was sent, or when it was not delivered
 * @throws HostCommandFailed, or what the command's exit code stands for
 */
export async function runOnHost(
  { host, command, parameters, execution, ...sent }: z.output<typeof runHostCommandInput>,
  late?: () => Promise<Record<string, string>>,
): Promise<RunningHostCommand> {
  let { commandId, sentAt } = sent;
  if (commandId === '') {
    await requireReachable([host]);
    // What it lacks or does not know is refused where it is sent.
    const checked = parameters as HostCommandParameters<HostCommandName>;
    commandId = await sendCommand({ host, command, parameters: checked, execution, ...(late && { late }) });
    sentAt = Date.now();
  }
  const answer = await waitForCommand({ host, commandId, command }, { waitMs: WAIT_MS });
  if (answer.status === 'Done') return { status: 'Done', commandId, sentAt, result: answer.result };
  const limitMs = HOST_COMMANDS[command].timeoutSeconds * 1000 + DELIVERY_MS;
  if (Date.now() - sentAt > limitMs) {
    await cancelCommand({ host, commandId });
    throw new HostCommandFailed(
      `${command} on ${host} has neither ended nor timed out after ${limitMs / 1000} s, and was cancelled. Look at the SSM agent there.`,
    );
  }
  return { status: 'InProgress', commandId, sentAt, result: null };
}
