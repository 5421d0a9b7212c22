import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type HostedCluster, type HostedClusterOptions, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { issueToken } from '../local/etcd/tokens.ts';

let cluster: HostedCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function start(version: string, options: Partial<HostedClusterOptions>): Promise<HostedCluster> {
  const binaries = await findEtcd(version);
  const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
  const quotaBackendBytes = 16 * 1024 * 1024;
  cluster = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes, tls: true, ...options });
  return cluster;
}

describe('a cluster on hosts', () => {
  it.each(['yaml', 'environment'] as const)('runs etcd 3.3.25 with TLS, configured in %s', async (format) => {
    const hosted = await start('3.3.25', { format });
    await hosted.enableAuth('secret');
    for (const { name } of hosted.members) expect(await hosted.etcdctl(['put', 'from', name], [name])).toBe('OK\n');
    expect(await hosted.run('m1', 'journalctl -u etcd -n 500 --no-pager -q -o cat')).not.toMatch(/unrecognized/i);
  });

  it.each(['3.3.25', '3.5.16'])('makes JSON web tokens on etcd %s, which every member takes', async (version) => {
    const hosted = await start(version, { authToken: 'jwt' });
    await hosted.enableAuth('secret');
    for (const { name } of hosted.members) expect(await hosted.etcdctl(['put', 'from', name], [name])).toBe('OK\n');
    const login = { username: 'root', password: 'secret' };
    const token = await issueToken(hosted.member('m2').clientUrl, login, hosted.tls);
    const [, claims = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ username: 'root' });
  });
});
