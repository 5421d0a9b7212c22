import { setTimeout as delay } from 'node:timers/promises';
import { AwsUnavailable } from '../../core/errors.ts';
import { type CommandEnd, reportsOf } from '../../core/hosts/host-reports.ts';
import { summaryOnHost } from '../../core/hosts/host-summaries.ts';
import { type HostReports, type RunHostCommands, STILL_RUNNING } from '../../core/hosts/run-host-commands.ts';
import { clientTokenOf, findCommands } from './commands.ts';
import { type CommandState, HostRun, type PhaseCommand } from './host-run.ts';
import { PATIENCE } from './patience.ts';
import { openSsm, type Sender, type Ssm } from './ssm.ts';

/** The commands of the phase have not all ended: the same call, once more, says what has become of them. */
export class HostCommandRunning extends Error {
  override readonly name = STILL_RUNNING;
}

interface Phase extends Omit<RunHostCommands, 'commands'>, Sender {
  commands: readonly PhaseCommand[];
  /** Each is for nothing without the others: once one has failed none is begun, and there is no report of those. */
  untilOneFails?: boolean;
  /**
   * Whatever it may have failed for may pass, and it may be run again: it is sent once more before it counts as failed, unless somebody has cancelled it
   * or it may still run.
   */
  onceMore?: boolean;
}

/**
 * Runs a command on every host of a phase. Each ends with a report, even if it fails on others. If the call ended at the first failure, the other
 * commands would still run while the workflow already does the next thing.
 *
 * What an earlier call of the same visit has sent is found again, however far it is, and not sent again; what was not delivered is, for then
 * it is sure that it did not run.
 * @throws HostCommandRunning where commands still run, or have not begun
 * @throws AwsUnavailable once no command of this phase is known to run
 */
export async function runOnHosts(phase: Phase, patience = PATIENCE): Promise<HostReports> {
  const summaryOf = (result: unknown) => summaryOnHost(phase.command, result);
  if (phase.commands.length === 0) return reportsOf([], summaryOf);
  const ssm = await openSsm(phase);
  try {
    const deadline = Date.now() + patience.endMs;
    const commands = phase.commands.map((each) => ({ ...each, clientToken: clientTokenOf(phase, each) }));
    const sent = await findAll(ssm, phase, commands, patience.listedMs);
    const { atOnce = commands.length, untilOneFails = false, onceMore = false } = phase;
    const states = await inTurns(commands, { atOnce, untilOneFails, deadline }, (each) =>
      new HostRun({
        ...{ ssm, command: phase.command, planned: each, sent: sent.get(each.clientToken) ?? [] },
        ...{ deadline, patience, onceMore },
      }).state(),
    );
    const membersThat = (state: CommandState) => commands.filter((_, index) => states[index] === state);
    const running = membersThat('Running');
    const unanswered = states.find((state) => state instanceof AwsUnavailable);
    if (running.length === 0 && unanswered) throw unanswered;
    const isOver = untilOneFails && states.some(hasFailed);
    const pending = [...running, ...(isOver ? [] : membersThat('Waiting'))];
    if (pending.length > 0) {
      throw new HostCommandRunning(
        `${phase.command} has not ended on ${pending.map(({ member }) => member).join(', ')}.`,
      );
    }
    const ends = commands.flatMap(({ member, host }, index) => {
      const end = states[index] as CommandEnd | 'Waiting';
      return end === 'Waiting' ? [] : [{ member, host, end }];
    });
    return reportsOf(ends, summaryOf);
  } finally {
    ssm.close();
  }
}

/**
 * What was sent before, by its client token. A repeated call may come before Run Command lists what the first one has sent. So it looks twice
 * before it concludes that a command was not sent.
 */
async function findAll(
  ssm: Ssm,
  { command, visit, attempt }: Phase,
  commands: readonly { clientToken: string }[],
  listedMs: number,
) {
  const clientTokens = commands.map(({ clientToken }) => clientToken);
  const found = await findCommands(ssm, command, clientTokens, visit);
  if (attempt === 0 || clientTokens.every((clientToken) => found.has(clientToken))) return found;
  await delay(listedMs);
  return findCommands(ssm, command, clientTokens, visit);
}

function hasFailed(state: CommandState): boolean {
  return typeof state === 'object' && 'error' in state;
}

/** Does the work of each item, no more than so many at the same time, in their order. Past the deadline none is begun. */
async function inTurns<Item>(
  items: readonly Item[],
  { atOnce, untilOneFails, deadline }: { atOnce: number; untilOneFails: boolean; deadline: number },
  work: (item: Item) => Promise<CommandState>,
): Promise<CommandState[]> {
  const states: CommandState[] = items.map(() => 'Waiting');
  const pending = [...items.entries()];
  const worker = async () => {
    for (let next = pending.shift(); next; next = pending.shift()) {
      const [index, item] = next;
      const state = await work(item);
      states[index] = state;
      if (untilOneFails && hasFailed(state)) pending.length = 0;
      // Its place is taken for as long as its command runs, or may run.
      if (state === 'Running' || state instanceof AwsUnavailable || Date.now() > deadline) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return states;
}
