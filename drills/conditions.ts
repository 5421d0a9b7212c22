import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Waits for a condition. @throws Error naming it when it does not come true in time */
export async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  if (!(await settles(withinMs, holds))) throw new Error(`Waited ${withinMs / 1000} s in vain until ${what}.`);
}

/** Waits for a condition. @returns whether it came true in time */
export async function settles(withinMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(POLL_MS))
    if (await holds()) return true;
  return false;
}

/** How an execution ended: its outcome, or the name of its error. @param report its output, or its error and cause */
export function outcomeOf(report: unknown): string {
  const { outcome, error } = report as { outcome?: string; error?: string };
  return outcome ?? error ?? 'Unknown';
}
