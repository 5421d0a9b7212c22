import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, ConfiguredMember } from '../../core/cluster/clusters.ts';
import { diagnose } from '../../core/diagnosis/diagnose.ts';
import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts';
import { INCIDENTS, type Incident } from '../../core/runbooks.ts';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { EVIDENCE_BUDGET_MS, observeEvidence } from '../../lambdas/etcd/evidence.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { changeMembership } from '../../local/etcd/membership.ts';
import { freePorts } from '../../local/etcd/ports.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { Platform } from '../../local/platform.ts';
import { pictureOf } from '../scenes/picture.ts';
import { alarmsOf, fill, HURRIED, MIB, until } from '../scenes/scene.ts';

const QUOTA_BYTES = 16 * MIB;
const LOGINS = {
  root: { username: 'root', password: randomUUID() },
  app: { username: 'app', password: randomUUID() },
};
const ODD_NAME = 'Datenbank 3 数据库';

/** One cluster that is well, under several configurations of which each is wrong in another way. */
describe('a configuration that is not what is there', () => {
  let hosted: HostedCluster;
  /** Another one, whose members have the same names, and the same login. */
  let other: LocalCluster;
  let etcd: EtcdCluster;
  let platform: Platform;
  const scene = () => ({ cluster: hosted, etcd });

  beforeAll(async () => {
    const binaries = await findEtcd('3.5.30');
    other = await startCluster({ binaries, members: 3 });
    await other.enableAuth(LOGINS.root.password);
    const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
    hosted = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes: QUOTA_BYTES, tls: false });
    await hosted.enableAuth(LOGINS.root.password);
    await hosted.etcdctl(['role', 'add', 'everything']);
    await hosted.etcdctl(['role', 'grant-permission', 'everything', '--prefix=true', 'readwrite', '']);
    await hosted.etcdctl(['user', 'add', `app:${LOGINS.app.password}`]);
    await hosted.etcdctl(['user', 'grant-role', 'app', 'everything']);
    const url = (name: string) => hosted.member(name).clientUrl;
    const nobody = `http://127.0.0.1:${(await freePorts()).client}`;
    const right = configured('right');
    etcd = new EtcdCluster(right, { login: LOGINS.root });
    const clusters = [
      right,
      configured('wrong-port', { m3: { clientUrl: nobody } }),
      configured('wrong-scheme', { m3: { clientUrl: url('m3').replace('http:', 'https:') } }),
      configured('unknown-name', { m3: { clientUrl: 'http://m3.invalid:2379' } }),
      configured('swapped', { m1: { clientUrl: url('m2') }, m2: { clientUrl: url('m1') } }),
      configured(
        'no-names',
        everywhere((name) => ({ clientUrl: `http://${name}.invalid:2379` })),
      ),
      configured('wrong-ports', await nowhere()),
      configured('no-leader', { m1: { clientUrl: nobody } }),
      elsewhere(),
      elsewhere({ m1: { clientUrl: nobody } }),
      { ...configured('weak-login'), auth: { secret: 'app' } },
    ];
    const hosts = Object.fromEntries(hosted.members.map(({ name, host }) => [`host-${name}`, host.access]));
    platform = await Platform.start({ file: { clusters }, secrets: LOGINS, hosts, clock: HURRIED });
    await leadBy('m1');
  });
  afterAll(async () => {
    etcd?.close();
    await platform?.close();
    await Promise.all([hosted?.close(), other?.close()]);
  });

  function everywhere(difference: (name: string) => Partial<ConfiguredMember>) {
    return Object.fromEntries(hosted.members.map(({ name }) => [name, difference(name)]));
  }

  /** A client port for each member at which nothing listens. */
  async function nowhere(): Promise<Record<string, Partial<ConfiguredMember>>> {
    const ports = new Map<string, number>();
    for (const { name } of hosted.members) ports.set(name, (await freePorts()).client);
    return everywhere((name) => ({ clientUrl: `http://127.0.0.1:${ports.get(name)}` }));
  }

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

  /** Two of three addresses lead to the other cluster. */
  function elsewhere(differences: Record<string, Partial<ConfiguredMember>> = {}): Cluster {
    const there = other.members.slice(1).map(({ name, clientUrl }) => [name, { clientUrl }]);
    const name = differences.m1 ? 'elsewhere-and-silent' : 'elsewhere';
    return configured(name, { ...Object.fromEntries(there), ...differences });
  }

  async function diagnosisOf(cluster: Cluster): Promise<Diagnosis> {
    const asConfigured = new EtcdCluster(cluster, { login: LOGINS.root });
    try {
      const evidence = await observeEvidence(asConfigured, cluster, Date.now() + EVIDENCE_BUDGET_MS);
      return diagnose(cluster, { ...evidence, hosts: [] });
    } finally {
      asConfigured.close();
    }
  }

  async function leadBy(name: string): Promise<void> {
    await until(async () => {
      const { members } = await etcd.observe();
      const wanted = members.find((seen) => seen.answering && seen.name === name);
      const leader = members.find((seen) => seen.answering && seen.leaderId === seen.id);
      if (wanted?.answering && leader === wanted) return true;
      if (wanted?.answering && leader) await etcd.member(leader.name).moveLeader(wanted.id);
      return false;
    });
  }

  function run(incident: Incident, cluster: string, dryRun = false): Promise<ExecutionResult> {
    const isSlow = incident === 'member-failed' || incident === 'quorum-lost';
    const parameters = isSlow ? { confirmSeconds: 1 } : {};
    return platform.execute({ incident, input: { cluster, dryRun, parameters } });
  }

  /** What it was refused with, and that nothing is different afterwards, on whichever host. */
  async function refusalOf(incident: Incident, cluster: string, dryRun = false): Promise<string> {
    const [told = ''] = await refusalsOf([incident], cluster, dryRun);
    return told;
  }

  /** The same of several at once, which change nothing. */
  async function refusalsOf(incidents: readonly Incident[], cluster: string, dryRun = false): Promise<string[]> {
    const before = await pictureOf(scene());
    const executions = await Promise.all(incidents.map((incident) => run(incident, cluster, dryRun)));
    for (const execution of executions)
      expect(execution).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(await pictureOf(scene())).toEqual(before);
    return executions.map((execution) => (execution.status === 'FAILED' ? execution.cause : ''));
  }

  it('has nobody replaced where a member is at work on its host and nothing answers from here: both views are named', async () => {
    for (const dryRun of [true, false]) {
      expect(await refusalOf('member-failed', 'wrong-port', dryRun)).toMatch(
        /^m3 is not replaced, and nothing was changed: two views of it differ\. From here it does not answer: .*ECONNREFUSED.* etcd lists http:\/\/127\.0\.0\.1:\d+ for m3, and clusters\.json says .* Its host host-m3 says that its unit is active \(running\) with process \d+, that it listens for clients and peers, and that it has a leader\. Correct the port or the host in its clientUrl/s,
      );
    }
  });

  it.each([
    [
      'wrong-scheme',
      /^m3 cannot be judged from here: .*The connection was accepted and cut.*scheme.* Its host host-m3 says that its unit is active .* it runs\. Correct its clientUrl/,
    ],
    [
      'unknown-name',
      /^m3 cannot be judged from here: .*correct clientUrl, or the name server.*Name resolution failed.* Its host host-m3 says that its unit is active .* it runs\./,
    ],
    ['swapped', /The clientUrl of m1 \S+ is answered by m2 .*\n- The clientUrl of m2 \S+ is answered by m1 /],
  ])('has nobody replaced for it: %s', async (cluster, seen) => {
    expect(await refusalOf('member-failed', cluster)).toMatch(seen);
  });

  it.each([
    ['no-names', false, /^A quorum of members cannot be judged from here, .*\n- m1: .*Name resolution failed/],
    [
      'wrong-ports',
      true,
      /The hosts of m1, m2, m3, which are a quorum, say that their etcd runs and has a leader.*only cannot be reached from here/s,
    ],
  ])('has no quorum recovered that is there: %s (dry run: %s)', async (cluster, dryRun, seen) => {
    expect(await refusalOf('quorum-lost', cluster, dryRun)).toMatch(seen);
  });

  it('whose addresses lead to another cluster, of the same names, has nobody there taken for a member, and nothing is changed', async () => {
    const { incident, summary, members, warnings, others } = await diagnosisOf(elsewhere());
    expect({ incident, others }).toEqual({ incident: 'member-inaccessible', others: [] });
    expect(members.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'm1 healthy',
      'm2 unreached',
      'm3 unreached',
    ]);
    expect(summary).toMatch(
      /^The clientUrls of m2 \(\S+\), m3 \(\S+\) lead to another cluster \(\w+\), which lists .*: correct clusters\.json, .* A quorum is at work, led by m1, as m1 shows\./,
    );
    expect(warnings[0]?.kind).toBe('another-cluster');
    const silent = elsewhere({ m1: { clientUrl: `http://127.0.0.1:${(await freePorts()).client}` } });
    const blind = await diagnosisOf(silent);
    expect(blind.incident).toBe('quorum-inaccessible');
    expect(blind.summary).toMatch(/ and no member at a peerUrl of clusters\.json: correct clusters\.json/);
    const wrong =
      /^The members that answer, or that etcd lists, are not those of clusters\.json:\n- The clientUrls of m2 \(\S+\), m3 \(\S+\) lead to another cluster/;
    for (const told of await refusalsOf(INCIDENTS, 'elsewhere')) expect(told).toMatch(wrong);
    expect(await refusalOf('quorum-lost', 'elsewhere-and-silent')).toMatch(wrong);
  });

  it('whose leader has the wrong port has every runbook that needs it say so at its first look', async () => {
    expect((await diagnosisOf(configured('no-leader', { m1: { clientUrl: 'http://127.0.0.1:1' } }))).incident).toBe(
      'member-inaccessible',
    );
    for (const told of await refusalsOf(['space-exceeded', 'member-failed', 'auth-token-invalid'], 'no-leader')) {
      expect(told).toMatch(
        /^m1 leads, for m2, m3 follow it, and it does not answer from here: .*ECONNREFUSED.* Correct the clientUrl of m1 in clusters\.json/,
      );
    }
  });

  it('is told by a diagnosis and by the dry run of each runbook where the login has no root role', async () => {
    const told = /The login may not do what runbooks have to, for which it takes the root role\. .*auth secret/;
    const weak = { ...configured('weak-login'), auth: { secret: 'app' } };
    const asApp = new EtcdCluster(weak, { login: LOGINS.app });
    try {
      const evidence = await observeEvidence(asApp, weak, Date.now() + EVIDENCE_BUDGET_MS);
      expect(diagnose(weak, { ...evidence, hosts: [] })).toMatchObject({
        incident: 'quorum-inaccessible',
        summary: expect.stringMatching(told),
      });
    } finally {
      asApp.close();
    }
    for (const incident of ['space-exceeded', 'auth-token-invalid', 'member-failed'] as const) {
      expect(await refusalOf(incident, 'weak-login', true), incident).toMatch(told);
    }
    // There is a quorum, which is all that it asks for.
    const { output } = (await run('quorum-lost', 'weak-login', true)) as {
      output?: { outcome: string; summary: string };
    };
    expect(output).toMatchObject({ outcome: 'NothingToDo', summary: expect.stringContaining('The login may not do') });
  });

  it('with addresses that are swapped says what to correct once the other one has died, and tells nobody to remove it', async () => {
    await crashMembers(hosted, ['m2']);
    for (const dryRun of [true, false]) {
      const told = await refusalOf('member-failed', 'swapped', dryRun);
      expect(told).toMatch(/The clientUrl of m2 \S+ is answered by m1 \([0-9a-f]+\): correct clusters\.json/);
      expect(told).not.toMatch(/remove/i);
    }
    const { output } = (await run('member-failed', 'right', true)) as {
      output?: { outcome: string; targets: string[] };
    };
    expect(output).toMatchObject({ outcome: 'Planned', targets: ['m2'] });
  });

  it('that names one of two peer URLs has its member replaced, which keeps both', async () => {
    const { peerUrl, host } = hosted.member('m2');
    const both = `${peerUrl},http://127.0.0.1:${(await freePorts()).peer}`;
    await hosted.run('m2', `sed -i "s#^\\(.*-peer-urls\\): .*#\\1: '${both}'#" '${host.layout.configFile}'`);
    expect(await run('member-failed', 'right')).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Remediated' },
    });
    const { memberList } = await etcd.observe();
    expect(memberList.find(({ name }) => name === 'm2')?.peerUrls.toSorted()).toEqual(both.split(',').toSorted());
  });

  it('with an alias for a name that it does not take has the store reclaimed, and nobody replaced', async () => {
    await hosted.run(
      'm3',
      `sed -i "s/^name: .*/name: '${ODD_NAME}'/" '${hosted.member('m3').host.layout.configFile}' && systemctl restart ${UNIT}`,
    );
    await until(async () => (await etcd.observe()).memberList.some(({ name }) => name === ODD_NAME));
    // A learner that was added and never started has no database, and is nobody's concern.
    const add = ['member', 'add', 'ghost', '--learner', '--peer-urls=http://127.0.0.1:1'];
    await changeMembership(() => hosted.etcdctl(add));
    await fill(etcd, { keys: 20 });
    expect(await run('space-exceeded', 'right')).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Remediated', members: expect.arrayContaining([expect.objectContaining({ name: 'm3' })]) },
    });
    expect(await alarmsOf({ etcd })).toEqual([]);
    const ghost = (await etcd.observe()).memberList.find(({ name }) => name === '');
    await hosted.etcdctl(['member', 'remove', ghost?.id ?? '']);
    await leadBy('m1');
    await crashMembers(hosted, ['m2']);
    const told = await refusalOf('member-failed', 'right');
    expect(told).toContain(`"m3", and its name in etcd is "${ODD_NAME}", which clusters.json does not accept`);
    expect(told).toContain('Give it another (--name), restart it, and write that into clusters.json');
  });
});
