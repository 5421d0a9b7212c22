import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checked } from '../../cli/check-report.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { CheckReport } from '../../core/diagnosis/check.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import type { HostsFile } from '../../local/hosts/access.ts';
import { type HostedCluster, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { Platform } from '../../local/platform.ts';
import { etcdRemediation, lastLine } from './command.ts';
import { terminalOf } from './deployed-scene.ts';

const PASSWORD = randomUUID();
const QUOTA_BYTES = 64 * 1024 * 1024;
const HOSTS = ['node-a', 'node-b', 'node-c'];

describe('etcd-remediation check, on a quiet cluster on hosts with TLS and authentication,', () => {
  let directory: string;
  let hosted: HostedCluster;
  let orders: Cluster;
  let contents: Record<'secrets' | 'hosts', object>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'check-test-'));
    const binaries = await findEtcd('3.7.3');
    const fleet = await startProcessHosts({ count: 3, binDir: dirname(binaries.etcd) });
    hosted = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes: QUOTA_BYTES, tls: true });
    await hosted.enableAuth(PASSWORD);
    orders = {
      name: 'orders',
      members: hosted.members.map(({ name, clientUrl, peerUrl, host }, index) => ({
        name,
        clientUrl,
        peerUrl,
        host: HOSTS[index] ?? '',
        layout: host.layout,
      })),
      quotaBackendBytes: QUOTA_BYTES,
      auth: { secret: 'etcd/orders/root' },
      tls: { secret: 'etcd/orders/client-tls' },
      layout: {
        ...(hosted.members[0]?.host.layout as Required<HostedCluster['members'][0]['host']['layout']>),
        unit: UNIT,
        walDir: null,
      },
    };
    contents = {
      secrets: {
        'etcd/orders/root': { username: 'root', password: PASSWORD },
        'etcd/orders/client-tls': { ...hosted.tls },
      },
      hosts: Object.fromEntries(hosted.members.map(({ host }, index) => [HOSTS[index], host.access])),
    };
    for (const [name, content] of Object.entries(contents)) await write(name, content);
  });
  afterAll(async () => {
    await hosted?.close();
    await rm(directory, { recursive: true });
  });

  async function write(name: string, content: object): Promise<void> {
    await writeFile(join(directory, `${name}.json`), JSON.stringify(content));
  }

  async function check(clusters: Cluster[], ...options: string[]) {
    await write('config', { clusters });
    const files = ['config', 'secrets', 'hosts'].flatMap((name) => [`--${name}`, join(directory, `${name}.json`)]);
    return etcdRemediation('check', ...files, ...options);
  }

  function reportOf(cluster: string, found: Checked[]): CheckReport {
    return found.find((each) => each.cluster === cluster) as CheckReport;
  }

  it('says a line for each thing that was looked at, where nothing has to be corrected', async () => {
    const { status, stdout, stderr } = await check([orders]);
    expect([status, stderr], stdout).toEqual([0, '']);
    expect(stdout).toMatch(/^Checking orders \(nothing is changed\)\n/);
    const lines = stdout
      .slice(stdout.indexOf('\norders: ') + 1)
      .trimEnd()
      .split('\n');
    expect(lines[0]).toBe('orders: Nothing was found.');
    for (const area of ['cluster', 'secrets', 'login', 'certificates', 'identity', 'quota', 'releases']) {
      expect(
        lines.filter((line) => line.startsWith(`  ✓ ${area} `)),
        area,
      ).toHaveLength(1);
    }
    expect(
      lines.filter((line) => /^ {2}✓ hosts +m\d on node-[abc]: fit for a replacement and for a recovery/.test(line)),
    ).toHaveLength(3);
    expect(stdout).toMatch(/ ✓ certificates +none of \d+ ends soon; the first is .*, in \d+ days\n/);
    expect(stdout).toMatch(/^ {2}Certificates:\n {4}days left {2}ends {8}whose\n/m);
    for (const certificate of ['peer certificate', 'server certificate', 'CA of the peers']) {
      expect(stdout).toMatch(new RegExp(`^ {4}\\d+ +\\d{4}-\\d\\d-\\d\\d {2}the ${certificate} of m3 \\(/.*\\)$`, 'm'));
    }
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}- backups +clusters\.json names none/));
    expect(stdout).not.toContain(PASSWORD);
  });

  it('finds a wrong unit, a wrong folder and a wrong peer URL while every member is healthy', async () => {
    const [first, ...others] = orders.members;
    if (!first) throw new Error('There is no member.');
    const wrong = (name: string, change: object): Cluster => ({
      ...orders,
      name,
      members: [{ ...first, ...change }, ...others],
    });
    const clusters = [
      wrong('unit', { layout: { ...first.layout, unit: 'nowhere' } }),
      wrong('folder', { layout: { ...first.layout, dataDir: '/var/lib/nowhere' } }),
      wrong('peer', { peerUrl: 'https://127.0.0.1:1' }),
    ];
    const ended = await check(clusters, '--json');
    expect(ended.status, ended.stderr).toBe(1);
    const found = lastLine(ended) as unknown as { outcome: string; clusters: Checked[] };
    expect(found.outcome).toBe('Findings');
    const hostsOf = (cluster: string) =>
      reportOf(cluster, found.clusters).findings.flatMap(({ area, message }) => (area === 'hosts' ? [message] : []));
    expect(hostsOf('unit')).toEqual([
      expect.stringMatching(/^m1 on node-a: This host has no unit nowhere \(not-found\)\./),
    ]);
    expect(hostsOf('folder')).toContainEqual(
      expect.stringMatching(/^m1 on node-a: etcd's data dir is ".*", and clusters\.json says \/var\/lib\/nowhere$/),
    );
    expect(hostsOf('peer')).toContainEqual(
      expect.stringMatching(
        /^m1 on node-a: etcd announces the peer URL ".*", and clusters\.json says https:\/\/127\.0\.0\.1:1$/,
      ),
    );
    // The other hosts are as they have to be.
    for (const { name } of clusters) {
      expect(
        hostsOf(name).filter((message) => !message.startsWith('m1 ')),
        name,
      ).toEqual([]);
    }
  });

  it('says of each host that it does not reach the staging address, and names the option', async () => {
    const folder = join(directory, 'unreached');
    await mkdir(folder);
    await writeFile(
      join(folder, 'curl'),
      '#!/bin/sh\ncase $* in *--version*) echo curl; exit 0 ;; esac\necho "curl: (7) Failed to connect" >&2\nexit 7\n',
      {
        mode: 0o755,
      },
    );
    const unreached = Object.entries(contents.hosts as HostsFile).map(([host, { exec }]) => {
      return [host, { exec: [...exec.slice(0, -1), 'sh', '-c', `PATH='${folder}':$PATH exec ${exec.at(-1)}`] }];
    });
    await write('hosts', Object.fromEntries(unreached));
    try {
      const { status, stdout } = await check([orders], '--staging-address', '127.0.0.1');
      expect(status, stdout).toBe(1);
      const found = stdout.match(
        /^ {2}! hosts +m\d on node-[abc]: http:\/\/127\.0\.0\.1:\d+, from where .* Failed to connect.* give --staging-address .*$/gm,
      );
      expect(found, stdout).toHaveLength(3);
    } finally {
      await write('hosts', contents.hosts);
    }
  });

  it('says of each host that it is not in hosts.json where that has none', async () => {
    await write('hosts', {});
    try {
      const { status, stdout } = await check([orders]);
      expect(status, stdout).toBe(1);
      expect(
        stdout.match(
          /^ {2}! hosts +m\d on node-[abc] could not be looked at: Not every host is reached: .*it is not in hosts\.json, which has no host: add it there/gm,
        ),
      ).toHaveLength(3);
    } finally {
      await write('hosts', contents.hosts);
    }
  });

  it('is the same where it is deployed, and whoever asks reaches nothing of it', async () => {
    const platform = await Platform.start({
      file: { clusters: [orders] },
      ...(contents as Pick<Parameters<typeof Platform.start>[0], 'secrets' | 'hosts'>),
    });
    const terminal = await terminalOf(platform);
    try {
      const { status, stdout, stderr } = await terminal.type('check', 'orders', '--deployed');
      expect([status, stderr], stdout).toEqual([0, '']);
      expect(stdout).toMatch(/^orders: Nothing was found\.$/m);
    } finally {
      await terminal.close();
      await platform.close();
    }
  });
});
