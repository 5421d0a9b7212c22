import { constants, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { AlarmAction, AlarmType, type IRequestOp } from 'etcd3/lib/rpc.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { Connection } from '../../../lambdas/etcd/connection.ts';
import { hasReason } from '../../../lambdas/etcd/errors.ts';
import { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type ClusterCertificates, issueCertificates } from '../../../local/etcd/certificates.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import {
  type Access,
  configurationOf,
  connectTo,
  connectToAll,
  eventually,
  failureOf,
  freeze,
  leaderFirst,
  QUOTA_BYTES,
} from './support.ts';

function connectToUrl(clientUrl: string, access: Access = {}): EtcdMember {
  return new EtcdMember({ name: 'm1', clientUrl, quotaBytes: QUOTA_BYTES, ...access });
}

async function failureAt(clientUrl: string, access: Access = {}): Promise<[string, string | undefined, string]> {
  const member = connectToUrl(clientUrl, access);
  try {
    return await failureOf(member.status(3_000));
  } finally {
    member.close();
  }
}

describe('where no etcd answers', () => {
  async function serving(server: Server, test: (url: string) => Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await new Promise((resolve) => server.close(resolve));
  }
  const http2 = (answer: (stream: ServerHttp2Stream) => void) => createHttp2Server().on('stream', answer);

  it.each([
    ['http://127.0.0.1:1', 'Refused', 'connect ECONNREFUSED 127.0.0.1:1', 'names the wrong host or port'],
    ['http://[::1]:1', 'Refused', 'connect E', 'names the wrong host or port'],
    ['http://no-such-host.invalid:2379', 'NameUnknown', 'no-such-host.invalid', 'not known to DNS'],
  ])('%s is told as %s', async (url, reason, seen, advice) => {
    const [name, actualReason, message] = await failureAt(url);
    expect([name, actualReason]).toEqual(['EtcdUnavailable', reason]);
    // First what it means, and what etcd or the network said last.
    expect(message).toMatch(/^http:\S+: [A-Z][^"]*\. Seen: ".*" \(Maintenance\/status, gRPC code \d+\)\.$/s);
    expect(message).toContain(seen);
    expect(message).toContain(advice);
  });

  it.each([
    ['a port that resets connections', createServer((socket) => socket.resetAndDestroy()), 'ConnectionLost'],
    ['a member that ends a call first', http2((stream) => stream.close(constants.NGHTTP2_CANCEL)), 'Deadline'],
    ['a proxy whose targets are all down', http2((stream) => stream.respond({ ':status': 503 }, END)), 'Proxy'],
  ])('%s is a reason to try again', async (_, server, reason) => {
    await serving(server as Server, async (url) => {
      expect((await failureAt(url)).slice(0, 2)).toEqual(['EtcdUnavailable', reason]);
    });
  });

  it.each([
    ['some other service', http2((stream) => stream.respond({ ':status': 404 }, END)), 'Unimplemented'],
    ['a proxy that fails', http2((stream) => stream.respond({ ':status': 500 }, END)), 'Unknown'],
  ])('%s is a reason to stop', async (_, server, reason) => {
    await serving(server as unknown as Server, async (url) => {
      expect((await failureAt(url)).slice(0, 2)).toEqual(['PreconditionFailed', reason]);
    });
  });

  const END = { endStream: true };
});

describe.each(TESTED_RELEASES)('where TLS is not agreed on with etcd %s', (version) => {
  let cluster: LocalCluster;
  let strangers: ClusterCertificates;

  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd(version), members: 1, tls: 'mutual' });
    strangers = await issueCertificates();
  });

  afterAll(async () => {
    await cluster?.close();
  });

  it.each<[string, (ours: ClusterCertificates['client'] & { ca: string }) => Access['tls'], string]>([
    ['the CA is another one', (ours) => ({ ...ours, ca: strangers.ca }), 'certificate signature failure'],
    ['no CA is configured', () => undefined, 'unable to verify the first certificate'],
    ['the client certificate is missing', ({ ca }) => ({ ca }), 'certificate'],
    ['the client certificate is of another CA', ({ ca }) => ({ ca, ...strangers.client }), 'alert'],
  ])('because %s, it says so and stops', async (_, tls, seen) => {
    const url = cluster.members[0]?.clientUrl ?? '';
    const ours = cluster.tls as ClusterCertificates['client'] & { ca: string };
    const [name, reason, message] = await failureAt(url, { tls: tls(ours) });
    expect([name, reason]).toEqual(['PreconditionFailed', 'Tls']);
    expect(message).toContain(seen);
    expect(message).toContain("compare the cluster's tls secret");
  });

  it('because the certificate is for other hosts, it says so and stops', async () => {
    const url = cluster.members[0]?.clientUrl.replace('127.0.0.1', '127.1') ?? '';
    const [name, reason, message] = await failureAt(url, { tls: cluster.tls });
    expect([name, reason]).toEqual(['PreconditionFailed', 'Tls']);
    expect(message).toContain("not in the cert's altnames: IP Address:127.0.0.1");
  });

  it('because clientUrl says http, it names the scheme', async () => {
    const [name, reason, message] = await failureAt(cluster.members[0]?.clientUrl.replace('https', 'http') ?? '');
    expect([name, reason]).toEqual(['EtcdUnavailable', 'ConnectionLost']);
    expect(message).toContain("clientUrl's scheme");
  });

  it('because key and certificate do not belong together, it does not even try', () => {
    const tls = { ...strangers.client, ca: strangers.ca, key: strangers.server.key };
    expect(() => connectToUrl('https://127.0.0.1:1', { tls })).toThrow(
      expect.objectContaining({ name: 'PreconditionFailed', message: expect.stringMatching(/tls secret.*mismatch/) }),
    );
  });
});

describe.each(TESTED_RELEASES)('etcd %s, where it refuses a call,', (version) => {
  let cluster: LocalCluster;
  let members: EtcdMember[];
  let leader: EtcdMember;
  let follower: EtcdMember;
  let learner: EtcdMember;
  let ids: { follower: string; learner: string };

  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd(version), members: 3 });
    const voters = connectToAll(cluster);
    await cluster.addLearner('l1');
    learner = connectTo(cluster, {}, 'l1');
    members = [...voters, learner];
    const [first, second] = await leaderFirst(voters);
    leader = members.find(({ name }) => name === first?.name) as EtcdMember;
    follower = members.find(({ name }) => name === second?.name) as EtcdMember;
    ids = { follower: second?.id ?? '', learner: (await learner.status()).id };
    await leader.put('a', 'b');
  });

  afterAll(async () => {
    for (const member of members ?? []) member.close();
    await cluster?.close();
  });

  it.each<[string, string, string, () => Promise<unknown>]>([
    ['LearnerRefused', 'PreconditionFailed', 'promote it, or ask a voter', () => learner.defragment(WAIT_MS)],
    ['LearnerRefused', 'PreconditionFailed', 'promote it, or ask a voter', () => learner.put('a', 'b')],
    ['NotLeader', 'EtcdUnavailable', 'Leadership has moved', () => follower.moveLeader(ids.follower)],
    ['BadLeaderTransferee', 'PreconditionFailed', 'it is a learner', () => leader.moveLeader(ids.learner)],
    ['BadLeaderTransferee', 'PreconditionFailed', 'not in the cluster', () => leader.moveLeader('1234')],
    ['FutureRevision', 'PreconditionFailed', 'does not exist yet', () => leader.compact('999999', WAIT_MS)],
    ['Compacted', 'PreconditionFailed', 'compacted before', () => readCompacted()],
  ])('says %s, which is a %s', async (reason, name, advice, call) => {
    expect(await failureOf(call())).toEqual([name, reason, expect.stringContaining(advice)]);
  });

  async function readCompacted(): Promise<unknown> {
    await leader.put('a', 'c');
    const { revision } = await leader.status();
    await leader.compact(revision, WAIT_MS);
    const connection = new Connection({ endpoint: leader.endpoint, deadlineMs: WAIT_MS });
    const call = connection.kv.range({ key: Buffer.from('a'), revision: '1' });
    return call.finally(() => connection.close());
  }

  it('says that the cluster may be corrupt, and that nothing may be changed', async () => {
    const connection = new Connection({ endpoint: leader.endpoint, deadlineMs: WAIT_MS });
    const alarm = { memberID: '4660', alarm: AlarmType.Corrupt };
    await connection.maintenance.alarm({ ...alarm, action: AlarmAction.Activate });
    const calls = [leader.put('a', 'b'), leader.delete('a'), leader.compact('2', WAIT_MS)];
    for (const failure of await Promise.all(calls.map(failureOf))) {
      expect(failure).toEqual(['UnsafeToProceed', 'Corrupt', expect.stringContaining('nothing may be changed')]);
    }
    await leader.disarmNoSpace('1234');
    expect(await leader.alarms()).toEqual([{ memberId: '1234', alarm: 'CORRUPT' }]);
    await connection.maintenance.alarm({ ...alarm, action: AlarmAction.Deactivate });
    connection.close();
  });

  it('says that leadership is moving, while a transfer waits for a frozen member', async () => {
    await freeze(cluster, follower);
    const transferring = connectTo(cluster, { deadlineMs: 2_000 }, leader.name);
    const transfer = failureOf(transferring.moveLeader(ids.follower));
    await eventually(async () => {
      const [name, reason] = await failureOf(leader.put('a', 'b'));
      expect([name, reason]).toEqual(['EtcdUnavailable', 'LeaderChanging']);
    });
    const [name, reason] = await transfer;
    expect(name).toBe('EtcdUnavailable');
    // Whose clock is first, the client's or the member's.
    expect(['Deadline', 'ServerTimeout']).toContain(reason);
    transferring.close();
    cluster.resumeMember(follower.name);
    await leaderFirst(members);
  });

  it('ends every call by its deadline on a frozen member, with and without a connection', async () => {
    const connected = connectTo(cluster, { deadlineMs: 400 }, follower.name);
    const unconnected = connectTo(cluster, { deadlineMs: 300 }, follower.name);
    await connected.waitUntilAnswering(WAIT_MS);
    await freeze(cluster, connected);
    for (const [member, reason] of [
      [connected, 'Deadline'],
      [unconnected, 'ConnectTimeout'],
    ] as const) {
      const failures = await Promise.all([
        failureOf(member.status()),
        failureOf(member.memberList()),
        failureOf(member.alarms()),
        failureOf(member.disarmNoSpace('1234')),
        failureOf(member.compact('1', 300)),
        failureOf(member.moveLeader('1234')),
        failureOf(member.defragment(300)),
        failureOf(member.readLocally('a', 300)),
        // The member may do these all the same once it runs again.
        failureOf(member.put('unused', '')),
        failureOf(member.delete('unused')),
        failureOf(member.waitUntilAnswering(300)),
      ]);
      for (const failure of failures) expect(failure.slice(0, 2)).toEqual(['EtcdUnavailable', reason]);
    }
    cluster.resumeMember(follower.name);
    expect(await connected.waitUntilAnswering(WAIT_MS)).toMatchObject({ id: ids.follower });
    connected.close();
    unconnected.close();
  });

  it('says that it has no leader once a quorum is lost, and that the connection was cut when it dies', async () => {
    await leaderFirst(members);
    const others = members.filter((member) => member !== leader && member !== learner);
    for (const { name } of others) await cluster.killMember(name);
    await eventually(async () => expect(await leader.status()).toMatchObject({ leaderId: '0' }));
    const calls = [
      leader.put('a', 'b'),
      leader.delete('a'),
      leader.compact('1', WAIT_MS),
      leader.alarms(),
      leader.memberList(),
      leader.disarmNoSpace('1234'),
      leader.moveLeader(ids.follower),
    ];
    for (const failure of await Promise.all(calls.map(failureOf))) {
      expect(failure).toEqual(['EtcdUnavailable', 'NoLeader', expect.stringContaining('a quorum is lost')]);
    }
    expect(await leader.readLocally('a', WAIT_MS)).toBeDefined();
    const configuration = configurationOf(cluster);
    const onlyLeader = configuration.members.filter(({ name }) => name === leader.name);
    const etcd = new EtcdCluster({ ...configuration, members: onlyLeader }, {});
    // An alarm that was not seen must not count as no alarm.
    await expect(etcd.observe()).rejects.toMatchObject({ name: 'EtcdUnavailable', reason: 'NoLeader' });
    etcd.close();
    await freeze(cluster, leader);
    const cut = failureOf(leader.status(5_000));
    await cluster.killMember(leader.name);
    expect((await cut).slice(0, 2)).toEqual(['EtcdUnavailable', 'ConnectionLost']);
    expect((await failureOf(leader.status())).slice(0, 2)).toEqual(['EtcdUnavailable', 'Refused']);
  });
});

describe('etcd that cannot keep up', () => {
  it('says so after its own timeout of 7 s', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3 });
    const members = connectToAll(cluster, { deadlineMs: 15_000 });
    const [leader, ...followers] = await leaderFirst(members);
    const writer = members.find(({ name }) => name === leader?.name);
    for (const { name } of followers) cluster.pauseMember(name);
    // The followers take a moment to stop, and the leader goes on believing that it leads for about a second.
    const answers: Promise<unknown>[] = [];
    for (let count = 0; count < 20; count++) {
      answers.push(writer?.put('a', 'b').catch((error: unknown) => error) ?? Promise.reject());
      await writer?.status();
    }
    expect(await answers.at(-1)).toMatchObject({
      name: 'EtcdUnavailable',
      reason: 'ServerTimeout',
      message: expect.stringContaining('could not agree in time'),
    });
    for (const member of members) member.close();
  });

  it('says that it has too many requests waiting', async () => {
    const extraArgs = ['--max-txn-ops=100000', '--max-request-bytes=20000000', '--unsafe-no-fsync'];
    await using cluster = await startCluster({ binaries: await findEtcd('3.5.30'), members: 1, extraArgs });
    const connection = new Connection({ endpoint: cluster.members[0]?.clientUrl ?? '', deadlineMs: WAIT_MS });
    const ops = (length: number, op: (index: number) => IRequestOp) => Array.from({ length }, (_, index) => op(index));
    const put = (key: string) => ({ request_put: { key: Buffer.from(key), value: Buffer.from('v') } });
    await connection.kv.txn({ compare: [], success: ops(20_000, (index) => put(`k${index}`)), failure: [] });
    // Counting all keys again and again, in a transaction, keeps etcd from applying what it commits meanwhile.
    const countAll = { request_range: { key: Buffer.from([0]), range_end: Buffer.from([0]), count_only: true } };
    const success = [...ops(2_500, () => countAll), put('z')];
    let refused: unknown;
    const write = (): Promise<unknown> =>
      connection.kv.put({ key: Buffer.from('z'), value: Buffer.from('v') }).catch((error: unknown) => {
        if (hasReason(error, 'TooManyRequests')) refused ??= error;
      });
    // How many have to wait at once is for etcd to say, and who is quicker for the machine: so, wave after wave.
    await eventually(async () => {
      for (let count = 0; count < 4; count++) {
        connection.kv.txn({ compare: [], success, failure: [] }).catch(() => undefined);
      }
      const waiting: Promise<unknown>[] = [];
      while (refused === undefined && waiting.length < 10_000) {
        for (let count = 0; count < 500; count++) waiting.push(write());
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.race([expect.poll(() => refused).toBeDefined(), Promise.all(waiting)]);
      expect(refused).toBeDefined();
    });
    expect(refused).toMatchObject({ name: 'EtcdUnavailable', reason: 'TooManyRequests' });
    connection.close();
  });
});
