import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { atExit } from '../at-exit.ts';
import { findInFolder, runProgram } from '../etcd/executables.ts';
import type { HostAccess } from './access.ts';
import type { FleetOptions, Host, HostFleet } from './host.ts';
import { type HostPlan, type SystemdHost, startHost } from './systemd/boot.ts';
import { createControlGroup, removeControlGroup } from './systemd/control-groups.ts';
import { throughOutside } from './systemd/enter.ts';
import { ownPrefix, removeStaleLeftovers } from './systemd/leftovers.ts';
import { rootFilesystem } from './systemd/root-filesystem.ts';

const BRIDGE = 'etcd-hosts';
const NETWORK = '10.77.0';
/** Of the hosts' addresses; the bridge has 1. */
const FIRST = 11;
const MAX_HOSTS = 99;

/**
 * Starts hosts with a real systemd each: with processes, mounts, control groups and a network of their own, and a minimal
 * Debian as their root filesystem. This process reaches them at their addresses, and has to be inside: see `reexecInside`.
 * There can be one such fleet at a time in a process.
 *
 * @param progress gets a line for each thing that takes its time: the first start on a machine builds the root filesystem
 * @throws HostsUnavailable where such hosts cannot be made, with what to do
 * @throws Error with the end of a host's console when it has not booted within 300 s; nothing is left of the hosts then
 */
export async function startSystemdHosts(
  options: FleetOptions,
  progress: (line: string) => void = () => {},
): Promise<HostFleet> {
  const { count } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_HOSTS) {
    throw new RangeError(`There can be 1 to ${MAX_HOSTS} hosts, not ${count}.`);
  }
  const binDir = resolve(options.binDir);
  if ((await findInFolder(binDir, 'etcd')) === undefined) throw new Error(`There is no program etcd in ${binDir}.`);
  const outside = throughOutside();
  await removeStaleLeftovers();
  const base = await rootFilesystem(outside, progress);
  await createBridge();

  const folder = await mkdtemp(join(tmpdir(), ownPrefix()));
  const plans: HostPlan[] = [];
  const started: SystemdHost[] = [];
  const killNow = () => {
    for (const host of started) host.killNow();
  };
  const forget = atExit(killNow);
  const remove = async () => {
    await Promise.all(started.map((host) => host.end()));
    for (const { controlGroup, link } of plans) {
      await removeControlGroup(controlGroup);
      // With the host's network it goes by itself, but only some time later: its name is to be free now.
      await ip('link', 'delete', link).catch(() => undefined);
    }
    await ip('link', 'delete', BRIDGE);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    forget();
  };
  let removed: Promise<void> | undefined;
  const close = () => {
    removed ??= remove();
    return removed;
  };

  try {
    for (let index = 0; index < count; index++) {
      const plan = await prepare(index, folder, base, binDir);
      plans.push(plan);
      started.push(startHost(plan));
    }
    const accesses = await Promise.all(started.map((host) => host.waitUntilBooted()));
    const reboot = async (index: number) => {
      const plan = plans[index] as HostPlan;
      await started[index]?.end();
      // Left as it is, it would take no process: its systemd had groups of its own in it.
      await removeControlGroup(plan.controlGroup);
      await createControlGroup(basename(plan.controlGroup));
      await ip('link', 'delete', plan.link).catch(() => undefined);
      const host = startHost(plan);
      started[index] = host;
      (accesses[index] as HostAccess).exec = (await host.waitUntilUp()).exec;
    };
    return {
      hosts: accesses.map((access, index) => describe(index, access, () => reboot(index))),
      ownAddress: `${NETWORK}.1`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its address on the bridge is fixed: else it takes its hosts' as they come and go, and what they know of it goes stale. */
async function createBridge(): Promise<void> {
  await ip('link', 'add', BRIDGE, 'address', macOf(1), 'type', 'bridge');
  await ip('address', 'add', `${NETWORK}.1/24`, 'dev', BRIDGE);
  await ip('link', 'set', BRIDGE, 'up');
}

async function prepare(index: number, parent: string, rootFilesystem: string, binDir: string): Promise<HostPlan> {
  const name = `h${index + 1}`;
  const folder = join(parent, name);
  await mkdir(folder);
  const controlGroup = await createControlGroup(`${ownPrefix()}${name}`);
  const link = `etcd-${name}`;
  const address = `${addressOf(index)}/24`;
  return {
    name,
    address,
    mac: macOf(FIRST + index),
    bridge: BRIDGE,
    link,
    folder,
    controlGroup,
    rootFilesystem,
    binDir,
  };
}

function describe(index: number, access: HostAccess, reboot: () => Promise<void>): Host {
  return {
    id: `i-${String(index + 1).padStart(17, '0')}`,
    access,
    address: addressOf(index),
    unitDir: '/etc/systemd/system',
    layout: {
      dataDir: '/var/lib/etcd/default',
      configFile: '/etc/etcd/etcd.yaml',
      user: 'etcd',
      group: 'etcd',
      binDir: '/usr/local/bin',
    },
    reboot,
  };
}

function addressOf(index: number): string {
  return `${NETWORK}.${FIRST + index}`;
}

/** A host that is made again keeps its MAC: else its neighbours look for the old one for half a minute. */
function macOf(lastByte: number): string {
  return `02:00:0a:4d:00:${lastByte.toString(16).padStart(2, '0')}`;
}

async function ip(...args: string[]): Promise<void> {
  await runProgram('ip', args, { timeout: 60_000 });
}
