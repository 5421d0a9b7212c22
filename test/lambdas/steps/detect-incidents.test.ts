import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cluster, registryParameterName } from '../../../core/cluster/clusters.ts';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { handler } from '../../../lambdas/steps/detect-incidents.ts';
import { systemsManager } from '../../../local/aws/services.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { fill, MIB, until } from '../../scenes/scene.ts';
import { ROOT } from '../etcd/support.ts';
import { serveSecrets } from './secrets.ts';

const LOGIN = 'detected/root';
const RUN = { DetectorRuns: 1, DetectorErrors: 0 };

/** What a line has besides what says how to read it, and the metrics that it declares. */
function read(line: string) {
  const { _aws, ...values } = JSON.parse(line);
  const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
  return { timestamp: _aws.Timestamp, Namespace, Dimensions, Metrics, values };
}

let printed: string[] = [];
afterEach(() => {
  vi.restoreAllMocks();
});

/** One look. @returns its lines, which are those that were printed */
async function look(cluster: string) {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => printed.push(line));
  const { lines } = await handler({ cluster });
  expect(printed).toEqual(lines);
  return lines.map(read);
}

describe('the detector of a cluster with a login', () => {
  let local: LocalCluster;
  let etcd: EtcdCluster;
  let close: () => Promise<void>;
  /** What Systems Manager has, and how often it was asked. */
  let parameters: Record<string, string>;
  let reads = 0;

  beforeAll(async () => {
    local = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3, quotaBackendBytes: 16 * MIB });
    await local.enableAuth(ROOT.password);
    const cluster: Cluster = {
      name: 'detected',
      members: local.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
      quotaBackendBytes: 16 * MIB,
      auth: { secret: LOGIN },
    };
    etcd = new EtcdCluster(cluster, { login: ROOT });
    parameters = {
      [registryParameterName('detected')]: JSON.stringify(cluster),
      [registryParameterName('secretless')]: JSON.stringify({ ...cluster, auth: { secret: 'nothing' } }),
      [registryParameterName('weak')]: JSON.stringify({ ...cluster, name: 'weak', auth: { secret: 'app' } }),
    };
    const { 'AmazonSSM.GetParameter': getParameter, ...others } = systemsManager(parameters);
    const counted = (request: Record<string, unknown>) => {
      reads += 1;
      return getParameter?.(request);
    };
    close = await serveSecrets(
      { [LOGIN]: ROOT, app: { ...ROOT, username: 'app' } },
      { ...others, 'AmazonSSM.GetParameter': counted },
    );
  });
  afterAll(async () => {
    etcd?.close();
    await local?.close();
    await close?.();
  });

  it('prints a line of embedded metric format for the cluster, and one for each member', async () => {
    const before = Date.now();
    const [ofCluster, ...ofMembers] = await look('detected');
    expect(ofCluster).toMatchObject({
      Namespace: 'EtcdRemediation',
      Dimensions: [['cluster']],
      values: {
        cluster: 'detected',
        HasLeader: 1,
        IncidentPresent: 0,
        HealthyVoters: 3,
        FailedMembers: 0,
        NoSpace: 0,
        Corrupt: 0,
        TokensRejected: 0,
        QuotaUsedPercent: expect.any(Number),
        ...RUN,
      },
    });
    expect(ofMembers.map(({ Dimensions, values }) => [Dimensions, values.member])).toEqual(
      ['m1', 'm2', 'm3'].map((name) => [[['cluster', 'member']], name]),
    );
    for (const { timestamp, Metrics, values } of [ofCluster, ...ofMembers].filter((line) => line !== undefined)) {
      expect(timestamp).toBeGreaterThanOrEqual(before);
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
      expect(Metrics.length).toBeLessThanOrEqual(100);
      const { cluster: _cluster, member: _member, ...measured } = values;
      expect(Metrics.map(({ Name }: { Name: string }) => Name)).toEqual(Object.keys(measured));
      for (const { Unit } of Metrics) expect(['Count', 'Percent']).toContain(Unit);
    }
    expect(printed.join()).not.toContain(ROOT.password);
  });

  it.each([
    ['is not configured', 'nobody', 'InvalidInput'],
    ['has a secret that is not there', 'secretless', 'PreconditionFailed'],
  ])('prints that a look has failed, and fails by its own error: one at a cluster that %s', async (_, name, error) => {
    await expect(look(name)).rejects.toMatchObject({ name: error });
    expect(printed.map((line) => read(line).values)).toEqual([{ cluster: name, DetectorRuns: 1, DetectorErrors: 1 }]);
  });

  it('prints that the login is unfit, where it may not even see the members', async () => {
    await local.etcdctl(['user', 'add', `app:${ROOT.password}`]);
    await look('weak');
    expect(read(printed[0] ?? '').values).toMatchObject({ LoginUnfit: 1, IncidentPresent: 1, DetectorErrors: 0 });
  });

  it('reads the configuration once while the cluster is healthy, and anew where something is wrong', async () => {
    await look('detected');
    reads = 0;
    await look('detected');
    expect(reads).toBe(0);
    const configuration = parameters[registryParameterName('detected')] ?? '';
    const moved = registryParameterName('moved');
    parameters[moved] = configuration
      .replace('"detected"', '"moved"')
      .replace(local.members[0]?.clientUrl ?? '', 'http://127.0.0.1:1');
    expect((await look('moved'))[0]?.values).toMatchObject({ IncidentPresent: 1 });
    expect(reads).toBe(1);
    // It is corrected, and the next look finds it so, whichever environment it comes to.
    parameters[moved] = configuration.replace('"detected"', '"moved"');
    expect((await look('moved'))[0]?.values).toMatchObject({ IncidentPresent: 0 });
    expect(reads).toBe(2);
  });

  it('prints nothing for what names no cluster', async () => {
    printed = [];
    await expect(handler({})).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(handler({ cluster: 'a b' })).rejects.toMatchObject({ name: 'InvalidInput' });
    expect(printed).toEqual([]);
  });

  it('sees NOSPACE, a member that is stopped, and no quorum; and what nobody can read then is missing', async () => {
    await fill(etcd, { keys: 1000 });
    const [full] = await look('detected');
    expect(full?.values).toMatchObject({ IncidentPresent: 1, HasLeader: 1, FailedMembers: 0 });
    expect(full?.values.NoSpace).toBeGreaterThan(0);
    expect(full?.values.QuotaUsedPercent).toBeGreaterThan(80);

    await local.stopMember('m1');
    await until(async () => (await look('detected'))[0]?.values.FailedMembers === 1);
    const [failed, ...others] = await look('detected');
    expect(failed?.values).toMatchObject({ HasLeader: 1, HealthyVoters: 2, FailedMembers: 1, ...RUN });
    expect(others.map(({ values }) => values.member)).toEqual(['m2', 'm3']);

    await local.stopMember('m2');
    await until(async () => (await look('detected'))[0]?.values.HasLeader === 0);
    const [lost] = await look('detected');
    expect(lost?.values).toMatchObject({ HasLeader: 0, IncidentPresent: 1, ...RUN });
    for (const name of ['HealthyVoters', 'FailedMembers', 'NoSpace', 'Corrupt', 'TokensRejected']) {
      expect(lost?.values).not.toHaveProperty(name);
    }
  });
});
