import { setTimeout as delay } from 'node:timers/promises';
import {
  AwsUnavailable,
  HostCommandFailed,
  HostUnreachable,
  PreconditionFailed,
  RemediationError,
} from '../../core/errors.ts';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import type { CommandEnd } from '../../core/hosts/host-reports.ts';
import type { HostCommand } from '../../core/hosts/run-host-commands.ts';
import {
  cancelCommand,
  type HostCommandParameters,
  readCommand,
  requireReachable,
  type SentCommand,
  sendCommand,
} from './commands.ts';
import type { HostCommandResult } from './outcome.ts';
import type { PATIENCE } from './patience.ts';
import type { Ssm } from './ssm.ts';

/** So often a host is tried in any case: SSM takes a minute to give up a delivery. */
const TRIES = 3;
/** Between two looks at a command: from a tenth of a second on, a sixth longer each time, up to two seconds. */
const POLL_MS = { first: 100, growth: 1.16, longest: 2_000, look: 250 };
/** For the way to the host and back, on top of what the command itself may take there. */
const DELIVERY_MS = 120_000;
/**
 * If a host went away or was restarted, SSM calls its command in progress until the command's time limit. So after this time SSM is also asked for
 * the host, and the host for the command.
 */
const ASK_FOR_HOST_AFTER_MS = 180_000;
/**
 * By so much the clocks of Lambda and SSM may differ, by which a command was sent before its host was started. No more: a host that goes down right
 * after it has got a command would never be known to have been started since.
 */
const CLOCKS_MS = 5_000;
/** What only looks: whatever it has started does no harm, whether it still runs or not. */
const READ_ONLY: readonly HostCommandName[] = ['inspect-host', 'find-command'];

/** `Running`: sent, and not ended; `Waiting`: not begun. */
export type CommandState = CommandEnd | AwsUnavailable | 'Running' | 'Waiting';

export interface PhaseCommand extends HostCommand {
  /** See {@link sendCommand}. */
  lateParameters?: (() => Promise<Record<string, string>>) | undefined;
}

interface HostRunProps {
  ssm: Ssm;
  command: HostCommandName;
  planned: PhaseCommand & { clientToken: string };
  /** By earlier calls, the newest first. */
  sent: readonly SentCommand[];
  deadline: number;
  patience: typeof PATIENCE;
  /** A command that has failed is sent once more. */
  onceMore: boolean;
}

/** One host's part of a phase. */
export class HostRun {
  readonly #props: HostRunProps;
  /** Nothing is sent once more: somebody has cancelled what was sent, or it may still run. */
  #isOver = false;

  constructor(props: HostRunProps) {
    this.#props = props;
  }

  async state(): Promise<CommandState> {
    try {
      return await this.#run();
    } catch (error) {
      if (error instanceof AwsUnavailable) return error;
      if (error instanceof RemediationError) return { error };
      throw error;
    }
  }

  async #run(): Promise<CommandState> {
    const { sent, deadline, patience, onceMore } = this.#props;
    const { awayMs, restartMs } = patience;
    let [current] = sent;
    let first = sent.at(-1);
    let times = sent.length;
    for (let tries = 1; ; tries++) {
      const begun = current ?? (await this.#send());
      if (!current && !(begun instanceof HostUnreachable)) {
        times++;
        first ??= begun;
      }
      const state = begun instanceof HostUnreachable ? begun : await this.#follow(begun);
      const isAway = state instanceof HostUnreachable;
      if (!isAway && !(onceMore && times === 1 && !this.#isOver && isFailure(state))) return state;
      const attempts = Math.max(tries, times);
      const pauseMs = awayMs[Math.min(attempts, awayMs.length) - 1] ?? 0;
      const next = Date.now() + pauseMs;
      // Only what was sent: of a host that SSM knows to be lost nothing is expected so soon.
      const mayRestart = first !== undefined && next < first.sentAt + restartMs;
      if (isAway && attempts >= TRIES && !mayRestart) return { error: state };
      if (next > deadline) return times > 0 ? 'Running' : 'Waiting';
      await delay(pauseMs);
      current = undefined;
    }
  }

  /** @returns HostUnreachable where nothing was sent, for SSM does not reach the host */
  async #send(): Promise<SentCommand | HostUnreachable> {
    const { ssm, command, planned } = this.#props;
    const { host, parameters, clientToken, lateParameters } = planned;
    try {
      await requireReachable(ssm, [host]);
      return await sendCommand(ssm, {
        ...{ host, command, clientToken, ...(lateParameters && { lateParameters }) },
        // What it lacks or does not know is refused where it is sent.
        parameters: parameters as HostCommandParameters<HostCommandName>,
      });
    } catch (error) {
      if (error instanceof HostUnreachable) return error;
      throw error;
    }
  }

  /**
   * @returns HostUnreachable where it was not delivered: it is sure that it did not run
   * @throws HostCommandFailed where it has no end
   */
  async #follow(sent: SentCommand): Promise<CommandState | HostUnreachable> {
    const { ssm, command, planned, deadline } = this.#props;
    const { host } = planned;
    const age = () => Date.now() - sent.sentAt;
    // Asked before and after the waiting: an agent may be away for a moment, as when it is restarted.
    const awayBefore = age() > ASK_FOR_HOST_AFTER_MS ? await this.#unreachable() : undefined;
    let outcome = await readCommand(ssm, host, command, sent);
    for (let pauseMs = POLL_MS.first; outcome.status === 'InProgress'; pauseMs *= POLL_MS.growth) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) break;
      await delay(Math.min(pauseMs, POLL_MS.longest, leftMs));
      outcome = await readCommand(ssm, host, command, sent);
    }
    if (outcome.status === 'Done') return { result: outcome.result };
    if (outcome.status === 'Failed') {
      const { error, isLost } = outcome;
      if (error instanceof HostUnreachable) return error;
      if (isLost && !READ_ONLY.includes(command)) return this.#afterLostEnd(sent, error, outcome.done);
      // By an earlier call, for the same reason: the host is what a responder has to hear of.
      const isGivenUp = error.message.startsWith(`${host}, ${command}: Cancelled`);
      const why = isGivenUp ? (awayBefore ? this.#hostWentAway(awayBefore) : await this.#rebooted(sent)) : undefined;
      this.#isOver = isGivenUp && !why;
      return { done: outcome.done, error: why ?? error };
    }
    const awayNow = awayBefore && (await this.#unreachable());
    if (awayNow) {
      // Whether the cancel gets there, nobody knows either; should the host come back, the command ought not to go on.
      await cancelCommand(ssm, host, sent).catch(() => undefined);
      return { error: this.#hostWentAway(awayNow) };
    }
    const reboot = awayBefore ? undefined : await this.#rebooted(sent);
    if (reboot) {
      await cancelCommand(ssm, host, sent).catch(() => undefined);
      return { error: reboot };
    }
    const limitMs = this.#limitMs();
    if (age() <= limitMs) return 'Running';
    await cancelCommand(ssm, host, sent);
    throw new HostCommandFailed(
      `${command} on ${host} has neither ended nor timed out after ${limitMs / 1000} s, and was cancelled. Look what it has done there, and, with ` +
        'AWS, at the SSM agent.',
    );
  }

  /** How long a command is waited for. */
  #limitMs(): number {
    return HOST_COMMANDS[this.#props.command].timeoutSeconds * 1000 + DELIVERY_MS;
  }

  /** Where the script did not say its end, what it has started may still run: as long as nobody knows, nothing else is sent to the host. */
  async #afterLostEnd(sent: SentCommand, error: RemediationError, done: unknown): Promise<CommandState> {
    const found = await this.#find(sent);
    if (found?.running === false) return { error: withWords(error, 'Nothing of it runs on the host any more.'), done };
    if (found !== null && Date.now() - sent.sentAt <= this.#limitMs()) return 'Running';
    this.#isOver = true;
    const words = found ? 'It still runs on the host.' : 'Whether it still runs on the host is unknown.';
    return { error: withWords(error, words), done };
  }

  /**
   * Asks the host itself for a command.
   * @returns undefined where it does not answer, null where it cannot be asked at all
   */
  async #find({ commandId }: SentCommand): Promise<HostCommandResult<'find-command'> | undefined | null> {
    const { ssm, planned, patience } = this.#props;
    const { host } = planned;
    const command = 'find-command';
    const until = Date.now() + patience.lookMs;
    try {
      const look = await sendCommand(ssm, {
        host,
        command,
        parameters: { commandId },
        clientToken: `${command} ${commandId}`,
      });
      for (;;) {
        const outcome = await readCommand(ssm, host, command, look);
        if (outcome.status === 'Done') return outcome.result;
        if (outcome.status === 'Failed' || Date.now() > until) return undefined;
        await delay(POLL_MS.look);
      }
    } catch (error) {
      if (error instanceof PreconditionFailed) return null;
      if (error instanceof RemediationError) return undefined;
      throw error;
    }
  }

  /** Why the host is not reached; undefined where it is. Where SSM itself does not answer, nobody knows. */
  #unreachable(): Promise<HostUnreachable | undefined> {
    return requireReachable(this.#props.ssm, [this.#props.planned.host]).then(
      () => undefined,
      (error: unknown) => (error instanceof HostUnreachable ? error : undefined),
    );
  }

  /** Where the host was started since a command was sent that is in progress for long; undefined where it was not, or nobody knows. */
  async #rebooted(sent: SentCommand): Promise<HostCommandFailed | undefined> {
    if (Date.now() - sent.sentAt <= ASK_FOR_HOST_AFTER_MS) return undefined;
    const found = await this.#find(sent);
    if (found?.running !== false || found.upSeconds * 1000 + CLOCKS_MS >= Date.now() - sent.sentAt) return undefined;
    return new HostCommandFailed(
      `${this.#props.planned.host}, ${this.#props.command}: the host was restarted ${found.upSeconds} s ago, while the command ran, and nothing of it ` +
        'runs there any more. SSM still called it in progress, so it was cancelled. How far it came is unknown: look what it has done there before it is ' +
        'run again.',
    );
  }

  #hostWentAway({ message }: HostUnreachable): HostUnreachable {
    return new HostUnreachable(
      `${this.#props.planned.host}, ${this.#props.command}: the host went away while the command ran. The command was cancelled. How far it came is ` +
        `unknown: look what it has done there before it is run again. ${message}`,
    );
  }
}

/** Of the command, as opposed to a refusal, which stays as it is. */
function isFailure(state: CommandState): boolean {
  return typeof state === 'object' && 'error' in state && state.error instanceof HostCommandFailed;
}

function withWords(error: RemediationError, words: string): RemediationError {
  error.message += ` ${words}`;
  return error;
}
