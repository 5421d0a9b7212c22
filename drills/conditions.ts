import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
/** For what hangs: whatever comes has come by then, however busy the machine is. */
const GIVE_UP_AFTER_MS = 300_000;

/** Waits for a condition. @throws Error naming it when it does not come true */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): Promise<void> {
  if (!(await settles(holds, giveUpAfterMs)))
    throw new Error(`Waited ${giveUpAfterMs / 1000} s in vain until ${what}.`);
}

/** Waits for a condition. @returns whether it came true in time */
export async function settles(holds: () => Promise<boolean>, giveUpAfterMs = GIVE_UP_AFTER_MS): Promise<boolean> {
  for (const deadline = Date.now() + giveUpAfterMs; Date.now() < deadline; await sleep(POLL_MS))
    if (await holds()) return true;
  return false;
}

/** How an execution ended: its outcome, or the name of its error. @param report its output, or its error and cause */
export function reportedOutcome(report: unknown): string {
  const { outcome, error } = report as { outcome?: string; error?: string };
  return outcome ?? error ?? 'Unknown';
}
