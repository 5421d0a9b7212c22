import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type LocalMember, Member } from './member.ts';
import { freePorts, HOST, type Ports } from './ports.ts';
import { bootstrapped, type ClusterOptions, initialClusterOf, RunningCluster } from './running-cluster.ts';
import { secure, type TlsMode } from './security.ts';
import { memberSettings } from './settings.ts';
import { satisfies } from './versions.ts';

interface LocalClusterOptions extends ClusterOptions {
  tls?: TlsMode;
  /** Members that sign JWTs with other keys than the rest, so that neither takes the tokens of the other. */
  strangeKeys?: readonly string[];
  /** Members that only verify JWTs, and sign none. */
  verifyOnly?: readonly string[];
  /** The common name of the client's certificate, with `tls` that is mutual: a user of etcd's. */
  clientName?: string;
  extraArgs?: string[];
  /** Where the cluster makes its own folder: the system's folder for temporary files, if not said. */
  directory?: string;
}

/**
 * Starts a cluster of etcd processes on loopback.
 * @throws Error with the end of a member's log when one is not healthy within 300 s; nothing is left running or on disk then
 */
export async function startCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const parent = options.directory ?? tmpdir();
  await mkdir(parent, { recursive: true });
  return bootstrapped(new LocalCluster(options, await mkdtemp(join(parent, 'etcd-cluster-'))));
}

class LocalCluster extends RunningCluster<Member> {
  readonly #options: LocalClusterOptions;
  readonly #members: Member[] = [];

  constructor(options: LocalClusterOptions, directory: string) {
    super(options, directory);
    this.#options = options;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  protected override get reachable(): readonly Member[] {
    const voters = this.#members.filter((member) => member.answers && !member.learner);
    return voters.length > 0 ? voters : this.#members;
  }

  async bootstrap(): Promise<void> {
    const { members, kept = [] } = this.#options;
    this.security = await secure(this.directory, this.#options);
    const names = Array.from({ length: members }, (_, index) => `m${index + 1}`);
    const places = await Promise.all(names.map((name, index) => this.#place(name, kept[index]?.ports)));
    await Promise.all(kept.map(({ dataDir }, index) => cp(dataDir, places[index]?.dataDir ?? '', { recursive: true })));
    const initialCluster = initialClusterOf(places);
    await Promise.all(places.map((place) => this.#start(this.#add(place, initialCluster, 'new'))));
  }

  /** Ends the member as a service manager would, and waits until its process is gone. */
  stopMember(name: string): Promise<void> {
    return this.member(name).end('SIGTERM');
  }

  /** Ends the member as a crash would, and waits until its process is gone. */
  killMember(name: string): Promise<void> {
    return this.member(name).end('SIGKILL');
  }

  /** Freezes the process: its ports accept connections, and nothing answers. */
  pauseMember(name: string): void {
    this.member(name).pause();
  }

  resumeMember(name: string): void {
    this.member(name).resume();
  }

  /** Starts a member that was stopped or killed and waits until it is healthy. Without a quorum, start several at once. */
  startMember(name: string): Promise<void> {
    return this.#start(this.member(name));
  }

  /** Adds a learner to the membership, starts it, and waits until it is healthy. */
  async addLearner(name: string): Promise<LocalMember> {
    const place = await this.#place(name);
    const learner = this.#add(place, await this.addMember(place, ['--learner']), 'existing');
    await this.#start(learner);
    return learner;
  }

  protected async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end('SIGKILL')));
  }

  protected endNow(): void {
    for (const member of this.#members) member.killNow();
  }

  async #start(member: Member): Promise<void> {
    member.spawn();
    await member.waitUntilHealthy(this.tls);
  }

  async #place(name: string, ports?: Ports) {
    const { client, peer } = ports ?? (await freePorts());
    return {
      name,
      clientUrl: `${this.security.scheme}://${HOST}:${client}`,
      peerUrl: `${this.security.scheme}://${HOST}:${peer}`,
      dataDir: join(this.directory, name),
      logFile: join(this.directory, `${name}.log`),
    };
  }

  /** A member that is not started yet; one that joins a cluster is a learner. */
  #add(place: Omit<LocalMember, 'pid'>, initialCluster: string, state: 'new' | 'existing'): Member {
    const { binaries, quotaBackendBytes, extraArgs = [] } = this.#options;
    const { version } = binaries;
    const token = basename(this.directory);
    const settings = {
      ...memberSettings(
        { ...place, clientUrls: [place.clientUrl] },
        { version, initialCluster, state, token, quotaBackendBytes },
      ),
      // 3.3 logs to standard error as it is.
      ...(!satisfies(version, '3.3') && { 'log-outputs': 'stderr' }),
      ...this.security.settings(place.name),
    };
    const flags = [...Object.entries(settings).map(([name, value]) => `--${name}=${value}`), ...extraArgs];
    const member = new Member(place, binaries.etcd, flags, state === 'existing');
    this.#members.push(member);
    return member;
  }
}

export type { LocalCluster };
