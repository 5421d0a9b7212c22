import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEBIAN_KEYRING, debianMirrors, downloadAndUnpack, readIndexes, requireApt } from '../../debian/apt.ts';
import { findOnPath, runProgram } from '../../etcd/executables.ts';
import { isRunning } from './leftovers.ts';
import { endsWithThisProcess, HostsUnavailable } from './machine.ts';

const SUITE = 'bookworm';
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'procps', 'curl'];
const PREPARE = join(import.meta.dirname, 'prepare.sh');
/** A slow mirror, not a hung one: a good one takes half a minute. */
const BUILD_WITHIN_MS = 15 * 60_000;

/**
 * The folder of the root filesystem that hosts share: a minimal Debian with systemd, built once and kept under the hash of
 * what it is made of. Of two processes that build it at once, both end with a complete one.
 *
 * @param via the command through which the network is reached
 * @param progress gets a line for each thing that a build does
 * @throws HostsUnavailable when it cannot be built here
 */
export async function rootFilesystem(via: readonly string[], progress: (line: string) => void): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etcd-remediation', 'rootfs');
  const recipe = JSON.stringify([process.arch, PACKAGES, await readFile(PREPARE, 'utf8')]);
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 12);
  const destination = join(cache, `${SUITE}-${hash}`);
  if (await exists(destination)) return destination;
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const folder = await mkdtemp(join(cache, `.build-${process.pid}-`));
  try {
    const root = await build(folder, via, progress);
    await rename(root, destination).catch(async (error: unknown) => {
      if (!(await exists(destination))) throw error;
    });
    return destination;
  } catch (error) {
    const why = error instanceof Error ? error.message.trim() : String(error);
    throw new HostsUnavailable(
      `The root filesystem of the hosts could not be built: ${why}\n` +
        'It takes a machine with apt, a mirror of Debian in its configuration, and the packages debian-archive-keyring and gpgv.',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(folder: string, via: readonly string[], progress: (line: string) => void): Promise<string> {
  await requireApt();
  const mirrors = await debianMirrors();
  const debootstrap = await findDebootstrap(folder, mirrors, via, progress);
  progress(`hosts: installing Debian ${SUITE} with systemd into the cache, which takes a minute, once`);
  const problems: string[] = [];
  for (const mirror of mirrors) {
    const target = await mkdtemp(join(folder, 'target-'));
    try {
      await runAlone(via, [...debootstrap, SUITE, target, mirror]);
      await runAlone([], ['bash', PREPARE, target]);
      // mkdtemp makes it private, and the user etcd has to get through.
      await runProgram('chmod', ['0755', target]);
      return target;
    } catch (error) {
      problems.push(`${mirror}: ${error instanceof Error ? endOf(error) : error}`);
    }
  }
  throw new Error(`debootstrap failed. ${problems.join('\n')}`);
}

/** The machine's own, or Debian's package of it: a script that need not be installed. */
async function findDebootstrap(
  folder: string,
  mirrors: string[],
  via: readonly string[],
  progress: (line: string) => void,
): Promise<string[]> {
  // Without its keyring debootstrap would go on and check no signature.
  const options = [
    '--variant=minbase',
    `--include=${PACKAGES.join(',')}`,
    '--force-check-gpg',
    `--keyring=${DEBIAN_KEYRING}`,
  ];
  const installed = await findOnPath('debootstrap');
  if (installed !== undefined) return [installed, ...options];
  progress(`hosts: fetching Debian's package debootstrap`);
  const workspace = { folder: join(folder, 'apt'), via };
  await readIndexes(workspace, mirrors, [SUITE]);
  const unpacked = await downloadAndUnpack(workspace, ['debootstrap']);
  const home = `DEBOOTSTRAP_DIR=${join(unpacked, 'usr/share/debootstrap')}`;
  return ['env', home, 'sh', join(unpacked, 'usr/sbin/debootstrap'), ...options];
}

/** With processes and mounts of its own, so that nothing of it goes on, or stays mounted, when this process ends. */
async function runAlone(via: readonly string[], command: readonly string[]): Promise<void> {
  const alone = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
  const [program, ...args] = endsWithThisProcess([...via, ...alone, ...command]);
  // Of this process's environment what leads to the network: a TMPDIR, say, is no folder in there.
  const proxies = Object.fromEntries(Object.entries(process.env).filter(([name]) => /_proxy$/i.test(name)));
  await runProgram(program, args, {
    timeout: BUILD_WITHIN_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...proxies, PATH: process.env.PATH, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** Of a command that failed, the end of what it said. */
function endOf(error: Error & { stdout?: string; stderr?: string }): string {
  const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trimEnd();
  return output === '' ? error.message : output.split('\n').slice(-8).join('\n');
}

/** What processes were building that were killed in the middle of it. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^\.build-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(cache, name), { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
