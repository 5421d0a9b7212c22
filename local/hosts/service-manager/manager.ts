import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createJournal, type Journal } from './journal.ts';
import { Service } from './service.ts';
import { type Account, loadUnit } from './unit.ts';

/** The services of one host. */
export interface ServiceManager {
  readonly journal: Journal;
  /** @returns undefined where there is no such unit file. @throws Error for one that is not understood */
  find(id: string): Service | undefined;
  /** Reads all unit files again. @throws Error for the first that is not understood; everything stays as it was then */
  reload(): void;
  /** Ends all services at once, and starts those that are enabled. */
  reboot(): Promise<void>;
  /** Ends all services at once. */
  close(): Promise<void>;
  /** For the moment in which this process itself exits: nothing can be awaited any more. */
  killNow(): void;
}

export function createServiceManager(unitDir: string, logDir: string, account: Account): ServiceManager {
  const journal = createJournal(logDir);
  const services = new Map<string, Service>();
  let isClosed = false;
  const find = (id: string): Service | undefined => {
    if (isClosed) throw new Error('The service manager of this host was closed.');
    const known = services.get(id);
    if (known !== undefined) return known;
    const unit = loadUnit(unitDir, id, account);
    if (unit === undefined) return undefined;
    const service = new Service(unit, journal, account);
    services.set(id, service);
    return service;
  };
  return {
    journal,
    find,
    reload: () => {
      const onDisk = readdirSync(unitDir).filter((name) => name.endsWith('.service'));
      const units = new Map(onDisk.map((id) => [id, loadUnit(unitDir, id, account)]));
      for (const [id, service] of services) {
        const unit = units.get(id);
        if (unit !== undefined) service.unit = unit;
        // What still runs is known by its last unit file until it ends.
        else if (/^(inactive|failed)$/.test(service.status.activeState)) services.delete(id);
      }
    },
    reboot: async () => {
      await Promise.all([...services.values()].map((service) => service.close()));
      services.clear();
      if (isClosed) return;
      for (const id of enabledIn(unitDir)) void find(id)?.request('start');
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...services.values()].map((service) => service.close()));
    },
    killNow: () => {
      for (const service of services.values()) service.kill('SIGKILL');
    },
  };
}

/** The units that a boot starts. */
function enabledIn(unitDir: string): string[] {
  const wanted = join(unitDir, 'multi-user.target.wants');
  return existsSync(wanted) ? readdirSync(wanted) : [];
}
