import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { etcdRemediation, lastLine, startEtcdRemediation } from '../cli/command.ts';

const PASSWORD = randomUUID();
const QUOTA_BYTES = 64 * 1024 * 1024;

/** The cluster is the test's own: all that the command has are files that say where it is. */
describe('etcd-remediation run, on a cluster on hosts with TLS and authentication,', () => {
  let directory: string;
  let cluster: HostedCluster;
  let files: string[];
  const printed: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'run-test-'));
    const binaries = await findEtcd('3.5.30');
    const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
    cluster = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes: QUOTA_BYTES, tls: true });
    await cluster.enableAuth(PASSWORD);
    const names = ['node-a', 'node-b', 'node-c'];
    const orders = {
      name: 'orders',
      members: cluster.members.map(({ name, clientUrl, peerUrl, host }, index) => ({
        name,
        clientUrl,
        peerUrl,
        host: names[index],
        layout: host.layout,
      })),
      quotaBackendBytes: QUOTA_BYTES,
      auth: { secret: 'etcd/orders/root' },
      tls: { secret: 'etcd/orders/client-tls' },
      layout: { unit: UNIT, walDir: null, ...cluster.members[0]?.host.layout },
    };
    const contents = {
      config: { clusters: [orders] },
      secrets: {
        'etcd/orders/root': { username: 'root', password: PASSWORD },
        'etcd/orders/client-tls': cluster.tls,
      },
      hosts: Object.fromEntries(cluster.members.map(({ host }, index) => [names[index], host.access])),
    };
    for (const [name, content] of Object.entries(contents)) {
      await writeFile(join(directory, `${name}.json`), JSON.stringify(content));
    }
    files = Object.keys(contents).flatMap((name) => [`--${name}`, join(directory, `${name}.json`)]);
  });
  afterAll(async () => {
    await cluster?.close();
    await rm(directory, { recursive: true });
  });

  const RUN = ['run', 'orders', '--incident', 'member-failed', '--json'];

  async function run(...options: string[]) {
    const ended = await etcdRemediation(...RUN, ...options);
    printed.push(ended.stdout, ended.stderr);
    return { ...ended, result: lastLine(ended) };
  }

  it('wants to know the way to every host', async () => {
    const { status, result } = await run(...files.slice(0, 4), '--dry-run');
    expect(status).toBe(2);
    expect(result).toMatchObject({ outcome: 'InvalidInput', report: { cause: expect.stringContaining('"node-a"') } });
  });

  it('wants an approval before it changes anything', async () => {
    const { status, result } = await run(...files);
    expect(status).toBe(2);
    expect(result).toMatchObject({ outcome: 'InvalidInput', report: { cause: expect.stringContaining('--approve') } });
  });

  it('refuses a member that there is not, and changes nothing', async () => {
    const { status, result } = await run(...files, '--approve', '--member', 'm9');
    expect(status).toBe(2);
    expect(result).toMatchObject({ outcome: 'InvalidInput', report: { cause: expect.stringContaining('m1, m2, m3') } });
  });

  const parameters = ['--parameters', '{"confirmSeconds":1}'];

  it('first tells its plan in a dry run; is stopped, and says where it was; then replaces the member, and then finds nothing to do', async () => {
    await cluster.destroyMember('m2');
    const planned = await run(...files, '--dry-run', ...parameters);
    expect(planned).toMatchObject({ status: 0, result: { outcome: 'Planned', cluster: 'orders' } });
    expect(planned.stderr).toMatch(/^Planned in .*\n {2}Plan:\n {4}\S/m);
    await stopAfterTheRemoval();
    const cured = await run(...files, '--approve', ...parameters);
    expect(cured, cured.stderr).toMatchObject({
      status: 0,
      result: { outcome: 'Remediated', incident: 'member-failed', runbook: 'member-replacement' },
    });
    await cluster.waitUntilHealthy(['m1', 'm2', 'm3']);
    expect(cured.stderr).toMatch(
      /✓ +\d+\.\d s {2}Move data aside m2 +data moved aside to .+\/var\/lib\/etcd\/default\/member\./,
    );
    expect(cured.stderr).toMatch(
      /^Remediated in .*\n {2}Moved aside, and kept:\n {4}m2: .+\/var\/lib\/etcd\/default\/member\./m,
    );
    expect((await run(...files, '--approve', ...parameters)).result.outcome).toBe('NothingToDo');
  });

  async function stopAfterTheRemoval() {
    const running = startEtcdRemediation(...RUN, ...files, '--approve', ...parameters);
    await expect.poll(() => running.written.stderr).toMatch(/✓ .*Remove member/);
    running.kill('SIGINT');
    const { status, stdout, stderr } = await running.ended;
    printed.push(stdout, stderr);
    expect(status).toBe(130);
    expect(stderr.match(/^ +(Planning with|Running) etcd-remediation-member-replacement/gm)).toEqual([
      '  Planning with etcd-remediation-member-replacement',
      '  Running etcd-remediation-member-replacement',
    ]);
    const told = stderr.slice(stderr.indexOf('\nStopped. '));
    expect(told).toMatch(/^\nStopped\. The runbook member-replacement was under way for the cluster orders\.\n/);
    expect(told).toMatch(/\nIt has changed, in this order:\n {2}- on node-b \(m2\): the service \S+ was stopped\n/);
    expect(told).toMatch(/\n {2}- m2 \([0-9a-f]+\) was removed from etcd\n/);
    expect(told).toContain(
      '\nNow m2 was removed from etcd and is not back: two voters are left (m1, m3), and each is needed',
    );
    expect(told).toContain('\nTo go on, give the same command again: it looks again, and goes on from here.\n');
    expect(told).not.toMatch(/authentication|token/i);
    const { report } = (await run(...files, '--dry-run', ...parameters)).result;
    expect(JSON.stringify(report)).toMatch(
      /already done: \S+ on node-b is stopped .*already done: m2 is not in etcd's list/,
    );
  }

  it('is told at the end of the log where serve is ended in the midst of it: what was changed, how the cluster stands, and how to go on', async () => {
    await cluster.destroyMember('m3');
    const { clusters } = JSON.parse(await readFile(join(directory, 'config.json'), 'utf8'));
    const served = join(directory, 'served.json');
    await writeFile(
      served,
      JSON.stringify({ clusters: [{ ...clusters[0], policy: { 'member-failed': 'automatic' } }] }),
    );
    const serving = startEtcdRemediation(
      'serve',
      '--config',
      served,
      ...files.slice(2),
      '--port',
      '0',
      '--no-detector',
    );
    try {
      await expect.poll(() => serving.written.stdout).toMatch(/curl -H .*\/clusters\n/);
      const [, header = '', url = ''] = /curl -H @(\S+) (\S+)\/clusters/.exec(serving.written.stdout) ?? [];
      const [name = '', value = ''] = (await readFile(header, 'utf8')).trim().split(': ');
      const body = JSON.stringify({ incident: 'member-failed', parameters: { confirmSeconds: 1 } });
      const headers = { [name]: value };
      const started = await fetch(`${url}/clusters/orders/remediations`, { method: 'POST', headers, body });
      expect(started.status).toBe(202);
      await expect.poll(() => serving.written.stdout).toMatch(/✓ .*Add member/);
    } finally {
      serving.kill('SIGTERM');
    }
    const { status, stdout, stderr } = await serving.ended;
    printed.push(stdout, stderr);
    expect(status).toBe(143);
    const lines = stdout.trimEnd().split('\n');
    const told = lines.slice(lines.findIndex((line) => line.includes('] Stopped. '))).join('\n');
    const at = '\\S+ \\[orders\\]';
    expect(told).toMatch(
      new RegExp(`^${at} Stopped\\. The runbook member-replacement was under way for the cluster orders\\.\\n`),
    );
    expect(told).toMatch(new RegExp(`\\n${at}   - m3 \\([0-9a-f]+\\) was removed from etcd\\n`));
    expect(told).toMatch(new RegExp(`\\n${at}   - m3 was added to etcd\\n`));
    expect(told).toMatch(
      new RegExp(`\\n${at} To go on, let orders be remediated again: .*\\n${at} Report: \\S+\\.html$`),
    );
    expect(stdout).toMatch(
      new RegExp(`\\n${at} The lock was released: the next remediation of this cluster may begin\\.\\n`),
    );
    expect(stdout).not.toMatch(/\] Remediated/);
  });

  it('prints no secret', () => {
    const [, line] = cluster.tls?.key?.split('\n') ?? [];
    for (const text of printed) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(line);
    }
  });
});
