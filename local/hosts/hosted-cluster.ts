import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EtcdBinaries } from '../etcd/binaries.ts';
import { type ClusterCertificates, createTokenKeys, issueCertificates, type TokenKeys } from '../etcd/certificates.ts';
import type { KeptMember } from '../etcd/cluster.ts';
import { type EtcdctlAccess, enableAuth, runEtcdctl } from '../etcd/etcdctl.ts';
import { type ClientTls, isHealthy } from '../etcd/health.ts';
import { changeMembership } from '../etcd/membership.ts';
import { freePorts, HOST, type Ports } from '../etcd/ports.ts';
import type { AuthToken } from '../etcd/security.ts';
import { runScript } from './access.ts';
import { crashMembers, damageLog, wipeData } from './damage.ts';
import type { Host, HostFleet } from './host.ts';
import {
  type ConfigurationFormat,
  type HostedMember,
  installScript,
  type MemberSettings,
  UNIT,
} from './hosted-member.ts';

export interface HostedClusterOptions {
  binaries: EtcdBinaries;
  fleet: HostFleet;
  /** How many of the fleet's hosts are members; the others are spare. */
  members: number;
  quotaBackendBytes: number;
  tls: boolean;
  format?: ConfigurationFormat;
  /** Whether the log has a folder of its own, beside the data dir's parent. */
  walDir?: boolean;
  /** Whether each member has a second client URL, which the configuration of this project does not name. */
  moreClientUrls?: boolean;
  /** After how many entries of its log a member takes a snapshot: who joins later than that is sent one. */
  snapshotCount?: number | undefined;
  /** Each member begins with a copy of this instead of empty, in their order: on hosts that are folders of this machine. */
  kept?: readonly KeptMember[] | undefined;
  /** What members make tokens of, once authentication is enabled; `simple` if not said. */
  authToken?: AuthToken;
}

const HEALTHY_WITHIN_MS = 300_000;
/** For what hangs: a database of GiB is restored within minutes. */
const SCRIPT_MS = 600_000;

/**
 * A real etcd cluster whose members are services of hosts, named m1, m2 and so on. Waits until every member is healthy.
 * Closing it closes its hosts.
 */
export async function startHostedCluster(options: HostedClusterOptions): Promise<HostedCluster> {
  const cluster = new HostedCluster(options, await mkdtemp(join(tmpdir(), 'etcd-hosted-')));
  try {
    await cluster.bootstrap();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class HostedCluster {
  members: readonly HostedMember[] = [];
  spares: readonly HostedMember[] = [];
  readonly #options: HostedClusterOptions;
  readonly #directory: string;
  readonly #token = randomUUID();
  #certificates: ClusterCertificates | undefined;
  #tokenKeys: TokenKeys | undefined;
  #clientFiles: EtcdctlAccess['files'];
  #rootUser: string | undefined;

  constructor(options: HostedClusterOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
  }

  /** What a client needs, as PEM; undefined without TLS. */
  get tls(): ClientTls | undefined {
    if (!this.#options.tls || !this.#certificates) return undefined;
    return { ca: this.#certificates.ca, ...this.#certificates.client };
  }

  async bootstrap(): Promise<void> {
    const { fleet, members, authToken, kept = [] } = this.#options;
    if (authToken === 'jwt') this.#tokenKeys = await createTokenKeys();
    this.#certificates = await issueCertificates(fleet.hosts.map(({ address }) => address));
    this.#clientFiles = await this.#writeClientFiles(this.#certificates);
    const placed = await Promise.all(
      fleet.hosts.map((host, index) => this.#place(host, `m${index + 1}`, kept[index]?.ports)),
    );
    this.members = placed.slice(0, members);
    this.spares = placed.slice(members);
    await Promise.all(placed.map((member) => this.#install(member, 'new')));
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

  /** Waits until each member serves clients and knows a leader. */
  async waitUntilHealthy(names: readonly string[]): Promise<void> {
    const deadline = Date.now() + HEALTHY_WITHIN_MS;
    for (const name of names) {
      const { clientUrl } = this.member(name);
      while (!(await isHealthy(clientUrl, this.tls))) {
        if (Date.now() > deadline) throw new Error(`${name} was not healthy within ${HEALTHY_WITHIN_MS / 1000} s.`);
        await sleep(50);
      }
    }
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
    await changeMembership(() => this.etcdctl(['member', 'add', name, `--peer-urls=${member.peerUrl}`], via));
    await this.#install(member, 'existing');
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
  member(name: string): HostedMember {
    const member = [...this.members, ...this.spares].find((candidate) => candidate.name === name);
    if (!member) throw new Error(`the cluster has no member ${name}`);
    return member;
  }

  /**
   * Runs etcdctl against `names`, or against every member.
   * @param user `name:password`; root's, once authentication is enabled, if not said
   */
  etcdctl(
    args: string[],
    names: readonly string[] = this.members.map(({ name }) => name),
    { user }: { user: string | undefined } = { user: this.#rootUser },
  ): Promise<string> {
    return this.#etcdctl(args, names, '', user);
  }

  async enableAuth(password: string): Promise<void> {
    await enableAuth((args, input) => this.#etcdctl(args, [this.members[0]?.name ?? ''], input ?? ''), password);
    this.#rootUser = `root:${password}`;
  }

  async close(): Promise<void> {
    await this.#options.fleet.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #etcdctl(args: string[], names: readonly string[], input: string, user?: string): Promise<string> {
    const endpoints = names.map((name) => this.member(name).clientUrl);
    const access: EtcdctlAccess = {
      endpoints,
      user,
      ...(this.#clientFiles && { files: this.#clientFiles }),
    };
    return runEtcdctl(this.#options.binaries.etcdctl, args, access, input);
  }

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
    const { tls, walDir = false, moreClientUrls = false } = this.#options;
    const isShared = host.address === HOST;
    const at = (port: number) => `${tls ? 'https' : 'http'}://${host.address}:${port}`;
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

  async #install(member: HostedMember, state: MemberSettings['state']): Promise<void> {
    const { binaries, quotaBackendBytes, snapshotCount, format = 'yaml', tls } = this.#options;
    const settings: MemberSettings = {
      version: binaries.version,
      initialCluster: this.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(','),
      state,
      token: this.#token,
      quotaBackendBytes,
      snapshotCount,
      format,
      tls,
      tokenKeys: this.#tokenKeys,
    };
    await this.run(member.name, installScript(member, settings, this.#certificates as ClusterCertificates));
  }

  async #writeClientFiles({ ca, client }: ClusterCertificates): Promise<EtcdctlAccess['files']> {
    if (!this.#options.tls) return undefined;
    const write = async (name: string, pem: string) => {
      const file = join(this.#directory, name);
      await writeFile(file, pem, { mode: 0o600 });
      return file;
    };
    return {
      ca: await write('ca.crt', ca),
      cert: await write('client.crt', client.cert),
      key: await write('client.key', client.key),
    };
  }
}

export type { HostedCluster };
