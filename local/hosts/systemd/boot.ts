import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostAccess, runScript } from '../access.ts';
import { endsWithThisProcess } from './machine.ts';

const BOOT = join(import.meta.dirname, 'boot.sh');
const BOOTED_WITHIN_MS = 300_000;
const POLL_MS = 20;
const BOOTED = ['running', 'degraded'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What has no namespace stays the machine's: nothing on a host sets its clock or touches its kernel. */
const CONFINED = ['setpriv', '--bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog', '--'];
/** It joins the control group before it gets a view of its own of them: then this group is the root there. */
const JOIN = 'echo 0 > "$0/cgroup.procs" && exec unshare --cgroup -- "$@"';

/** What a host is made of. */
export interface HostPlan {
  name: string;
  /** `10.77.0.11/24` */
  address: string;
  mac: string;
  /** The bridge, and this host's end of the cable on it. */
  bridge: string;
  link: string;
  /** For its files, and its control group; both are there already, and empty. */
  folder: string;
  controlGroup: string;
  rootFilesystem: string;
  binDir: string;
}

/** A host from its first process on. */
export interface SystemdHost {
  /** @throws Error with the end of the host's console when systemd is not up within 300 s */
  waitUntilBooted(): Promise<HostAccess>;
  /** The same, while services may still be starting: a member that waits for a quorum is one of them. @throws Error as above */
  waitUntilUp(): Promise<HostAccess>;
  /** Kills everything on the host, and waits until it is gone. */
  end(): Promise<void>;
  /** For the moment in which this process itself exits: nothing can be awaited any more. */
  killNow(): void;
}

/** Starts the first process of a host, which becomes its systemd. */
export function startHost(plan: HostPlan): SystemdHost {
  const { name, address, mac, link, bridge, folder, rootFilesystem, binDir } = plan;
  const kinds = ['--pid', '--net', '--mount', '--uts', '--ipc'];
  const [program, ...args] = endsWithThisProcess([
    ...CONFINED,
    ...['unshare', ...kinds, '--fork', '--kill-child', '--propagation', 'private', '--'],
    ...['bash', '-c', JOIN, plan.controlGroup],
    ...['bash', BOOT, folder, rootFilesystem, name, address, mac, link, bridge, `/proc/${process.pid}/ns/net`, binDir],
  ]);
  const consoleFile = join(folder, 'console.log');
  const log = openSync(consoleFile, 'a', 0o600);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', log], detached: true });
  closeSync(log);

  let pid: number | undefined;
  child.stdout?.setEncoding('utf8').on('data', (line: string) => {
    pid = Number(line);
  });
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const settle = () => {
      ended = true;
      resolve();
    };
    child.once('exit', settle);
    child.once('error', settle);
  });

  const killNow = () => {
    if (ended) return;
    try {
      // The first process takes all others of the host along, and ends after them.
      if (pid === undefined) child.kill('SIGKILL');
      else process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  };
  const waitUntil = async (states: readonly string[], question: string) => {
    const deadline = Date.now() + BOOTED_WITHIN_MS;
    let state = 'not begun';
    while (!ended && Date.now() < deadline) {
      if (pid !== undefined) {
        const access = accessTo(pid);
        state = await systemState(access, question, deadline - Date.now());
        if (states.includes(state)) return access;
      }
      await sleep(POLL_MS);
    }
    const what = ended ? 'its first process ended' : `after ${BOOTED_WITHIN_MS / 1000} s systemd is: ${state}`;
    const lastLines = readFileSync(consoleFile, 'utf8').trimEnd().split('\n').slice(-25).join('\n');
    throw new Error(`The host ${name} did not boot: ${what}. The end of its console:\n${lastLines}`);
  };
  return {
    waitUntilBooted: () => waitUntil(BOOTED, 'systemctl is-system-running --wait'),
    waitUntilUp: () => waitUntil(['starting', ...BOOTED], 'systemctl is-system-running'),
    end: async () => {
      killNow();
      await gone;
    },
    killNow,
  };
}

/** Into all that the process sees, with nothing of this process's environment. */
function accessTo(pid: number): HostAccess {
  const into = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd'];
  const clean = ['env', '-i', `PATH=${PATH}`];
  return { exec: ['nsenter', '--target', String(pid), ...into, '--', ...CONFINED, ...clean, 'bash'] };
}

/** What systemd says of itself, or why it says nothing yet. */
async function systemState(access: HostAccess, question: string, timeoutMs: number): Promise<string> {
  const { stdout, stderr } = await runScript(access, question, { timeoutMs });
  return stdout.trim() || stderr.trim();
}
