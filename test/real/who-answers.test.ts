import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, ConfiguredMember } from '../../core/cluster/clusters.ts';
import type { CheckReport } from '../../core/diagnosis/check.ts';
import type { Incident } from '../../core/runbooks.ts';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { Platform } from '../../local/platform.ts';
import { type Ended, etcdRemediation, lastLine } from '../cli/command.ts';
import { pictureOf } from '../scenes/picture.ts';
import { HURRIED } from '../scenes/scene.ts';

const PASSWORD = randomUUID();
const QUOTA_BYTES = 64 * 1024 * 1024;

/** By the command line, as a person types it: addresses of others in the configuration, and a cluster that was bootstrapped twice. */
describe('etcd-remediation, where not everybody who answers is who clusters.json says,', () => {
  let directory: string;
  let hosted: HostedCluster;
  let etcd: EtcdCluster;
  /** With another password. */
  let other: LocalCluster;
  let platform: Platform;
  let elsewhere: Cluster;
  let swapped: Cluster;
  let alias: Cluster;
  let open: Cluster;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'who-answers-'));
    const binaries = await findEtcd('3.5.30');
    other = await startCluster({ binaries, members: 2 });
    await other.enableAuth(randomUUID());
    const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
    hosted = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes: QUOTA_BYTES, tls: false });
    await hosted.etcdctl(['put', 'whose', 'ours']);
    await hosted.enableAuth(PASSWORD);
    etcd = new EtcdCluster(configured('right'), { login: { username: 'root', password: PASSWORD } });
    const hosts = Object.fromEntries(hosted.members.map(({ name, host }) => [`host-${name}`, host.access]));
    const url = (name: string) => hosted.member(name).clientUrl;
    const away = other.members.map(({ clientUrl }, index) => [`m${index + 2}`, { clientUrl }]);
    elsewhere = configured('elsewhere', Object.fromEntries(away));
    swapped = configured('swapped', { m1: { clientUrl: url('m2') }, m2: { clientUrl: url('m1') } });
    alias = configured('alias', { m2: { clientUrl: url('m1').replace('127.0.0.1', 'localhost') } });
    const { auth: _, ...withoutLogin } = configured('open');
    open = withoutLogin;
    const secrets = { root: { username: 'root', password: PASSWORD } };
    platform = await Platform.start({
      file: { clusters: [elsewhere, swapped, alias, open] },
      secrets,
      hosts,
      clock: HURRIED,
    });
    await writeFile(join(directory, 'hosts.json'), JSON.stringify(hosts));
    await writeFile(join(directory, 'secrets.json'), JSON.stringify(secrets));
  });
  afterAll(async () => {
    etcd?.close();
    await platform?.close();
    await Promise.all([hosted?.close(), other?.close()]);
    await rm(directory, { recursive: true });
  });

  function configured(name: string, differences: Record<string, Partial<ConfiguredMember>> = {}): Cluster {
    const members = hosted.members.map((member) => ({
      name: member.name,
      clientUrl: member.clientUrl,
      peerUrl: member.peerUrl,
      host: `host-${member.name}`,
      layout: member.host.layout,
      ...differences[member.name],
    }));
    const layout = { unit: UNIT, walDir: null, ...hosted.member('m1').host.layout };
    return { name, members, quotaBackendBytes: QUOTA_BYTES, layout, auth: { secret: 'root' } };
  }

  async function type(command: string, clusters: Cluster[], ...options: string[]): Promise<Ended> {
    const config = join(directory, `${randomUUID()}.json`);
    await writeFile(config, JSON.stringify({ clusters }));
    const files = ['secrets', 'hosts'].flatMap((name) => [`--${name}`, join(directory, `${name}.json`)]);
    return etcdRemediation(command, '--config', config, ...files, '--json', ...options);
  }

  /** What a check says of each, which ends with 1. */
  async function checked(clusters: Cluster[]): Promise<CheckReport[]> {
    const ended = await type('check', clusters);
    expect(ended.status, ended.stderr).toBe(1);
    return (lastLine(ended) as unknown as { clusters: CheckReport[] }).clusters;
  }

  /** That runs of these incidents are refused. */
  async function expectRefusals(cluster: Cluster, incidents: readonly Incident[], told: RegExp): Promise<void> {
    for (const incident of incidents) {
      const execution = await platform.execute({ incident, input: { cluster: cluster.name } });
      expect(execution, incident).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
      expect((execution as { cause: string }).cause, incident).toMatch(told);
    }
  }

  /** The same as it is typed. */
  async function expectTypedRefusal(cluster: Cluster, incident: Incident, told: RegExp): Promise<void> {
    const ended = await type('run', [cluster], cluster.name, '--incident', incident, '--approve');
    expect([ended.status, lastLine(ended).outcome], ended.stderr).toEqual([1, 'PreconditionFailed']);
    expect(lastLine(ended).report.cause).toMatch(told);
  }

  it('names two addresses that lead to a cluster of another password, two that are swapped, and one that two members share', async () => {
    const told = [
      /The clientUrls of m2 \(\S+\), m3 \(\S+\) lead to another cluster \([0-9a-f]+\) than that of m1 \([0-9a-f]+\), and it does not let us in as that one does: correct clusters\.json/,
      /The clientUrl of m1 \(\S+\) is answered by m2 \(/,
      /The same member \([0-9a-f]+\) answers at the addresses of m1, m2/,
    ];
    const wrong = [elsewhere, swapped, alias];
    for (const [index, { findings, well }] of (await checked(wrong)).entries()) {
      const of = (area: string) => findings.flatMap((found) => (found.area === area ? [found.message] : []));
      expect(of('identity'), wrong[index]?.name).toContainEqual(expect.stringMatching(told[index] as RegExp));
      expect(of('cluster')[0]).toMatch(/^member-inaccessible: /);
      expect(well.filter(({ area }) => area === 'identity' || area === 'cluster')).toEqual([]);
    }
    const before = await pictureOf({ cluster: hosted, etcd });
    const [ofElsewhere, ofSwapped, ofAlias] = told as [RegExp, RegExp, RegExp];
    await expectTypedRefusal(elsewhere, 'quorum-lost', ofElsewhere);
    await expectRefusals(elsewhere, ['member-failed', 'auth-token-invalid', 'space-exceeded'], ofElsewhere);
    await expectRefusals(swapped, ['member-failed', 'quorum-lost'], ofSwapped);
    await expectRefusals(alias, ['space-exceeded', 'quorum-lost'], ofAlias);
    expect(await pictureOf({ cluster: hosted, etcd })).toEqual(before);
  });

  it('tells a member that was bootstrapped anew, alone, from the cluster, and plans to replace that one', async () => {
    await hosted.etcdctl(['auth', 'disable']);
    etcd.close();
    etcd = new EtcdCluster(open, {});
    await bootstrapAnew(['m3'], ['m3']);
    const outcomes: Record<string, unknown> = {};
    for (const incident of ['member-failed', 'quorum-lost'] as const) {
      const input = { cluster: 'open', dryRun: true, parameters: { confirmSeconds: 1 } };
      const execution = await platform.execute({ incident, input });
      outcomes[incident] = execution.status === 'SUCCEEDED' ? execution.output : execution;
    }
    expect(outcomes).toMatchObject({
      'member-failed': { outcome: 'Planned', targets: ['m3'] },
      'quorum-lost': {
        outcome: 'NothingToDo',
        summary: expect.stringMatching(
          /^There is a quorum: linearizable reads work on m1, m2, .* See the incident member-failed for the others: m3 belongs to another cluster \([0-9a-f]+\)\.$/,
        ),
      },
    });
  });

  it('names both halves of a cluster that was bootstrapped twice, and what to find out, for nothing says which is meant', async () => {
    await bootstrapAnew(['m2', 'm3'], ['m1', 'm2', 'm3']);
    const halves =
      /nothing in clusters\.json says which of them is meant: at m1 \(\S+\) the cluster [0-9a-f]+ answers, which lists m\d at .*; at m2 \(\S+\), m3 \(\S+\) the cluster [0-9a-f]+ answers, which lists m\d at /;
    const [report] = await checked([open]);
    expect(report?.findings).toContainEqual({ area: 'identity', message: expect.stringMatching(halves) });
    const before = await pictureOf({ cluster: hosted, etcd });
    await expectTypedRefusal(open, 'quorum-lost', halves);
    await expectRefusals(open, ['member-failed', 'space-exceeded'], halves);
    expect(await pictureOf({ cluster: hosted, etcd })).toEqual(before);
  });

  it('asks whose data is meant where each is of a cluster of its own', async () => {
    for (const name of ['m2', 'm3']) await bootstrapAnew([name], [name]);
    for (const value of ['theirs', 'newer']) await hosted.etcdctl(['put', 'whose', value], ['m2']);
    const execution = await platform.execute({
      incident: 'quorum-lost',
      input: { cluster: 'open', parameters: { confirmSeconds: 1 } },
    });
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringMatching(
        /^The hosts hold data of different clusters, .*\n- [0-9a-f]+: m1 on host-m1 holds its data at revision 2\n- [0-9a-f]+: m2 on host-m2 holds its data at revision 3\n/,
      ),
    });
    await hosted.waitUntilHealthy(['m2', 'm3']);
  });

  /** The data of members is gone, and they begin a cluster by themselves under another ID, in whose configuration `listed` are. */
  async function bootstrapAnew(names: readonly string[], listed: readonly string[]): Promise<void> {
    await crashMembers(hosted, names);
    const initialCluster = listed.map((name) => `${name}=${hosted.member(name).peerUrl}`).join(',');
    await Promise.all(
      names.map(async (name) => {
        await wipeData(hosted, name);
        const { configFile, dataDir, user, group } = hosted.member(name).host.layout;
        await hosted.run(
          name,
          `set -eu
          sed -i -e "s#^initial-cluster-token: .*#initial-cluster-token: '${names}'#" -e "s#^initial-cluster: .*#initial-cluster: '${initialCluster}'#" '${configFile}'
          install -d -o '${user}' -g '${group}' '${dirname(dataDir)}'
          systemctl reset-failed ${UNIT}
          systemctl start ${UNIT}`,
        );
      }),
    );
    await hosted.waitUntilHealthy(names);
  }
});
