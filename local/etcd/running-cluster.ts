import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { EtcdBinaries } from './binaries.ts';
import { enableAuth, runEtcdctl } from './etcdctl.ts';
import { type ClientTls, unhealthyBecause } from './health.ts';
import { changeMembership } from './membership.ts';
import type { Ports } from './ports.ts';
import { type AuthToken, NOT_SECURED, type Security } from './security.ts';

/** A member's data of an earlier cluster, and the ports that the others know it by. */
export interface KeptMember {
  dataDir: string;
  ports: Ports;
}

/** Where a member is reached. */
export interface MemberPlace {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
}

/** What every cluster is started by, whatever its members run on. */
export interface ClusterOptions {
  binaries: EtcdBinaries;
  members: number;
  quotaBackendBytes?: number;
  /** What members make tokens of, once authentication is enabled; `simple` if not said. */
  authToken?: AuthToken;
  /** Each member begins with a copy of this instead of empty, in their order. */
  kept?: readonly KeptMember[] | undefined;
}

/** A real etcd cluster that this process has started, named m1, m2 and so on. What its members run on, who extends it knows. */
export abstract class RunningCluster<Member extends MemberPlace = MemberPlace> implements AsyncDisposable {
  abstract readonly members: readonly Member[];
  /** Of this cluster alone: it goes with it. */
  protected readonly directory: string;
  protected security: Security = NOT_SECURED;
  readonly #binaries: EtcdBinaries;
  #rootUser: string | undefined;
  #closed: Promise<void> | undefined;

  constructor({ binaries }: ClusterOptions, directory: string) {
    this.#binaries = binaries;
    this.directory = directory;
    process.once('exit', this.#killNow);
  }

  /** Makes the members, and waits until each is healthy. */
  abstract bootstrap(): Promise<void>;

  /** Ends the members, and waits until they are gone. */
  protected abstract end(): Promise<void>;

  /** The same for the moment in which this process itself exits: nothing can be awaited any more. */
  protected abstract endNow(): void;

  /** Whom etcdctl is run against where nobody is named. */
  protected get reachable(): readonly Member[] {
    return this.members;
  }

  /** What a client needs, as PEM; undefined without TLS. */
  get tls(): ClientTls | undefined {
    return this.security.clientTls;
  }

  member(name: string): Member {
    const member = this.members.find((candidate) => candidate.name === name);
    if (!member) throw new Error(`the cluster has no member ${name}`);
    return member;
  }

  /**
   * Runs etcdctl against `names`, or against the members that can be reached, or against the `--endpoints` in `args`.
   * @param user `name:password`; root's, once authentication is enabled, if not said
   * @returns its standard output
   */
  etcdctl(
    args: string[],
    names?: readonly string[],
    { user }: { user: string | undefined } = { user: this.#rootUser },
  ): Promise<string> {
    return this.#etcdctl(args, names, user);
  }

  /** Creates the user root with the role root, and enables authentication. */
  async enableAuth(password: string): Promise<void> {
    await enableAuth((args, input) => this.#etcdctl(args, undefined, undefined, input), password);
    this.#rootUser = `root:${password}`;
  }

  /** Waits until each member serves clients and knows a leader. @throws Error naming one that does not within 300 s */
  async waitUntilHealthy(names: readonly string[]): Promise<void> {
    const wait = async (name: string) => {
      const problem = await unhealthyBecause(this.member(name).clientUrl, this.tls);
      if (problem) throw new Error(`${name} ${problem}.`);
    };
    await Promise.all(names.map(wait));
  }

  /** Ends every member, and removes the cluster's folder. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Adds a member to etcd's list.
   * @param via the members that are asked; those that can be reached, if not said
   * @returns the initial cluster that it has to be started with
   */
  protected async addMember(
    { name, peerUrl }: MemberPlace,
    flags: readonly string[],
    via?: readonly string[],
  ): Promise<string> {
    const add = ['member', 'add', name, ...flags, `--peer-urls=${peerUrl}`];
    const answer = await changeMembership(() => this.etcdctl(add, via));
    const initialCluster = /^ETCD_INITIAL_CLUSTER="(.+)"$/m.exec(answer)?.[1];
    if (initialCluster === undefined) throw new Error(`etcdctl member add named no initial cluster: ${answer}`);
    return initialCluster;
  }

  #etcdctl(args: string[], names?: readonly string[], user?: string, input?: string): Promise<string> {
    const members = names?.map((name) => this.member(name)) ?? this.reachable;
    const endpoints = members.map(({ clientUrl }) => clientUrl);
    const { clientFiles } = this.security;
    return runEtcdctl(
      this.#binaries.etcdctl,
      args,
      { endpoints, user, ...(clientFiles && { files: clientFiles }) },
      input,
    );
  }

  async #close(): Promise<void> {
    await this.end();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
    process.off('exit', this.#killNow);
  }

  /** No etcd outlives the process that started it. */
  readonly #killNow = (): void => {
    this.endNow();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  };
}

/** `m1=http://127.0.0.1:20000,m2=...`: as etcd's flag has it. */
export function initialClusterOf(members: readonly MemberPlace[]): string {
  return members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
}

/** Bootstraps a cluster. @throws what keeps it from starting, once nothing of it is left */
export async function bootstrapped<Cluster extends RunningCluster>(cluster: Cluster): Promise<Cluster> {
  try {
    await cluster.bootstrap();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
