import type { Exit } from './exit.ts';
import type { Journal } from './journal.ts';
import { type MainProcess, startProcess } from './main-process.ts';
import { prepareStart } from './preparation.ts';
import { isListening, untilAnswering } from './readiness.ts';
import type { Account, Unit } from './unit.ts';

export interface LaunchEvents {
  /** All that a start needs is there. */
  prepared(): void;
  spawned(process: MainProcess): void;
  /** By what the unit's Type= says. */
  isUp(): void;
  /** The main process ended, sooner or later, or could not be executed. */
  ended(exit: Exit): void;
}

/**
 * Starts a service's main process, and tells when the service is up.
 * @param signal ends the wait for that; nothing is started after it
 * @throws Error where the process cannot be started at all
 */
export async function launch(
  unit: Unit,
  account: Account,
  journal: Journal,
  signal: AbortSignal,
  events: LaunchEvents,
): Promise<void> {
  const { clientUrl, ...command } = prepareStart(unit, account);
  events.prepared();
  // Another process may hold the port that this one is about to fail for; its answers say nothing.
  const isTaken = clientUrl !== undefined && (await isListening(clientUrl, signal));
  if (signal.aborted) return;
  const onExecuted = () => {
    if (unit.type === 'exec') events.isUp();
  };
  events.spawned(startProcess({ ...command, output: journal.open(unit.id) }, onExecuted, events.ended));
  if (unit.type === 'simple') events.isUp();
  if (clientUrl !== undefined && (await untilAnswering(clientUrl, isTaken, signal))) events.isUp();
}
