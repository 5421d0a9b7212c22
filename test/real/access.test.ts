import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, registryParameterName } from '../../core/cluster/clusters.ts';
import { memberParametersSchema } from '../../core/member-replacement/contracts.ts';
import { spaceParametersSchema } from '../../core/space-reclaim/contracts.ts';
import { parse } from '../../core/text/parse.ts';
import { handler as assessMembers } from '../../lambdas/steps/assess-members.ts';
import { handler as assessSpace } from '../../lambdas/steps/assess-space.ts';
import { handler as diagnoseCluster } from '../../lambdas/steps/diagnose-cluster.ts';
import { systemsManager } from '../../local/aws/services.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type ClusterCertificates, issueCertificates } from '../../local/etcd/certificates.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { isHealthy } from '../../local/etcd/health.ts';
import { freePorts } from '../../local/etcd/ports.ts';
import { connectToAll, leaderFirst } from '../lambdas/etcd/support.ts';
import { type Forwarder, forwardTo } from '../lambdas/steps/forwarder.ts';
import { serveSecrets } from '../lambdas/steps/secrets.ts';
import { until } from '../scenes/scene.ts';

const MINUTES = { getRemainingTimeInMillis: () => 300_000 } as Context;
const TLS = 'access/tls';
const PARAMETERS: Record<string, string> = {};
const YESTERDAY = { notBefore: new Date(Date.now() - 3 * 86_400_000), notAfter: new Date(Date.now() - 86_400_000) };

/** Three healthy members of etcd, and configurations of them through which not all can be reached. */
describe('a cluster of etcd that is well', () => {
  let local: LocalCluster;
  let expired: ClusterCertificates;
  let valid: ClusterCertificates;
  let closeSecrets: () => Promise<void>;
  let forwarders: Forwarder[] = [];
  const urlOf = (name: string) => local.members.find((member) => member.name === name)?.clientUrl ?? '';

  beforeAll(async () => {
    local = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3 });
    [expired, valid] = [await issueCertificates([], { lifetime: YESTERDAY }), await issueCertificates()];
    closeSecrets = await serveSecrets({ [TLS]: { ca: `${valid.ca}\n${expired.ca}` } }, systemsManager(PARAMETERS));
  });
  afterAll(async () => {
    await closeSecrets?.();
    await local?.close();
  });
  beforeEach(async () => {
    // A leader that is not reached is told by its followers, whatever keeps us from it.
    const members = connectToAll(local);
    await until(async () => {
      const statuses = await leaderFirst(members);
      const [{ name = '' } = {}] = statuses;
      if (name === 'm1') return true;
      const first = statuses.find((each) => each.name === 'm1')?.id ?? '';
      await members.find((member) => member.name === name)?.moveLeader(first);
      return false;
    });
    for (const member of members) member.close();
  });
  afterEach(async () => {
    for (const forwarder of forwarders) await forwarder.close();
    forwarders = [];
  });

  async function forward(
    name: string,
    certificate?: { cert: string; key: string },
    address = '127.0.0.1',
  ): Promise<string> {
    const forwarder = await forwardTo(urlOf(name), certificate, address);
    forwarders.push(forwarder);
    return `${certificate ? 'https' : 'http'}://${address}:${forwarder.port}`;
  }
  /** etcd's own proxy in front of one member. */
  async function proxy(name: string): Promise<string> {
    const { client: port } = await freePorts();
    const { etcd } = await findEtcd('3.5.30');
    const address = `127.0.0.1:${port}`;
    const listen = [`--endpoints=${urlOf(name)}`, `--listen-addr=${address}`, `--advertise-client-url=${address}`];
    const child = spawn(etcd, ['grpc-proxy', 'start', ...listen], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    forwarders.push({
      port,
      close: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    });
    const url = `http://127.0.0.1:${port}`;
    await until(() => isHealthy(url));
    return url;
  }
  /** @param clientUrls by name, where they are not the member's own */
  function configured(clientUrls: Record<string, string>, differences: Partial<Cluster> = {}): Cluster {
    const members = local.members.map(({ name, clientUrl, peerUrl }) => ({
      name,
      clientUrl: clientUrls[name] ?? clientUrl,
      peerUrl,
      host: `host-${name}`,
    }));
    const layout = { unit: 'etcd', dataDir: '/d', walDir: null, configFile: '/c', user: 'e', group: 'e', binDir: '/b' };
    return { name: 'access', members, quotaBackendBytes: 16 * 1024 * 1024, layout, ...differences };
  }
  const diagnosed = (cluster: Cluster) => {
    PARAMETERS[registryParameterName(cluster.name)] = JSON.stringify(cluster);
    return diagnoseCluster({ cluster: cluster.name });
  };
  async function refusalOf(cluster: Cluster): Promise<string> {
    const parameters = parse(memberParametersSchema, {}, 'parameters');
    const readings = { targets: [], equal: 0, total: 0 };
    const space = parse(spaceParametersSchema, {}, 'parameters');
    const refusals = await Promise.allSettled([
      assessMembers({ cluster, parameters, member: '', readings }, MINUTES),
      assessSpace({ cluster, parameters: space }, MINUTES),
    ]);
    const told = refusals.map((each) => {
      // Its host is asked before anything is decided.
      if (each.status === 'fulfilled') {
        expect(each.value.verdict).toBe('Look');
        return each.value.summary;
      }
      expect(each.reason).toMatchObject({ name: 'PreconditionFailed' });
      return each.reason.message;
    });
    return told.join('\n');
  }

  it.each<[string, () => Promise<Cluster>, string, RegExp]>([
    [
      'whose name is not known here',
      async () => configured({ m3: 'http://m3.invalid:2379' }),
      'unreached',
      /correct clientUrl, or the name server.*Name resolution failed/,
    ],
    [
      'that speaks plain text where clientUrl says https',
      async () => configured({ m3: urlOf('m3').replace('http:', 'https:') }),
      'unreached',
      /The connection was accepted and cut.*scheme/,
    ],
    [
      'that speaks TLS where clientUrl says http',
      async () => configured({ m3: (await forward('m3', valid.server)).replace('https:', 'http:') }),
      'unreached',
      /The connection was accepted and cut.*scheme/,
    ],
    [
      'whose server certificate has expired',
      async () => {
        const [m1, m2] = [await forward('m1', valid.server), await forward('m2', valid.server)];
        return configured({ m1, m2, m3: await forward('m3', expired.server) }, { tls: { secret: TLS } });
      },
      'refusing',
      /certificate has expired.*Renew it/,
    ],
    [
      'whose server certificate is of another CA',
      async () => {
        const [m1, m2] = [await forward('m1', valid.server), await forward('m2', valid.server)];
        const other = await issueCertificates();
        return configured({ m1, m2, m3: await forward('m3', other.server) }, { tls: { secret: TLS } });
      },
      'refusing',
      /certificate/,
    ],
    [
      'whose server certificate is for other names',
      async () => {
        const [m1, m2] = [await forward('m1', valid.server), await forward('m2', valid.server)];
        // The whole of 127.0.0.0/8 is loopback on Linux.
        return configured({ m1, m2, m3: await forward('m3', valid.server, '127.0.0.2') }, { tls: { secret: TLS } });
      },
      'refusing',
      /not in the cert's altnames|not in the cert's list/,
    ],
  ])(
    'has a member %s: that is a condition of its own, and nothing that could be replaced',
    async (_, make, state, seen) => {
      const cluster = await make();
      const { incident, others, summary, members } = await diagnosed(cluster);
      expect({ incident, others }).toEqual({ incident: 'member-inaccessible', others: [] });
      expect(summary).toMatch(seen);
      expect(members[2]).toMatchObject({ name: 'm3', state });
      expect(members.slice(0, 2).map((member) => member.state)).not.toContain('failed');
      expect(await refusalOf(cluster)).toMatch(seen);
    },
  );

  it('has a leader that nobody gets to from here: its followers show it at work', async () => {
    const clients = connectToAll(local);
    const [leader] = await leaderFirst(clients);
    for (const client of clients) client.close();
    const cluster = configured({ [leader?.name ?? '']: 'http://127.0.0.1:1' });
    const { incident, summary, members } = await diagnosed(cluster);
    expect(incident).toBe('member-inaccessible');
    expect(summary).toMatch(
      new RegExp(`^${leader?.name} leads, for m\\d, m\\d follow it, and cannot be reached from here: .*ECONNREFUSED`),
    );
    expect(members.map(({ state }) => state)).not.toContain('failed');
  });

  it('has one address for all: it is a warning, and a refusal', async () => {
    const cluster = configured({ m1: await forward('m2'), m2: await forward('m2'), m3: await forward('m2') });
    const { incident, warnings } = await diagnosed(cluster);
    expect(incident).not.toBe('member-failed');
    expect(warnings.map(({ kind }) => kind)).toContain('shared-address');
    expect(JSON.stringify(warnings)).not.toContain('remove');
    expect(await refusalOf(cluster)).toMatch(
      /answers at the addresses of m1, m2, m3: each clientUrl has to reach its own member alone/,
    );
  });

  it('has a grpc-proxy of etcd in front of each member: a warning, and a refusal that tells nobody to remove it', async () => {
    const cluster = configured({ m1: await proxy('m1'), m2: await proxy('m2'), m3: await proxy('m3') });
    const { incident, warnings } = await diagnosed(cluster);
    expect(incident).not.toBe('member-failed');
    const kinds = warnings.map(({ kind }) => kind);
    expect(kinds).toContain('grpc-proxy');
    expect(kinds).not.toContain('not-configured');
    expect(JSON.stringify(warnings)).not.toContain('remove');
    const told = await refusalOf(cluster);
    expect(told).toMatch(
      /What answers at the clientUrl of m1, m2, m3 is a grpc-proxy of etcd.*clientUrl has to be the member's own/,
    );
    expect(told).not.toContain('remove');
  });

  it('has addresses that are swapped: a condition while all is well, and a refusal once one has died', async () => {
    const cluster = configured({ m1: urlOf('m2'), m2: urlOf('m1') });
    const well = await diagnosed(cluster);
    expect(well).toMatchObject({ incident: 'member-inaccessible', others: [] });
    const about = well.warnings.filter(({ kind }) => kind !== 'hosts-unknown');
    expect(about.map(({ kind }) => kind)).toEqual(['answered-by-another', 'answered-by-another']);
    expect(about[0]?.message).toMatch(/^The clientUrl of m1 .* is answered by m2 /);
    await local.stopMember('m2');
    try {
      const { incident, members, warnings } = await diagnosed(cluster);
      expect(incident).toBe('member-inaccessible');
      expect(members.map(({ state }) => state)).toEqual(['healthy', 'unreached', 'healthy']);
      expect(JSON.stringify(warnings)).not.toContain('remove');
      expect(await refusalOf(cluster)).toMatch(/The clientUrl of m2 .* is answered by m1 /);
    } finally {
      await local.startMember('m2');
    }
  });
});
