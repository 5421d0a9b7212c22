import type { HostAccess } from './access.ts';

/** A host that this process has made, with systemd or something that behaves like it. */
export interface Host {
  /** Of the form of an EC2 instance ID. */
  id: string;
  access: HostAccess;
  /** Where its services listen, and reach each other. */
  address: string;
  /** Where unit files are put. */
  unitDir: string;
  /** Where etcd's programs, its data and its configuration are found on this host, and the account that etcd runs as. */
  layout: { dataDir: string; configFile: string; user: string; group: string; binDir: string };
  /** Kills all that runs on it, and starts it again, with the services that are enabled there. */
  reboot(): Promise<void>;
}

/** Hosts that come and go together. */
export interface HostFleet {
  hosts: readonly Host[];
  /** Where the hosts reach this process. */
  ownAddress: string;
  /** Ends everything that runs on the hosts, and removes them. May be called again. */
  close(): Promise<void>;
}

export interface FleetOptions {
  count: number;
  /** The folder of etcd's programs on this machine. */
  binDir: string;
}
