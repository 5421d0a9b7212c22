import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countLostWrites } from '../../drills/witness.ts';
import { Writer } from '../../drills/writer.ts';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';

const QUOTA_BYTES = 64 * 1024 * 1024;

/** The members and their hosts are well, and what is wrong is what clusters.json says of one. */
describe('a healthy member that nobody gets to from here', () => {
  let directory: string;
  let cluster: HostedCluster;
  let etcd: EtcdCluster;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unreached-test-'));
    const binaries = await findEtcd('3.5.30');
    const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
    cluster = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes: QUOTA_BYTES, tls: false });
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    etcd = new EtcdCluster({ name: 'orders', members, quotaBackendBytes: QUOTA_BYTES }, {});
  });
  afterAll(async () => {
    etcd?.close();
    await cluster?.close();
    await rm(directory, { recursive: true });
  });

  /** Files that name these client URLs in place of a member's own. */
  async function filesWith(clientUrls: Record<string, string>): Promise<string[]> {
    const members = cluster.members.map(({ name, clientUrl, peerUrl, host }) => ({
      name,
      clientUrl: clientUrls[name] ?? clientUrl,
      peerUrl,
      host: `host-${name}`,
      layout: host.layout,
    }));
    const layout = { unit: UNIT, walDir: null, ...cluster.members[0]?.host.layout };
    const policy = { 'member-failed': 'automatic' };
    const contents = {
      config: { clusters: [{ name: 'orders', members, quotaBackendBytes: QUOTA_BYTES, layout, policy }] },
      hosts: Object.fromEntries(cluster.members.map(({ name, host }) => [`host-${name}`, host.access])),
    };
    for (const [name, content] of Object.entries(contents)) {
      await writeFile(join(directory, `${name}.json`), JSON.stringify(content));
    }
    return Object.keys(contents).flatMap((name) => [`--${name}`, join(directory, `${name}.json`)]);
  }

  /** Members by their IDs, the processes that run them, and what lies beside their data. */
  async function state(): Promise<unknown> {
    const { memberList } = await etcd.observe();
    const hosts = await Promise.all(
      cluster.members.map(({ name, host }) =>
        cluster.run(name, `systemctl show -p ActiveState,MainPID ${UNIT}; ls -d '${host.layout.dataDir}'*`),
      ),
    );
    return { members: memberList.toSorted((a, b) => a.id.localeCompare(b.id)), hosts };
  }

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'for its name is not known',
      () => ({ m3: 'http://m3.invalid:2379' }),
      // It may be the leader.
      /m3(: | cannot be judged from here: | leads, ).*Name resolution failed/,
    ],
    [
      'for its address is that of another',
      () => ({ m2: cluster.members[2]?.clientUrl ?? '', m3: cluster.members[1]?.clientUrl ?? '' }),
      /The clientUrl of m2 .* is answered by m3 /,
    ],
  ])('is not replaced, %s: nothing is changed, and every write is taken meanwhile', async (_, clientUrls, seen) => {
    const files = await filesWith(clientUrls());
    const before = await state();
    const endpoints = cluster.members.map(({ clientUrl }) => clientUrl);
    const writer = new Writer({ endpoints, tls: undefined, login: undefined, keys: 1, valueBytes: 1 });
    writer.slowDown();
    const options = ['orders', '--incident', 'member-failed', '--parameters', '{"confirmSeconds":1}'];
    const ended = await etcdRemediation('run', '--json', '--approve', ...files, ...options);
    await writer.stop();
    expect(ended.status, ended.stderr).toBe(1);
    expect(lastLine(ended)).toMatchObject({ outcome: 'PreconditionFailed' });
    expect(lastLine(ended).report.cause).toMatch(seen);
    expect(await state()).toEqual(before);
    expect(writer.ackedWrites).toBeGreaterThan(0);
    expect(await countLostWrites(writer.acknowledged, (args) => cluster.etcdctl(args))).toBe(0);
  });

  it('is no healthy cluster to a diagnosis, and starts no runbook by itself', async () => {
    const files = await filesWith({ m3: 'http://m3.invalid:2379' });
    const before = await state();
    const diagnosed = await etcdRemediation('diagnose', 'orders', ...files);
    expect(diagnosed.status, diagnosed.stderr).toBe(1);
    expect(diagnosed.stdout).toMatch(/^orders: member-inaccessible$/m);
    const ended = await etcdRemediation('run', '--json', ...files, 'orders');
    expect(ended.status, ended.stderr).toBe(1);
    expect(lastLine(ended)).toMatchObject({ outcome: 'PreconditionFailed' });
    expect(await state()).toEqual(before);
  });
});
