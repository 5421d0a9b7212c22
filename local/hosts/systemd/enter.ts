import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { cgroupMount } from './control-groups.ts';
import { removeLeftoversOf } from './leftovers.ts';
import { endsWithThisProcess, HostsUnavailable, requireNamespaces } from './machine.ts';

/** `net:[4026532200] mnt:[4026532199] 4711`: the namespaces, and the process outside that made them. */
const MARK = 'ETCD_REMEDIATION_INSIDE';

/** Ends with the command itself, which so keeps the process ID of what was spawned. */
const ENTER = `ip link set lo up &&
export ${MARK}="$(readlink /proc/self/ns/net) $(readlink /proc/self/ns/mnt) $0" &&
exec "$@"`;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Whether this process is in namespaces that `reexecInside` has made. Believes the environment only where it is true. */
export function isInside(): boolean {
  return processOutside() !== undefined;
}

/**
 * The command through which the machine's own network is reached from inside.
 * @throws HostsUnavailable outside
 */
export function throughOutside(): string[] {
  const outside = processOutside();
  if (outside === undefined) {
    throw new HostsUnavailable(
      'Hosts are made in namespaces of their own, and this process is in those of the machine. Start it through reexecInside.',
    );
  }
  return ['nsenter', `--net=/proc/${outside}/ns/net`, '--'];
}

/**
 * Runs a command (its program and arguments) in a network and mounts of its own, where hosts can be made, with this process's
 * terminal, environment and folder. Hands signals on and leaves it to the command what to do with them; when this process is
 * killed, so is the command. Removes what the command leaves of its hosts.
 *
 * @returns its exit status; 128 and the signal's number where a signal has ended it, as in a shell
 * @throws HostsUnavailable
 */
export async function reexecInside(argv: readonly string[]): Promise<number> {
  await requireNamespaces();
  // What is left is looked for there in the end, and by then it would be too late to refuse.
  cgroupMount();
  const namespaces = ['unshare', '--net', '--mount', '--propagation', 'private', '--'];
  const enter = [...namespaces, 'bash', '-c', ENTER, String(process.pid), ...argv];
  const [program, ...args] = endsWithThisProcess(enter);
  // In a session of its own, so that a signal from the terminal arrives once.
  const child = spawn(program, args, { stdio: 'inherit', detached: true });
  const restoreSignals = forwardSignals((signal) => child.kill(signal));
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    if (child.pid !== undefined) await removeLeftoversOf(child.pid);
    restoreSignals();
  }
}

/** Any other listener would end this process, and what is inside would be killed before it could tidy up. */
function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
  const others = SIGNALS.map((signal) => ({
    signal,
    listeners: process.rawListeners(signal) as NodeJS.SignalsListener[],
  }));
  for (const { signal } of others) process.removeAllListeners(signal).on(signal, forward);
  return () => {
    for (const { signal, listeners } of others) {
      process.off(signal, forward);
      for (const listener of listeners) process.on(signal, listener);
    }
  };
}

function processOutside(): number | undefined {
  const [network, mounts, outside] = (process.env[MARK] ?? '').split(' ');
  if (outside === undefined || process.platform !== 'linux') return undefined;
  const own = namespacesOf('self');
  const theirs = namespacesOf(outside);
  const isTrue = own !== undefined && own.network === network && own.mounts === mounts;
  return isTrue && theirs !== undefined && theirs.network !== network ? Number(outside) : undefined;
}

function namespacesOf(pid: string): { network: string; mounts: string } | undefined {
  try {
    return { network: readlinkSync(`/proc/${pid}/ns/net`), mounts: readlinkSync(`/proc/${pid}/ns/mnt`) };
  } catch {
    // There is no such process.
    return undefined;
  }
}
