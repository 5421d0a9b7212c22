import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostsUnavailable } from './machine.ts';

const EMPTY_WITHIN_MS = 10_000;

/**
 * Where cgroup2 is mounted: /sys/fs/cgroup, or below it where version 1 is in use as well.
 * @throws HostsUnavailable
 */
export function cgroupMount(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const line of mounts) {
    // 31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw
    const [own = '', filesystem = ''] = line.split(' - ');
    const [, , , , mountPoint, options = ''] = own.split(' ');
    if (mountPoint === undefined || !filesystem.startsWith('cgroup2 ')) continue;
    if (options.split(',').includes('rw')) return mountPoint;
    throw new HostsUnavailable(
      `Hosts with systemd need control groups, and ${mountPoint} is mounted read-only. In a container, it has to be a privileged one.`,
    );
  }
  throw new HostsUnavailable(
    'Hosts with systemd need control groups of version 2, and none are mounted: see "mount -t cgroup2".',
  );
}

/** Makes a group of this name at the top, and returns its folder. */
export async function createControlGroup(name: string): Promise<string> {
  const group = join(cgroupMount(), name);
  await mkdir(group);
  return group;
}

/**
 * Removes a group with all that are in it, once none of its processes is left.
 * @throws Error when one still is after 10 s
 */
export async function removeControlGroup(group: string): Promise<void> {
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  while (existsSync(group)) {
    try {
      await removeTree(group);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const busy = code === 'EBUSY' || code === 'ENOTEMPTY' || code === 'ENOENT';
      if (!busy || Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

/** A group's files go with it; only the groups in it have to go first. */
async function removeTree(group: string): Promise<void> {
  if (readFileSync(join(group, 'cgroup.events'), 'utf8').includes('populated 1')) {
    throw Object.assign(new Error(`There are processes in the control group ${group}`), { code: 'EBUSY' });
  }
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(group, entry.name));
  }
  await rmdir(group);
}
