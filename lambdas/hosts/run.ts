import type * as z from 'zod';
import { HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import type { RunningHostCommand, runHostCommandInput } from '../../core/contracts/membership.ts';
import { HostCommandFailed, HostUnreachable } from '../../core/errors.ts';
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
/** The command of a host that went away is in progress for as long as it may take: from here on SSM is asked for the host as well. */
const ASK_FOR_HOST_AFTER_MS = 180_000;

/**
 * Sends a command to a host, or asks after one that was sent, and waits for it for a moment.
 * @param late see {@link sendCommand}
 * @throws HostUnreachable before anything was sent, or when it was not delivered; also where the host went away while it ran
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
  // Asked before and after the waiting: an agent may be away for a moment, as when it is restarted.
  const wasAway = Date.now() - sentAt > ASK_FOR_HOST_AFTER_MS && (await isAway(host));
  const answer = await waitForCommand({ host, commandId, command }, { waitMs: WAIT_MS }).catch((error: Error) => {
    // By an earlier attempt of this step, for the same reason: the host is what a responder has to hear of.
    throw wasAway && error.message.startsWith(`${host}, ${command}: Cancelled`) ? wentAway(host, command) : error;
  });
  if (answer.status === 'Done') return { status: 'Done', commandId, sentAt, result: answer.result };
  if (wasAway && (await isAway(host))) {
    // Whether the cancel gets there, nobody knows either; should the host come back, the command ought not to go on.
    await cancelCommand({ host, commandId }).catch(() => undefined);
    throw wentAway(host, command);
  }
  const limitMs = HOST_COMMANDS[command].timeoutSeconds * 1000 + DELIVERY_MS;
  if (Date.now() - sentAt > limitMs) {
    await cancelCommand({ host, commandId });
    throw new HostCommandFailed(
      `${command} on ${host} has neither ended nor timed out after ${limitMs / 1000} s, and was cancelled. Look at the SSM agent there.`,
    );
  }
  return { status: 'InProgress', commandId, sentAt, result: null };
}

/** Whether SSM says that it does not reach the host; where SSM itself does not answer, nobody knows. */
function isAway(host: string): Promise<boolean> {
  return requireReachable([host]).then(
    () => false,
    (error: unknown) => error instanceof HostUnreachable,
  );
}

function wentAway(host: string, command: HostCommandName): HostUnreachable {
  return new HostUnreachable(
    `${host}, ${command}: the host went away while the command ran: SSM does not reach it any more. The command was cancelled, and nobody ` +
      'knows how far it came. Look whether the host runs, whether SSM Agent is active on it, and what the command has done there, before ' +
      'it is run again.',
  );
}
