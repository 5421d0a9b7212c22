import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, registryParameterName } from '../../../core/cluster/clusters.ts';
import type { Diagnosis } from '../../../core/diagnosis/diagnosis.ts';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { handler } from '../../../lambdas/steps/diagnose-cluster.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { systemsManager } from '../../../local/aws/services.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { LAYOUT } from '../../lib/stacks.ts';
import { fill, MIB, until } from '../../scenes/scene.ts';
import { ROOT } from '../etcd/support.ts';
import { serveSecrets } from './secrets.ts';

const [LOGIN, TLS] = ['diagnosis/root', 'diagnosis/tls'];
/** Run Command reaches the hosts of m1 and m2. */
const HOSTS = { 'host-m1': { exec: ['sh'] }, 'host-m2': { exec: ['sh'] }, 'host-m3': { exec: ['false'] } };

/** The configuration, which a test may change. */
const PARAMETERS: Record<string, string> = {};
const HOSTS_ASKED = 'AmazonSSM.DescribeInstanceInformation';
let isThrottled = false;

interface Scene {
  local: LocalCluster;
  cluster: Cluster;
  etcd: EtcdCluster;
  close(): Promise<void>;
}

/** A cluster of three with a quota of 16 MiB and, where `secured`, certificates and a login. */
async function startScene(version: string, secured: boolean): Promise<Scene> {
  const binaries = await findEtcd(version);
  const tls = secured ? 'mutual' : 'none';
  const local = await startCluster({ binaries, members: 3, quotaBackendBytes: 16 * MIB, tls });
  if (secured) await local.enableAuth(ROOT.password);
  const commands = runCommand({ documents: {}, hosts: HOSTS });
  const closeSecrets = await serveSecrets(
    { [LOGIN]: ROOT, [TLS]: local.tls },
    {
      ...commands.operations,
      ...systemsManager(PARAMETERS),
      [HOSTS_ASKED]: (request) => {
        if (isThrottled) throw new AwsError('ThrottlingException', 'Rate exceeded');
        return (commands.operations[HOSTS_ASKED] as Operation)(request);
      },
    },
  );
  const cluster: Cluster = {
    name: 'diagnosed',
    members: local.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl, host: `host-${name}` })),
    quotaBackendBytes: 16 * MIB,
    layout: LAYOUT,
    ...(secured && { auth: { secret: LOGIN }, tls: { secret: TLS } }),
  };
  const etcd = new EtcdCluster(cluster, secured ? { login: ROOT, tls: local.tls } : {});
  const close = async () => {
    etcd.close();
    await local.close();
    await commands.close();
    await closeSecrets();
  };
  return { local, cluster, etcd, close };
}

function diagnose(cluster: Cluster): Promise<Diagnosis> {
  PARAMETERS[registryParameterName(cluster.name)] = JSON.stringify(cluster);
  return handler({ cluster: cluster.name });
}

async function leaderOf({ etcd }: Scene): Promise<string> {
  const members = await etcd.observeMembers((member) => member.status());
  return members.find((seen) => seen.answering && seen.id === seen.leaderId)?.name ?? '';
}

const CASES: readonly (readonly [version: string, secured: boolean, broken: boolean])[] =
  process.env.TEST_WORLDS === 'all'
    ? [
        ['3.4.23', false, false],
        ['3.4.23', true, true],
        ['3.5.30', false, true],
        ['3.5.30', true, false],
      ]
    : [['3.5.30', true, true]];

describe.each(CASES)('etcd %s, with a login and certificates: %s:', (version, secured, broken) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene(version, secured);
  });
  afterAll(() => scene?.close());

  it('a cluster that is well is healthy, and the host that is not reached is told', async () => {
    const { incident, summary, others, members, hosts, warnings } = await diagnose(scene.cluster);
    expect({ incident, others }).toEqual({ incident: 'healthy', others: [] });
    expect(summary).toMatch(/^m\d leads, every member follows it and is caught up, and no alarm is raised\.$/);
    expect(members.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
    for (const { facts } of members) expect(facts).toMatch(new RegExp(`^(leads|follows m\\d), etcd ${version}, `));
    expect(hosts).toEqual([
      { host: 'host-m1', reachable: true, problem: '', member: 'm1' },
      { host: 'host-m2', reachable: true, problem: '', member: 'm2' },
      {
        host: 'host-m3',
        reachable: false,
        problem: expect.stringMatching(/^exit status|^spawn|^no answer/),
        member: 'm3',
      },
    ]);
    // Whatever this release is known for is told besides.
    expect(warnings.map(({ kind }) => kind).filter((kind) => kind !== 'known-defect')).toEqual(['host-unreachable']);
  });

  it('nothing is known of the hosts where SSM does not tell of them, and that is no error', async () => {
    isThrottled = true;
    try {
      const { incident, hosts, warnings } = await diagnose(scene.cluster);
      expect(incident).toBe('healthy');
      expect(hosts.map(({ reachable }) => reachable)).toEqual(['unknown', 'unknown', 'unknown']);
      expect(warnings).toContainEqual({ kind: 'hosts-unknown', message: expect.stringMatching(/was not answered/) });
    } finally {
      isThrottled = false;
    }
  });

  if (secured) {
    it('nobody can tell whether members that all refuse us are a quorum', async () => {
      const { auth: _, ...withoutLogin } = scene.cluster;
      const { incident, summary, members } = await diagnose(withoutLogin);
      expect(incident).toBe('quorum-inaccessible');
      expect(summary).toMatch(/^From here it cannot be seen .* m1 runs and refuses us: .* It is the same with m2, /);
      expect(new Set(members.map(({ state }) => state))).toEqual(new Set(['refusing']));
    });
  }

  if (!broken) return;

  it('its leader frozen is a failed member of a cluster that has another leader, within the time', async () => {
    const frozen = await leaderOf(scene);
    scene.local.pauseMember(frozen);
    try {
      const { incident, summary, members } = await diagnose(scene.cluster);
      expect(incident).toBe('member-failed');
      expect(summary).toMatch(
        new RegExp(`^${frozen} does not answer: .* The others have a quorum, and m\\d leads\\.$`),
      );
      expect(members.filter(({ state }) => state === 'healthy')).toHaveLength(2);
    } finally {
      scene.local.resumeMember(frozen);
    }
    await until(async () => (await diagnose(scene.cluster)).incident === 'healthy');
  });

  it('NOSPACE goes before the member that is stopped, which is told too', async () => {
    await fill(scene.etcd, { keys: 1000 });
    await scene.local.stopMember('m1');
    const { incident, others, summary } = await diagnose(scene.cluster);
    expect({ incident, others }).toEqual({ incident: 'space-exceeded', others: ['member-failed'] });
    expect(summary).toMatch(/^NOSPACE is raised by .*: etcd refuses writes\. m2 1\d\.\d MiB of 16\.0 MiB, m3 /);
  });

  it('with another one stopped the quorum is lost, and what is left is told for what it is', async () => {
    await scene.local.stopMember('m2');
    const { incident, others, summary, members, hosts } = await diagnose(scene.cluster);
    expect({ incident, others }).toEqual({ incident: 'quorum-lost', others: [] });
    const view = secured ? 'm3 has no leader' : 'm3 follows no leader';
    expect(summary).toMatch(
      `Only 1 of 3 voters can be seen from here, which is a minority: ${view}. The others are down`,
    );
    expect(members[0]?.facts).toMatch(/^does not answer: .*ECONNREFUSED/);
    expect(hosts.map(({ reachable }) => reachable)).toEqual([true, true, false]);
  });
});
