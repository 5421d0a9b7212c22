import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';
import { fill } from '../scenes/scene.ts';

const PASSWORD = randomUUID();
const QUOTA_BYTES = 16 * 1024 * 1024;

describe('etcd-remediation run, on a full cluster with TLS and authentication,', () => {
  let directory: string;
  let cluster: LocalCluster;
  let etcd: EtcdCluster;
  const printed: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'run-test-'));
    cluster = await startCluster({
      binaries: await findEtcd('3.5.16'),
      members: 3,
      quotaBackendBytes: QUOTA_BYTES,
      tls: 'mutual',
    });
    await cluster.enableAuth(PASSWORD);
    const login = { username: 'root', password: PASSWORD };
    const orders = {
      name: 'orders',
      members: cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
      quotaBackendBytes: QUOTA_BYTES,
      auth: { secret: 'etcd/orders/root' },
      tls: { secret: 'etcd/orders/client-tls' },
    };
    await writeFile(join(directory, 'clusters.json'), JSON.stringify({ clusters: [orders] }));
    const secrets = { 'etcd/orders/root': login, 'etcd/orders/client-tls': cluster.tls };
    await writeFile(join(directory, 'secrets.json'), JSON.stringify(secrets));
    etcd = new EtcdCluster(orders, { login, tls: cluster.tls });
    await fill(etcd, { keys: 40 });
  });
  afterAll(async () => {
    etcd?.close();
    await cluster?.close();
    await rm(directory, { recursive: true });
  });

  async function run(...options: string[]) {
    const files = ['--config', join(directory, 'clusters.json'), '--secrets', join(directory, 'secrets.json')];
    const ended = await etcdRemediation('run', ...files, 'orders', '--json', ...options);
    printed.push(ended.stdout, ended.stderr);
    return { ...ended, result: lastLine(ended) };
  }

  it('is told no incident: first it tells its plan in a dry run, then cures what it finds, and then finds nothing to do', async () => {
    const planned = await run('--dry-run');
    expect(planned).toMatchObject({
      status: 0,
      result: { outcome: 'Planned', cluster: 'orders', incident: 'space-exceeded', runbook: 'space-reclaim' },
    });
    expect(planned.stderr).toMatch(/^Remediating cluster orders \(dry run: nothing is changed\)$/m);
    expect(planned.stderr).toMatch(/✓ +\d+\.\d s {2}Diagnose cluster +space-exceeded: NOSPACE is raised /m);
    expect(planned.stderr).toMatch(
      /^ {2}Planning with etcd-remediation-space-reclaim \(dry run: nothing is changed\)$/m,
    );
    expect(planned.stderr).not.toContain('Running');
    expect((await etcd.observe()).alarms).not.toEqual([]);

    const remediated = await run();
    expect(remediated, remediated.stderr).toMatchObject({ status: 0, result: { outcome: 'Remediated' } });
    expect(remediated.stderr).toMatch(/^ {2}Running etcd-remediation-space-reclaim$/m);
    expect(remediated.stderr).toMatch(/✓ .*Defragment member m\d .*MiB -> .*MiB/);
    expect((await etcd.observe()).alarms).toEqual([]);

    const healthy = await run();
    expect(healthy).toMatchObject({
      status: 0,
      result: { outcome: 'NothingToDo', cluster: 'orders', incident: 'healthy', report: { rounds: [], remaining: [] } },
    });
    expect(healthy.stderr).toMatch(/^NothingToDo in .* No incident was found\.\norders: healthy\n {2}m\d leads, /m);
  });

  it('prints no secret', () => {
    const text = printed.join('');
    const [, line = ''] = cluster.tls?.key?.split('\n') ?? [];
    expect(text).toContain('Prove writes');
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(line);
  });
});
