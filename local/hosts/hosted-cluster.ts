import { randomUUID } from 'node:crypto';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { EtcdBinaries } from '../etcd/binaries.ts';
import { changeMembership } from '../etcd/membership.ts';
import { freePorts, HOST, type Ports } from '../etcd/ports.ts';
import { bootstrapped, type ClusterOptions, initialClusterOf, RunningCluster } from '../etcd/running-cluster.ts';
import { secure } from '../etcd/security.ts';
import { runScript } from './access.ts';
import { crashMembers, damageLog, wipeData } from './damage.ts';
import type { Host, HostFleet } from './host.ts';
import { type ConfigurationFormat, type HostedMember, installScript, UNIT } from './hosted-member.ts';

/** The first `members` of the fleet's hosts are members; the others are spare. `kept` is for hosts that are folders of this machine. */
export interface HostedClusterOptions extends ClusterOptions {
  fleet: HostFleet;
  quotaBackendBytes: number;
  tls: boolean;
  format?: ConfigurationFormat;
  /** Whether the log has a folder of its own, beside the data dir's parent. */
  walDir?: boolean;
  /** Whether each member has a second client URL, which the configuration of this project does not name. */
  moreClientUrls?: boolean;
  /** After how many entries of its log a member takes a snapshot: who joins later than that is sent one. */
  snapshotCount?: number | undefined;
  /** How often the leader compares the data of all members; never, if not said. */
  corruptCheckMs?: number | undefined;
}

/** For what hangs: a database of GiB is restored within minutes. */
const SCRIPT_MS = 600_000;

/** Starts a cluster whose members are services of hosts. Closing it closes its hosts. @throws Error naming a member that is not healthy within 300 s */
export async function startHostedCluster(options: HostedClusterOptions): Promise<HostedCluster> {
  return bootstrapped(new HostedCluster(options, await mkdtemp(join(tmpdir(), 'etcd-hosted-'))));
}

class HostedCluster extends RunningCluster<HostedMember> {
  members: readonly HostedMember[] = [];
  spares: readonly HostedMember[] = [];
  readonly #options: HostedClusterOptions;
  readonly #token = randomUUID();

  constructor(options: HostedClusterOptions, directory: string) {
    super(options, directory);
    this.#options = options;
  }

  async bootstrap(): Promise<void> {
    const { fleet, members, tls, kept = [], authToken = 'simple' } = this.#options;
    const addresses = fleet.hosts.map(({ address }) => address);
    this.security = await secure(this.directory, { tls: tls ? 'mutual' : 'none', authToken, addresses });
    const placed = await Promise.all(
      fleet.hosts.map((host, index) => this.#place(host, `m${index + 1}`, kept[index]?.ports)),
    );
    this.members = placed.slice(0, members);
    this.spares = placed.slice(members);
    const initialCluster = initialClusterOf(this.members);
    await Promise.all(placed.map((member) => this.#install(member, 'new', initialCluster)));
    await Promise.all(
      kept.map(({ dataDir }, index) => cp(dataDir, placed[index]?.host.layout.dataDir ?? '', { recursive: true })),
    );
    await Promise.all(this.members.map((member) => this.run(member.name, `systemctl start ${UNIT}`)));
    await this.waitUntilHealthy(this.members.map(({ name }) => name));
  }

  /** Runs a script on a member's host. @returns its standard output @throws Error with what it said when it fails */
  async run(name: string, script: string): Promise<string> {
    const { access } = this.member(name).host;
    const { exitCode, stdout, stderr } = await runScript(access, script, { timeoutMs: SCRIPT_MS });
    if (exitCode === 0) return stdout;
    throw new Error(`A script ended with ${exitCode} on the host of ${name}: ${stderr.trim()} ${stdout.trim()}`);
  }

  /**
   * Ends a member as a crash does, and damages its log on disk, so that its service fails again whenever systemd starts it.
   * @returns once it has failed to start
   */
  async destroyMember(name: string): Promise<void> {
    await crashMembers(this, [name]);
    await damageLog(this, name, 'garbled');
  }

  /**
   * Lets a member start empty, as an operator does: its data is removed, and it joins the cluster again under its old name and URLs.
   * @returns once it is healthy, whether or not it takes tokens
   */
  async rejoin(name: string): Promise<void> {
    const member = this.member(name);
    await this.run(name, `systemctl stop ${UNIT}`);
    await wipeData(this, name);
    const via = [await this.#firstToTakeToken(this.members.filter((other) => other !== member))];
    const list = await this.etcdctl(['member', 'list'], via);
    const id = list
      .split('\n')
      .find((line) => line.split(', ')[3] === member.peerUrl)
      ?.split(', ')[0];
    if (id === undefined) throw new Error(`etcd lists no member at ${member.peerUrl}: ${list}`);
    await changeMembership(() => this.etcdctl(['member', 'remove', id], via));
    await this.#install(member, 'existing', await this.addMember(member, [], via));
    await this.run(name, `systemctl start ${UNIT}`);
    await this.waitUntilHealthy([name]);
  }

  /** Starts a member's service with another release of etcd, on its data. Its log and the others' do not mind which. */
  async upgrade(name: string, { etcd }: EtcdBinaries): Promise<void> {
    const { host } = this.member(name);
    const before = host.layout.binDir;
    host.layout.binDir = dirname(etcd);
    await this.run(
      name,
      `set -eu
      sed -i.before 's|^ExecStart=${before}/|ExecStart=${host.layout.binDir}/|' '${host.unitDir}/${UNIT}.service'
      systemctl daemon-reload
      systemctl restart ${UNIT}`,
    );
    await this.waitUntilHealthy([name]);
  }

  /** A member, or a spare one. */
  override member(name: string): HostedMember {
    return this.spares.find((spare) => spare.name === name) ?? super.member(name);
  }

  protected end(): Promise<void> {
    return this.#options.fleet.close();
  }

  /** Hosts go by themselves with this process. */
  protected endNow(): void {}

  /** With authentication a member that is healthy may still take no token. A read is what it would refuse; a list of members is not. */
  async #firstToTakeToken(members: readonly HostedMember[]): Promise<string> {
    const problems: string[] = [];
    for (const { name } of members) {
      try {
        await this.etcdctl(['get', 'nothing'], [name]);
        return name;
      } catch (error) {
        problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    throw new Error(`No member can be asked. ${problems.join('; ')}`);
  }

  /** Hosts that share this machine's loopback need ports of their own. */
  async #place(host: Host, name: string, ports?: Ports): Promise<HostedMember> {
    const { walDir = false, moreClientUrls = false } = this.#options;
    const isShared = host.address === HOST;
    const at = (port: number) => `${this.security.scheme}://${host.address}:${port}`;
    const { client, peer } = isShared ? (ports ?? (await freePorts())) : { client: 2379, peer: 2380 };
    const others = moreClientUrls ? [at(isShared ? (await freePorts()).client : 12379)] : [];
    return {
      name,
      clientUrl: at(client),
      clientUrls: [at(client), ...others],
      peerUrl: at(peer),
      host,
      walDir: walDir ? `${dirname(host.layout.dataDir)}-wal/default` : null,
    };
  }

  async #install(member: HostedMember, state: 'new' | 'existing', initialCluster: string): Promise<void> {
    const { binaries, quotaBackendBytes, snapshotCount, corruptCheckMs, format = 'yaml' } = this.#options;
    const { certificates, tokenKeys } = this.security;
    const settings = {
      ...{ version: binaries.version, initialCluster, state, token: this.#token },
      ...{ quotaBackendBytes, snapshotCount, corruptCheckMs, format, certificates, tokenKeys },
    };
    await this.run(member.name, installScript(member, settings));
  }
}

export type { HostedCluster };
