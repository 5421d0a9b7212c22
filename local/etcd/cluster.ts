import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { atExit } from '../at-exit.ts';
import type { EtcdBinaries } from './binaries.ts';
import { enableAuth, runEtcdctl } from './etcdctl.ts';
import type { ClientTls } from './health.ts';
import { type LocalMember, Member } from './member.ts';
import { changeMembership } from './membership.ts';
import { freePorts, HOST, type Ports } from './ports.ts';
import { type AuthToken, type Security, secure, type TlsMode } from './security.ts';
import { memberSettings } from './settings.ts';
import { satisfies } from './versions.ts';

/** A member's data of an earlier cluster, and the ports that the others know it by. */
export interface KeptMember {
  dataDir: string;
  ports: Ports;
}

type ClusterOptions = {
  binaries: EtcdBinaries;
  members: number;
  quotaBackendBytes?: number;
  tls?: TlsMode;
  authToken?: AuthToken;
  /** Members that sign JWTs with other keys than the rest, so that neither takes the tokens of the other. */
  strangeKeys?: readonly string[];
  /** Members that only verify JWTs, and sign none. */
  verifyOnly?: readonly string[];
  /** The common name of the client's certificate, with `tls` that is mutual: a user of etcd's. */
  clientName?: string;
  extraArgs?: string[];
  /** Each member begins with a copy of this instead of empty, in their order. */
  kept?: readonly KeptMember[] | undefined;
  /** Where the cluster makes its own folder: the system's folder for temporary files, if not said. */
  directory?: string;
};

/**
 * Starts real etcd processes on loopback, named m1, m2 and so on, and waits until every member is healthy.
 * @throws Error with the end of a member's log when one is not healthy within 300 s; nothing is left running or on disk then
 */
export async function startCluster(options: ClusterOptions): Promise<LocalCluster> {
  const parent = options.directory ?? tmpdir();
  await mkdir(parent, { recursive: true });
  const cluster = new LocalCluster(options, await mkdtemp(join(parent, 'etcd-cluster-')));
  try {
    await cluster.bootstrap();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class LocalCluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #directory: string;
  readonly #members: Member[] = [];
  #security: Security = { scheme: 'http', settings: () => ({}) };
  #rootUser: string | undefined;
  #closed: Promise<void> | undefined;
  readonly #forget: () => void;

  constructor(options: ClusterOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    this.#forget = atExit(() => this.#abandon());
  }

  get members(): readonly LocalMember[] {
    return this.#members;
  }

  /** What a client needs, as PEM; undefined without TLS. */
  get tls(): ClientTls | undefined {
    return this.#security.clientTls;
  }

  async bootstrap(): Promise<void> {
    const {
      members,
      tls = 'none',
      authToken = 'simple',
      strangeKeys = [],
      verifyOnly = [],
      clientName,
      kept = [],
    } = this.#options;
    this.#security = await secure(this.#directory, tls, authToken, strangeKeys, { verifyOnly, clientName });
    const names = Array.from({ length: members }, (_, index) => `m${index + 1}`);
    const places = await Promise.all(names.map((name, index) => this.#place(name, kept[index]?.ports)));
    await Promise.all(kept.map(({ dataDir }, index) => cp(dataDir, places[index]?.dataDir ?? '', { recursive: true })));
    const initialCluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
    for (const place of places) {
      const flags = this.#flags(place, initialCluster, 'new');
      this.#members.push(new Member(place, this.#options.binaries.etcd, flags, false));
    }
    await Promise.all(this.#members.map((member) => this.#start(member)));
  }

  /**
   * Runs etcdctl against `names`, or against the voters that run, or against the `--endpoints` in `args`.
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

  /** Ends the member as a service manager would, and waits until its process is gone. */
  stopMember(name: string): Promise<void> {
    return this.#member(name).end('SIGTERM');
  }

  /** Ends the member as a crash would, and waits until its process is gone. */
  killMember(name: string): Promise<void> {
    return this.#member(name).end('SIGKILL');
  }

  /** Freezes the process: its ports accept connections, and nothing answers. */
  pauseMember(name: string): void {
    this.#member(name).pause();
  }

  resumeMember(name: string): void {
    this.#member(name).resume();
  }

  /** Starts a member that was stopped or killed and waits until it is healthy. Without a quorum, start several at once. */
  startMember(name: string): Promise<void> {
    return this.#start(this.#member(name));
  }

  /** Adds a learner to the membership, starts it, and waits until it is healthy. */
  async addLearner(name: string): Promise<LocalMember> {
    const place = await this.#place(name);
    const add = ['member', 'add', name, '--learner', `--peer-urls=${place.peerUrl}`];
    const answer = await changeMembership(() => this.etcdctl(add));
    const initialCluster = /^ETCD_INITIAL_CLUSTER="(.+)"$/m.exec(answer)?.[1];
    if (initialCluster === undefined) throw new Error(`etcdctl member add named no initial cluster: ${answer}`);
    const flags = this.#flags(place, initialCluster, 'existing');
    const learner = new Member(place, this.#options.binaries.etcd, flags, true);
    this.#members.push(learner);
    await this.#start(learner);
    return learner;
  }

  /** Creates the user root with the role root, and enables authentication. */
  async enableAuth(password: string): Promise<void> {
    await enableAuth((args, input) => this.#etcdctl(args, undefined, undefined, input), password);
    this.#rootUser = `root:${password}`;
  }

  /** Kills every process, waits until they are gone, and removes the cluster's folder. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end('SIGKILL')));
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
    this.#forget();
  }

  /** No etcd outlives the process that started it. */
  #abandon(): void {
    for (const member of this.#members) member.killNow();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #start(member: Member): Promise<void> {
    member.spawn();
    await member.waitUntilHealthy(this.tls);
  }

  #etcdctl(args: string[], names?: readonly string[], user?: string, input?: string): Promise<string> {
    const answering = this.#members.filter((member) => member.answers && !member.learner);
    const asked = names?.map((name) => this.#member(name)) ?? (answering.length > 0 ? answering : this.#members);
    const endpoints = asked.map((member) => member.clientUrl);
    const { clientFiles } = this.#security;
    const access = { endpoints, user, ...(clientFiles === undefined ? {} : { files: clientFiles }) };
    return runEtcdctl(this.#options.binaries.etcdctl, args, access, input);
  }

  #member(name: string): Member {
    const member = this.#members.find((candidate) => candidate.name === name);
    if (member === undefined) throw new Error(`the cluster has no member ${name}`);
    return member;
  }

  async #place(name: string, ports?: Ports) {
    const { client, peer } = ports ?? (await freePorts());
    return {
      name,
      clientUrl: `${this.#security.scheme}://${HOST}:${client}`,
      peerUrl: `${this.#security.scheme}://${HOST}:${peer}`,
      dataDir: join(this.#directory, name),
      logFile: join(this.#directory, `${name}.log`),
    };
  }

  #flags(place: Omit<LocalMember, 'pid'>, initialCluster: string, state: 'new' | 'existing'): string[] {
    const { binaries, quotaBackendBytes, extraArgs = [] } = this.#options;
    const { version } = binaries;
    const token = basename(this.#directory);
    const settings = {
      ...memberSettings(
        { ...place, clientUrls: [place.clientUrl] },
        { version, initialCluster, state, token, quotaBackendBytes },
      ),
      // 3.3 logs to standard error as it is.
      ...(!satisfies(version, '3.3') && { 'log-outputs': 'stderr' }),
      ...this.#security.settings(place.name),
    };
    return [...Object.entries(settings).map(([name, value]) => `--${name}=${value}`), ...extraArgs];
  }
}

export type { LocalCluster };
