import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupMount, removeControlGroup } from './control-groups.ts';

/**
 * What hosts need of the machine is named after the process that made them, so that its owner is known when that
 * process was killed. Everything else is in namespaces, and goes with them.
 */
const PREFIX = 'etcd-remediation-hosts-';

/** For folders and control groups: `etcd-remediation-hosts-4711-`. */
export function ownPrefix(pid: number = process.pid): string {
  return `${PREFIX}${pid}-`;
}

/** Removes what this process had made, which has ended. */
export function removeLeftoversOf(pid: number): Promise<void> {
  return removeLeftovers((each) => each === pid);
}

/** Removes what was made by processes that were killed before they could tidy up. */
export function removeStaleLeftovers(): Promise<void> {
  return removeLeftovers((pid) => !isRunning(pid));
}

/** Groups first: as long as one has processes, the host's files are in use. */
async function removeLeftovers(isWanted: (pid: number) => boolean): Promise<void> {
  const groups = cgroupMount();
  for (const name of await wantedIn(groups, isWanted)) await removeControlGroup(join(groups, name));
  for (const name of await wantedIn(tmpdir(), isWanted)) {
    await rm(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 3 });
  }
}

async function wantedIn(folder: string, isWanted: (pid: number) => boolean): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && isWanted(Number(pid));
  });
}

/** One that has ended stays a process until its parent takes note, and that may be long after everything it had is gone. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
