import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../etcd/executables.ts';
import { HOST } from '../etcd/ports.ts';
import type { FleetOptions, Host, HostFleet } from './host.ts';
import { createServiceManager, type ServiceManager } from './service-manager/manager.ts';
import { clientScript, PROGRAMS, serve } from './service-manager/server.ts';
import type { Account } from './service-manager/unit.ts';

/** Where a host's own programs are, besides those that stand for systemd's. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface ProcessHost {
  host: Host;
  folder: string;
  manager: ServiceManager;
  /** Ends the connections to the service manager. */
  disconnect(): Promise<void>;
}

/**
 * Hosts that need no root: each is a folder, in which a service manager of our own stands for systemd. Its services run as this
 * process's children and account, and all hosts share one address.
 * @throws Error
 */
export async function startProcessHosts({ count, binDir }: FleetOptions): Promise<HostFleet> {
  const account = await currentAccount();
  const hosts: ProcessHost[] = [];
  const killNow = () => {
    for (const { folder, manager } of hosts) {
      manager.killNow();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  process.once('exit', killNow);
  const close = async () => {
    await Promise.all(hosts.map(removeHost));
    process.off('exit', killNow);
  };
  try {
    while (hosts.length < count) hosts.push(await makeHost(binDir, account));
  } catch (error) {
    await close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    hosts: hosts.map(({ host }) => host),
    ownAddress: HOST,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function currentAccount(): Promise<Account> {
  const [user, group] = await Promise.all(['-un', '-gn'].map((option) => runProgram('id', [option])));
  return { user: String(user?.stdout).trim(), group: String(group?.stdout).trim() };
}

async function makeHost(binDir: string, account: Account): Promise<ProcessHost> {
  // Scripts compare real paths, and macOS's temporary folder is behind a link.
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'etcd-host-'));
  const at = (...path: string[]) => join(folder, ...path);
  const unitDir = at('etc', 'systemd', 'system');
  const logDir = at('var', 'log');
  try {
    for (const made of [unitDir, logDir, at('etc', 'etcd'), at('var', 'lib', 'etcd'), at('bin')]) {
      await mkdir(made, { recursive: true });
    }
    const manager = createServiceManager(unitDir, logDir, account);
    const token = randomUUID();
    const switchboard = await serve(manager, token);
    for (const program of PROGRAMS) {
      await writeFile(at('bin', program), clientScript(switchboard.port, token, program), { mode: 0o700 });
    }
    const host: Host = {
      id: `i-${randomBytes(9).toString('hex').slice(1)}`,
      access: { exec: ['env', '-i', `PATH=${at('bin')}:${PATH}`, 'bash'] },
      address: HOST,
      unitDir,
      layout: {
        dataDir: at('var', 'lib', 'etcd', 'default'),
        configFile: at('etc', 'etcd', 'etcd.yaml'),
        ...account,
        binDir,
      },
      reboot: () => manager.reboot(),
    };
    return { host, folder, manager, disconnect: switchboard.close };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function removeHost({ folder, manager, disconnect }: ProcessHost): Promise<void> {
  await disconnect();
  await manager.close();
  // Killed processes may be in the middle of making files.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
