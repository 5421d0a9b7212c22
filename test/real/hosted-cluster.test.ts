import { dirname } from 'node:path';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { type HostedCluster, type HostedClusterOptions, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { issueToken } from '../local/etcd/tokens.ts';
import { requireEtcd } from '../run/require-etcd.ts';

let cluster: HostedCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function start(
  version: string,
  test: TestContext,
  options: Partial<HostedClusterOptions>,
): Promise<HostedCluster> {
  const binaries = await requireEtcd(version, test);
  const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
  const quotaBackendBytes = 16 * 1024 * 1024;
  cluster = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes, tls: true, ...options });
  return cluster;
}

describe('a cluster on hosts', () => {
  it.for(['yaml', 'environment'] as const)('runs etcd 3.3.25 with TLS, configured in %s', async (format, test) => {
    const hosted = await start('3.3.25', test, { format });
    await hosted.enableAuth('secret');
    for (const { name } of hosted.members) expect(await hosted.etcdctl(['put', 'from', name], [name])).toBe('OK\n');
    expect(await hosted.run('m1', 'journalctl -u etcd -n 500 --no-pager -q -o cat')).not.toMatch(/unrecognized/i);
  });

  it.for(['3.3.25', '3.5.16'])('makes JSON web tokens on etcd %s, which every member takes', async (version, test) => {
    const hosted = await start(version, test, { authToken: 'jwt' });
    await hosted.enableAuth('secret');
    for (const { name } of hosted.members) expect(await hosted.etcdctl(['put', 'from', name], [name])).toBe('OK\n');
    const login = { username: 'root', password: 'secret' };
    const token = await issueToken(hosted.member('m2').clientUrl, login, hosted.tls);
    const [, claims = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ username: 'root' });
  });
});
