import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { createTokenKeys } from '../../../local/etcd/certificates.ts';
import { startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { connectTo, countLogins, failureOf, freeze, ROOT } from './support.ts';

describe.each(TESTED_RELEASES)('a login to etcd %s', (version) => {
  it('may be configured before authentication is enabled, and survives its being switched off and on', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1 });
    const reader = connectTo(cluster, { login: ROOT });
    const writer = connectTo(cluster, { login: ROOT });
    await writer.put('a', '1');
    expect(await writer.authentication.serves()).toBe('anybody');
    expect(await reader.alarms()).toEqual([]);
    expect(await countLogins(cluster)).toBe(2);

    await cluster.enableAuth(ROOT.password);
    await writer.put('a', '2');
    expect(await writer.authentication.serves()).toBe('nobody');
    await reader.status();
    expect(await reader.readLocally('a', WAIT_MS)).toBe('2');
    expect(await countLogins(cluster)).toBe(4);

    await cluster.etcdctl(['auth', 'disable']);
    const before = await countLogins(cluster);
    await writer.put('a', '3');
    const logins = await countLogins(cluster);
    // etcd 3.4 rejects the old token even now.
    expect(logins - before).toBe(version === '3.4.23' ? 1 : 0);

    await cluster.etcdctl(['auth', 'enable'], undefined, { user: undefined });
    await writer.put('a', '4');
    expect(await reader.readLocally('a', WAIT_MS)).toBe('4');
    expect(await countLogins(cluster)).toBe(logins + 2);
    reader.close();
    writer.close();
  });

  it('is made once authentication is enabled, also by a client that has a certificate', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1, tls: 'mutual' });
    const member = connectTo(cluster, { login: ROOT });
    const stranger = connectTo(cluster);
    const denied = connectTo(cluster, { login: { ...ROOT, password: 'another' } });
    await member.put('a', '1');
    expect(await stranger.authentication.serves()).toBe('certificates');
    await cluster.enableAuth(ROOT.password);
    await member.put('a', '2');
    expect(await stranger.authentication.serves()).toBe('certificates');
    // Nobody need be let in to be told which cluster it is.
    const { clusterId } = await member.status();
    expect([await stranger.ownCluster(), await denied.ownCluster()]).toEqual([{ clusterId }, { clusterId }]);
    expect(await member.readLocally('a', WAIT_MS)).toBe('2');
    expect(await failureOf(stranger.put('a', '3'))).toEqual([
      'PreconditionFailed',
      'PermissionDenied',
      expect.stringContaining('the common name of the client certificate'),
    ]);
    for (const each of [member, stranger, denied]) each.close();
  });

  it('is made again, once, after the member forgot its tokens in a restart', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1 });
    await cluster.enableAuth(ROOT.password);
    const member = connectTo(cluster, { login: ROOT });
    await member.put('a', '1');
    await member.put('a', '2');
    expect(await countLogins(cluster)).toBe(1);
    await cluster.stopMember('m1');
    await cluster.startMember('m1');
    await member.put('a', '3');
    await member.defragment(WAIT_MS);
    expect(await countLogins(cluster)).toBe(1);
    member.close();
  });

  it('is made again, once, after a change of users made JWT tokens old', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1, authToken: 'jwt' });
    await cluster.enableAuth(ROOT.password);
    const member = connectTo(cluster, { login: ROOT });
    await member.put('a', '1');
    const etcdctlLogsInOnce = 1;
    await cluster.etcdctl(['role', 'add', 'reader']);
    await member.put('a', '2');
    expect(await member.readLocally('a', WAIT_MS)).toBe('2');
    expect(await countLogins(cluster)).toBe(2 + etcdctlLogsInOnce);
    member.close();
  });

  it('is given up when its fresh token is rejected as well', async () => {
    // Every token has expired when it is issued.
    const folder = await mkdtemp(join(tmpdir(), 'login-test-'));
    const { publicKey, privateKey } = await createTokenKeys();
    await writeFile(join(folder, 'token.key'), privateKey);
    await writeFile(join(folder, 'token.pub'), publicKey);
    const keys = `pub-key=${join(folder, 'token.pub')},priv-key=${join(folder, 'token.key')}`;
    await using cluster = await startCluster({
      binaries: await findEtcd(version),
      members: 1,
      extraArgs: [`--auth-token=jwt,${keys},sign-method=RS256,ttl=-1h`],
    });
    await cluster.enableAuth(ROOT.password);
    const member = connectTo(cluster, { login: ROOT });
    const [name, reason, message] = await failureOf(member.put('a', '1'));
    expect([name, reason]).toEqual(['PreconditionFailed', 'TokenRejected']);
    expect(message).toContain('see the incident auth-token-invalid');
    expect(await countLogins(cluster)).toBe(2);
    member.close();
    await rm(folder, { recursive: true });
  });

  it('fails at once with a wrong password, without one, and as a user who may do nothing', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1 });
    await cluster.enableAuth(ROOT.password);
    await cluster.etcdctl(['user', 'add', 'guest:pass-4711-guest']);
    const loginsBefore = await countLogins(cluster);
    const expectations = [
      [{ username: 'root', password: 'pass-4711-wrong' }, 'WrongPassword', "correct the cluster's auth secret"],
      [{ username: 'nobody', password: 'pass-4711' }, 'WrongPassword', "correct the cluster's auth secret"],
      [{ username: 'guest', password: 'pass-4711-guest' }, 'PermissionDenied', 'the root role'],
      [undefined, 'LoginRequired', 'name a secret under "auth"'],
    ] as const;
    for (const [login, reason, advice] of expectations) {
      const member = connectTo(cluster, { login });
      const failure = await failureOf(member.defragment(WAIT_MS));
      expect(failure).toEqual(['PreconditionFailed', reason, expect.stringContaining(advice)]);
      member.close();
    }
    expect(await countLogins(cluster)).toBe(loginsBefore + 3);
  });

  it('and the call it is for end by one deadline', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1 });
    await cluster.enableAuth(ROOT.password);
    // A call that kept to this deadline instead of its own would not be over when the test ends.
    const member = connectTo(cluster, { login: ROOT, deadlineMs: 2 * WAIT_MS });
    await freeze(cluster, connectTo(cluster));
    const [name] = await failureOf(member.readLocally('a', 400));
    expect(name).toBe('EtcdUnavailable');
    member.close();
  });
});
