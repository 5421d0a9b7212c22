import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostCommandFailed, HostUnreachable } from '../../core/errors.ts';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import {
  cancelCommand,
  findCommands,
  type HostCommandParameters,
  readCommand,
  requireReachable,
  type SentCommand,
  sendCommand,
} from './commands.ts';
import type { HostCommandResult } from './outcome.ts';
import type { Ssm } from './ssm.ts';

const POLL_MS = { first: 100, growth: 1.16, longest: 2_000 };
/** So often a host is tried that does not take the command: then it is sure that it did not run. */
const TRIES = 3;
const AWAY_MS = 10_000;
/** Run Command may need so long until it lists what was sent. */
const LISTED_MS = 3_000;
/** A command that is cancelled ends within seconds, unless its host is away. */
const CANCELLED_WITHIN_MS = 30_000;

/** The commands of one kind that one visit of a state sends to one host. */
export interface Visit {
  execution: string;
  visit: string;
  host: string;
}

/**
 * Runs a command on one host while the caller keeps something open that the command depends on, and waits for its end. Whatever keeps the caller from
 * that, the command is cancelled: nobody would want its result.
 * @param signal ends it: then its reason is thrown
 * @throws what the command ends with; HostUnreachable, PreconditionFailed, AwsUnavailable
 */
export async function runMeanwhile<Command extends HostCommandName>(
  ssm: Ssm,
  command: Command,
  visit: Visit,
  sending: Sending<Command>,
): Promise<HostCommandResult<Command>> {
  for (let tries = 1; ; tries++) {
    try {
      return await runOnce(ssm, command, visit, sending);
    } catch (error) {
      if (!(error instanceof HostUnreachable) || tries === TRIES) throw error;
      const { signal } = sending;
      await sleep(AWAY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

interface Sending<Command extends HostCommandName> {
  parameters: HostCommandParameters<Command>;
  signal: AbortSignal;
}

async function runOnce<Command extends HostCommandName>(
  ssm: Ssm,
  command: Command,
  visit: Visit,
  { parameters, signal }: Sending<Command>,
): Promise<HostCommandResult<Command>> {
  const { host } = visit;
  await requireReachable(ssm, [host]);
  signal.throwIfAborted();
  const sent = await sendCommand(ssm, { host, command, parameters, clientToken: tokenOf(command, visit) });
  let hasEnded = false;
  try {
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(POLL_MS.longest, pauseMs * POLL_MS.growth)) {
      const outcome = await readCommand(ssm, host, command, sent);
      hasEnded = outcome.status !== 'InProgress';
      if (outcome.status === 'Done') return outcome.result;
      if (outcome.status === 'Failed') throw outcome.error;
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    if (!hasEnded) await cancelCommand(ssm, host, sent).catch(() => undefined);
  }
}

/**
 * Ends what an earlier call of the same visit has sent, and could not wait for: its function was killed, or had no answer to what it sent.
 * @throws HostCommandFailed where one does not end
 */
export async function endEarlier(ssm: Ssm, command: HostCommandName, visit: Visit): Promise<void> {
  const token = tokenOf(command, visit);
  await sleep(LISTED_MS);
  const found = await findCommands(ssm, command, [token], visit.visit);
  for (const sent of found.get(token) ?? []) await end(ssm, command, visit.host, sent);
}

async function end(ssm: Ssm, command: HostCommandName, host: string, sent: SentCommand): Promise<void> {
  const until = Date.now() + CANCELLED_WITHIN_MS;
  for (let isCancelled = false; (await readCommand(ssm, host, command, sent)).status === 'InProgress'; ) {
    if (!isCancelled) await cancelCommand(ssm, host, sent);
    isCancelled = true;
    if (Date.now() > until) {
      throw new HostCommandFailed(
        `${host}, ${command}: an earlier run of it was cancelled ${CANCELLED_WITHIN_MS / 1000} s ago, and SSM still calls it in progress. Look whether the ` +
          'host and its SSM Agent run.',
      );
    }
    await sleep(POLL_MS.longest);
  }
}

/** Whatever the parameters are: SSM takes 100 characters. */
function tokenOf(command: HostCommandName, { execution, visit, host }: Visit): string {
  const hash = createHash('sha256').update(JSON.stringify([execution, visit, command, host]));
  return `${command} ${hash.digest('hex').slice(0, 32)} ${execution.slice(0, 40)}`;
}
