import { tmpdir } from 'node:os';
import { findOnPath, runProgram } from '../../etcd/executables.ts';

/** Hosts with systemd cannot be made here. The message says what was seen, and what to do. */
export class HostsUnavailable extends Error {
  override readonly name = 'HostsUnavailable';
}

/** By the package of Debian that has them. */
const TOOLS = {
  'util-linux': ['unshare', 'nsenter', 'setpriv', 'pivot_root'],
  mount: ['mount', 'umount'],
  iproute2: ['ip'],
  bash: ['bash'],
} as const;

/** Everything in it vanishes with its namespaces. */
const TRIAL = `set -e
mount -t tmpfs tmpfs "$0"
ip link set lo up
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2`;

/**
 * Makes sure, by trying it, that this process may make namespaces.
 * @throws HostsUnavailable
 */
export async function requireNamespaces(): Promise<void> {
  if (process.platform !== 'linux') {
    throw new HostsUnavailable(
      `Hosts with systemd need Linux, and this is ${process.platform}. Use a virtual machine.`,
    );
  }
  if (process.geteuid?.() !== 0) {
    throw new HostsUnavailable(
      `Hosts with systemd need root, and this is user ${process.geteuid?.()}. Run the same command with sudo.`,
    );
  }
  for (const [debianPackage, tools] of Object.entries(TOOLS)) {
    for (const tool of tools) {
      if ((await findOnPath(tool)) !== undefined) continue;
      throw new HostsUnavailable(
        `Hosts with systemd need ${tool}, which is not on the PATH. Install ${debianPackage}, or put its folder (/usr/sbin?) on the PATH.`,
      );
    }
  }
  const everyKind = ['--pid', '--fork', '--net', '--mount', '--uts', '--ipc', '--cgroup', '--propagation', 'private'];
  await runProgram('unshare', [...everyKind, 'bash', '-c', TRIAL, tmpdir()], { timeout: 60_000 }).catch(
    (error: Error & { stderr?: string }) => {
      throw new HostsUnavailable(
        `The kernel does not let this process make namespaces, mounts and links (${(error.stderr || error.message).trim()}). ` +
          'In a container, it has to be a privileged one; elsewhere, see which module or security policy forbids it.',
      );
    },
  );
}

/**
 * The command, so that the kernel kills it when this process ends, however that happens. It keeps the process ID with which
 * it is started, and what it starts itself needs means of its own.
 */
export function endsWithThisProcess(command: readonly string[]): [string, ...string[]] {
  // Where this process was gone before setpriv ran, nobody would send the signal any more.
  const unlessOrphaned = '[ "$PPID" = "$0" ] && exec "$@"';
  return ['setpriv', '--pdeathsig', 'KILL', 'bash', '-c', unlessOrphaned, String(process.pid), ...command];
}
