import { setTimeout as delay } from 'node:timers/promises';
import { HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import type { HostCommand } from '../../core/contracts/membership.ts';
import { type HostReports, type RunHostCommands, STILL_RUNNING } from '../../core/contracts/run-host-commands.ts';
import { type CommandEnd, reportsOf } from '../../core/decisions/host-reports.ts';
import { AwsUnavailable, HostCommandFailed, HostUnreachable, RemediationError } from '../../core/errors.ts';
import {
  cancelCommand,
  findCommands,
  type HostCommandParameters,
  markOf,
  readCommand,
  requireReachable,
  type SentCommand,
  sendCommand,
} from './commands.ts';
import { openSsm, type Sender, type Ssm } from './ssm.ts';

/** How long a call waits for what. A test has less time. */
const PATIENCE = {
  /** Most commands end within this time. For a longer one the state machine waits, which costs nothing, and asks again. */
  endMs: 40_000,
  /** Run Command may need so long until it lists what was sent. */
  listedMs: 3_000,
  /** A host is away for a moment, as when its agent is restarted: before each further try. */
  awayMs: [5_000, 10_000],
};
/** Between two looks at a command: from a tenth of a second on, a third longer each time, up to two seconds. */
const POLL_MS = { first: 100, growth: 1.33, longest: 2_000 };
/** For the way to the host and back, on top of what the command itself may take there. */
const DELIVERY_MS = 120_000;
/** The command of a host that went away is in progress for as long as it may take: from here on SSM is asked for the host as well. */
const ASK_FOR_HOST_AFTER_MS = 180_000;

/** The commands of the phase have not all ended: the same call, once more, tells what has become of them. */
export class HostCommandRunning extends Error {
  override readonly name = STILL_RUNNING;
}

/** `Running`: sent, and not ended; `Waiting`: not begun. */
type Standing = CommandEnd | AwsUnavailable | 'Running' | 'Waiting';

interface PhaseCommand extends HostCommand {
  /** See {@link sendCommand}. */
  late?: (() => Promise<Record<string, string>>) | undefined;
}

interface Phase extends Omit<RunHostCommands, 'commands'>, Sender {
  commands: readonly PhaseCommand[];
}

/**
 * Runs a command on every host of a phase. Each ends with a report, whatever comes of it on the others: were these left alone because one has
 * failed, their commands would still run while the workflow already does the next thing.
 *
 * What an earlier call of the same visit has sent is found again, however far it is, and not sent again; what was not delivered is, for then
 * it is sure that it did not run.
 * @throws HostCommandRunning where commands still run, or have not begun
 * @throws AwsUnavailable once no command of this phase is known to run
 */
export async function runOnHosts(phase: Phase, patience = PATIENCE): Promise<HostReports> {
  if (phase.commands.length === 0) return reportsOf([]);
  const ssm = await openSsm(phase);
  try {
    const deadline = Date.now() + patience.endMs;
    const marked = phase.commands.map((each) => ({ ...each, mark: markOf(phase, each) }));
    const sent = await findAll(ssm, phase, marked, patience.listedMs);
    const standings = await inTurns(marked, phase.atOnce ?? marked.length, deadline, (each) =>
      new HostRun({
        ...{ ssm, command: phase.command, planned: each, sent: sent.get(each.mark) ?? [] },
        ...{ deadline, awayMs: patience.awayMs },
      }).standing(),
    );
    const membersThat = (standing: Standing) => marked.filter((_, index) => standings[index] === standing);
    const running = membersThat('Running');
    const unanswered = standings.find((standing) => standing instanceof AwsUnavailable);
    if (running.length === 0 && unanswered) throw unanswered;
    const left = [...running, ...membersThat('Waiting')];
    if (left.length > 0) {
      throw new HostCommandRunning(`${phase.command} has not ended on ${left.map(({ member }) => member).join(', ')}.`);
    }
    return reportsOf(marked.map(({ member, host }, index) => ({ member, host, end: standings[index] as CommandEnd })));
  } finally {
    ssm.close();
  }
}

/**
 * What was sent before, by its mark. A call that repeats another may come before Run Command lists what that one has sent: so it looks twice
 * before it takes a command for one that was not sent.
 */
async function findAll(
  ssm: Ssm,
  { command, visit, attempt }: Phase,
  marked: readonly { mark: string }[],
  listedMs: number,
) {
  const marks = marked.map(({ mark }) => mark);
  const found = await findCommands(ssm, command, marks, visit);
  if (attempt === 0 || marks.every((mark) => found.has(mark))) return found;
  await delay(listedMs);
  return findCommands(ssm, command, marks, visit);
}

/** Does the work of each item, no more than so many at the same time, in their order. Past the deadline none is begun. */
async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  deadline: number,
  work: (item: Item) => Promise<Standing>,
): Promise<Standing[]> {
  const standings: Standing[] = items.map(() => 'Waiting');
  const left = [...items.entries()];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, item] = next;
      const standing = await work(item);
      standings[index] = standing;
      // Its place is taken for as long as its command runs, or may run.
      if (standing === 'Running' || standing instanceof AwsUnavailable || Date.now() > deadline) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return standings;
}

interface HostRunProps {
  ssm: Ssm;
  command: HostCommandName;
  planned: PhaseCommand & { mark: string };
  /** By earlier calls, the newest first. */
  sent: readonly SentCommand[];
  deadline: number;
  awayMs: readonly number[];
}

/** One host's part of a phase. */
class HostRun {
  readonly #props: HostRunProps;

  constructor(props: HostRunProps) {
    this.#props = props;
  }

  async standing(): Promise<Standing> {
    try {
      return await this.#run();
    } catch (error) {
      if (error instanceof AwsUnavailable) return error;
      if (error instanceof RemediationError) return { error };
      throw error;
    }
  }

  async #run(): Promise<Standing> {
    let [current] = this.#props.sent;
    let times = this.#props.sent.length;
    for (let tries = 0; ; tries++) {
      const begun = current ?? (await this.#send());
      if (!current && !(begun instanceof HostUnreachable)) times++;
      const standing = begun instanceof HostUnreachable ? begun : await this.#follow(begun);
      if (!(standing instanceof HostUnreachable)) return standing;
      const pauseMs = this.#props.awayMs[Math.max(tries, times - 1)];
      if (pauseMs === undefined) return { error: standing };
      if (Date.now() + pauseMs > this.#props.deadline) return times > 0 ? 'Running' : 'Waiting';
      await delay(pauseMs);
      current = undefined;
    }
  }

  /** @returns HostUnreachable where nothing was sent, for SSM does not reach the host */
  async #send(): Promise<SentCommand | HostUnreachable> {
    const { ssm, command, planned } = this.#props;
    const { host, parameters, mark, late } = planned;
    try {
      await requireReachable(ssm, [host]);
      return await sendCommand(ssm, {
        ...{ host, command, mark, ...(late && { late }) },
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
  async #follow(sent: SentCommand): Promise<Standing | HostUnreachable> {
    const { ssm, command, planned, deadline } = this.#props;
    const { host } = planned;
    const age = () => Date.now() - sent.sentAt;
    // Asked before and after the waiting: an agent may be away for a moment, as when it is restarted.
    const wasAway = age() > ASK_FOR_HOST_AFTER_MS ? await this.#away() : undefined;
    let outcome = await readCommand(ssm, host, command, sent);
    for (let pauseMs = POLL_MS.first; outcome.status === 'InProgress'; pauseMs *= POLL_MS.growth) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) break;
      await delay(Math.min(pauseMs, POLL_MS.longest, leftMs));
      outcome = await readCommand(ssm, host, command, sent);
    }
    if (outcome.status === 'Done') return { result: outcome.result };
    if (outcome.status === 'Failed') {
      const { error } = outcome;
      if (error instanceof HostUnreachable) return error;
      return {
        done: outcome.done,
        // By an earlier call, for the same reason: the host is what a responder has to hear of.
        error: wasAway && error.message.startsWith(`${host}, ${command}: Cancelled`) ? this.#wentAway(wasAway) : error,
      };
    }
    const isAway = wasAway && (await this.#away());
    if (isAway) {
      // Whether the cancel gets there, nobody knows either; should the host come back, the command ought not to go on.
      await cancelCommand(ssm, host, sent).catch(() => undefined);
      return { error: this.#wentAway(isAway) };
    }
    const limitMs = HOST_COMMANDS[command].timeoutSeconds * 1000 + DELIVERY_MS;
    if (age() <= limitMs) return 'Running';
    await cancelCommand(ssm, host, sent);
    throw new HostCommandFailed(
      `${command} on ${host} has neither ended nor timed out after ${limitMs / 1000} s, and was cancelled. Look what it has done there, and, with ` +
        'AWS, at the SSM agent.',
    );
  }

  /** Why the host is not reached; undefined where it is. Where SSM itself does not answer, nobody knows. */
  #away(): Promise<HostUnreachable | undefined> {
    return requireReachable(this.#props.ssm, [this.#props.planned.host]).then(
      () => undefined,
      (error: unknown) => (error instanceof HostUnreachable ? error : undefined),
    );
  }

  #wentAway({ message }: HostUnreachable): HostUnreachable {
    return new HostUnreachable(
      `${this.#props.planned.host}, ${this.#props.command}: the host went away while the command ran. The command was cancelled, and nobody knows how far ` +
        `it came: look what it has done there before it is run again. ${message}`,
    );
  }
}
