import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { configurationOf, eventually, leaderFirst, QUOTA_BYTES, ROOT } from './support.ts';

const SECURITY = [
  { security: 'no security at all', tls: 'none', authToken: undefined },
  { security: 'TLS and simple tokens', tls: 'server', authToken: 'simple' },
  { security: 'mutual TLS and JWT tokens', tls: 'mutual', authToken: 'jwt' },
] as const;

const CASES = TESTED_RELEASES.flatMap((version) => SECURITY.map((security) => ({ version, ...security })));

describe.each(CASES)('the members of etcd $version with $security', ({ version, tls, authToken }) => {
  let local: LocalCluster;
  let etcd: EtcdCluster;
  let members: readonly EtcdMember[];

  beforeAll(async () => {
    const binaries = await findEtcd(version);
    local = await startCluster({ binaries, members: 3, tls, ...(authToken && { authToken }) });
    if (authToken) await local.enableAuth(ROOT.password);
    etcd = new EtcdCluster(configurationOf(local), { tls: local.tls, login: authToken && ROOT });
    members = etcd.members;
  });

  afterAll(async () => {
    etcd?.close();
    await local?.close();
  });

  it('say who they are and whom they follow', async () => {
    await leaderFirst(members);
    const { members: seen, memberList, alarms } = await etcd.observe();
    expect(alarms).toEqual([]);
    expect(seen.map(({ name }) => name)).toEqual(['m1', 'm2', 'm3']);
    const answering = seen.filter((member) => member.answering);
    expect(answering).toHaveLength(3);
    expect(new Set(answering.map(({ id }) => id)).size).toBe(3);
    expect(new Set(answering.map(({ clusterId }) => clusterId)).size).toBe(1);
    const peerUrlOf = (name: string) => local.members.find((member) => member.name === name)?.peerUrl;
    expect(memberList.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      answering.map(({ id, name, endpoint }) => ({
        ...{ id, name, peerUrls: [peerUrlOf(name)] },
        // As it is listed, with the scheme that clients use.
        clientUrls: [endpoint],
        isLearner: false,
      })),
    );
    // Since 3.6 a member tells its own: here etcd's default.
    const quotaBytes = /^3\.[0-5]\./.test(version) ? QUOTA_BYTES : 2 * 1024 ** 3;
    for (const member of answering) {
      expect(member).toMatchObject({ version, isLearner: false, quotaBytes });
      expect(member.dbSizeBytes).toBeGreaterThanOrEqual(member.dbSizeInUseBytes);
    }
    expect(await local.etcdctl(['member', 'list'])).toContain(answering[0]?.id);
  });

  it('take writes, and serve them from their own databases', async () => {
    for (const member of members) {
      await member.put(member.name, `through ${member.name}`);
      for (const reader of members) {
        await eventually(async () =>
          expect(await reader.readLocally(member.name, WAIT_MS)).toBe(`through ${member.name}`),
        );
      }
      await member.delete(member.name);
      expect(await member.readLocally(member.name, WAIT_MS)).toBeUndefined();
    }
  });

  it('compact, and have nothing against compacting what is compacted', async () => {
    const [first, second] = members;
    await first?.put('a', 'b');
    const revision = (await first?.status())?.revision ?? '';
    expect(await first?.compact(revision, WAIT_MS)).toBe('Compacted');
    expect(await first?.compact(revision, WAIT_MS)).toBe('AlreadyCompacted');
    expect(await second?.compact('1', WAIT_MS)).toBe('AlreadyCompacted');
  });

  it('are defragmented one at a time: only the one that is asked shrinks', async () => {
    const [first] = members;
    for (let count = 0; count < 30; count++) await first?.put('big', 'x'.repeat(100_000));
    const revision = (await first?.status())?.revision ?? '';
    // Whoever comes second hears that it is compacted already, once it is done itself.
    const outcomes = await Promise.all(members.map((member) => member.compact(revision, WAIT_MS)));
    expect(outcomes.toSorted()).toEqual(['AlreadyCompacted', 'AlreadyCompacted', 'Compacted']);
    const sizes = async () => Promise.all(members.map(async (member) => (await member.status()).dbSizeBytes));
    for (const [index, member] of members.entries()) {
      const before = await sizes();
      await member.defragment(WAIT_MS);
      const after = await sizes();
      for (const [other, size] of after.entries()) {
        if (other === index) expect(size).toBeLessThan((before[other] ?? 0) / 2);
        else expect(size).toBeGreaterThanOrEqual(before[other] ?? 0);
      }
    }
  });

  it('hand over leadership to the member that is named', async () => {
    const [leader, follower] = await leaderFirst(members);
    await etcd.member(leader?.name ?? '').moveLeader(follower?.id ?? '');
    expect((await leaderFirst(members))[0]?.id).toBe(follower?.id);
  });
});

describe('a configured cluster', () => {
  const binaries = findEtcd('3.5.16');
  let local: LocalCluster;

  beforeAll(async () => {
    local = await startCluster({ binaries: await binaries, members: 3 });
    await local.enableAuth(ROOT.password);
  });

  afterAll(async () => {
    await local?.close();
  });

  it('has the members of its configuration and no others', async () => {
    const etcd = new EtcdCluster(configurationOf(local), {});
    expect(() => etcd.member('m4')).toThrow('The cluster has no member "m4". It has m1, m2, m3.');
    etcd.close();
  });

  it('takes URLs as people write them', async () => {
    const [m1, ...others] = configurationOf(local).members;
    const clientUrl = `${m1?.clientUrl.replace('http', 'HTTP')}/`;
    const etcd = new EtcdCluster(
      { ...configurationOf(local), members: [{ name: 'm1', clientUrl, peerUrl: '' }, ...others] },
      { login: ROOT },
    );
    expect(await etcd.member('m1').memberList()).toHaveLength(3);
    etcd.close();
  });

  it('can be observed with a member down, and names what is wrong with it', async () => {
    const etcd = new EtcdCluster(configurationOf(local), { login: ROOT });
    await local.killMember('m1');
    // The followers of a dead leader elect another.
    const observation = await eventually(async () => {
      const seen = await etcd.observe();
      expect(seen.memberList).toHaveLength(3);
      return seen;
    });
    expect(observation.members.map(({ answering }) => answering)).toEqual([false, true, true]);
    expect(observation.members[0]).toMatchObject({ name: 'm1', problem: expect.stringContaining('ECONNREFUSED') });
    etcd.close();
  });

  it('has no use for members that do not take its login, and says why', async () => {
    const etcd = new EtcdCluster(configurationOf(local), { login: { ...ROOT, password: 'wrong' } });
    const { members, memberList } = await etcd.observe();
    expect(members).toEqual([
      expect.objectContaining({ answering: false, problem: expect.stringContaining('ECONNREFUSED') }),
      expect.objectContaining({
        answering: false,
        problem: expect.stringContaining('does not take the user name or password'),
      }),
      expect.objectContaining({
        answering: false,
        problem: expect.stringContaining('does not take the user name or password'),
      }),
    ]);
    expect(memberList).toEqual([]);
    etcd.close();
  });

  it('says that a quorum is lost, where nobody can log in without one', async () => {
    await local.killMember('m2');
    await eventually(async () => {
      const etcd = new EtcdCluster(configurationOf(local), { login: ROOT });
      const { members } = await etcd.observe().finally(() => etcd.close());
      expect(members[2]).toMatchObject({ answering: false, problem: expect.stringContaining('a quorum is lost') });
    });
  });
});
