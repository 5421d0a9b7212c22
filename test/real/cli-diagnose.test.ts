import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosed } from '../../cli/diagnosis-report.ts';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { freePorts, HOST } from '../../local/etcd/ports.ts';
import { type Ended, etcdRemediation, lastLine } from '../cli/command.ts';
import { LAYOUT } from '../lib/stacks.ts';
import { fill, MIB, setAlarm } from '../scenes/scene.ts';

const PASSWORD = 'hunter2-correct-horse';

let directory: string;
let cluster: LocalCluster;
let etcd: EtcdCluster;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'diagnose-test-'));
  const quotaBackendBytes = 16 * MIB;
  cluster = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3, quotaBackendBytes });
  const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
  const orders = {
    name: 'orders',
    members: members.map((member) => ({ ...member, host: `host-${member.name}` })),
    quotaBackendBytes,
    layout: LAYOUT,
  };
  etcd = new EtcdCluster(orders, {});
  const { client, peer } = await freePorts();
  const gone = { name: 'm1', clientUrl: `http://${HOST}:${client}`, peerUrl: `http://${HOST}:${peer}` };
  const contents = {
    one: { clusters: [orders] },
    renamed: {
      clusters: [
        { name: 'renamed', members: [{ ...members[0], name: 'm_1' }, ...members.slice(1)], quotaBackendBytes },
      ],
    },
    several: {
      clusters: [
        { name: 'gone', members: [gone], quotaBackendBytes },
        { name: 'guarded', members, quotaBackendBytes, auth: { secret: 'root' } },
        orders,
      ],
    },
    hosts: { 'host-m1': { exec: ['sh'] }, 'host-m2': { exec: ['false'] } },
    secrets: { root: { name: 'root', password: PASSWORD } },
  };
  for (const [name, content] of Object.entries(contents)) {
    await writeFile(fileOf(name), JSON.stringify(content));
  }
});
afterAll(async () => {
  etcd?.close();
  await cluster?.close();
  await rm(directory, { recursive: true });
});

function fileOf(name: string): string {
  return join(directory, `${name}.json`);
}

function resultOf(ended: Ended) {
  return lastLine(ended) as unknown as { outcome: string; clusters: Diagnosed[] };
}

describe('etcd-remediation diagnose', () => {
  it('tells a person that a cluster is healthy, and what that rests on', async () => {
    const { status, stdout, stderr } = await etcdRemediation(
      ...['diagnose', '--config', fileOf('one'), '--hosts', fileOf('hosts')],
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Diagnosing orders \(nothing is changed\)\n/);
    expect(stdout).toMatch(/^ {2}✓ +\d+\.\d s {2}Diagnose orders +healthy$/m);
    const [first, ...lines] = stdout.slice(stdout.indexOf('\norders: ') + 1).split('\n');
    expect(first).toBe('orders: healthy');
    expect(lines[0]).toMatch(/^ {2}m\d leads, every member follows it and is caught up, and no alarm is raised\.$/);
    const members = lines.filter((line) => /^ {4}m\d {2}healthy {2}(leads|follows m\d), etcd 3\.5\.30, /.test(line));
    expect(members).toHaveLength(3);
    expect(lines).toEqual(
      expect.arrayContaining([
        '    m1  host-m1  reached',
        '    m2  host-m2  not reached: exit status 1',
        expect.stringMatching(/^ {4}m3 {2}host-m3 {2}not reached: /),
        expect.stringMatching(/^ {4}host-unreachable: .*host-m2/),
      ]),
    );
    expect(stdout).not.toContain('Next:');
  });

  it("warns of a name that is not etcd's while every member is healthy", async () => {
    const { status, stdout } = await etcdRemediation('diagnose', '--config', fileOf('renamed'));
    expect(status, stdout).toBe(1);
    expect(stdout).toMatch(/^renamed: healthy, but clusters\.json is wrong about who is who$/m);
    expect(stdout).toMatch(
      /^ {4}name-differs: clusters\.json calls the member at http:\S+ "m_1", and its name in etcd is "m1"\. Correct name/m,
    );
  });

  it('diagnoses every cluster of the file, and says which could not be: as one JSON object in its order', async () => {
    const ended = await etcdRemediation(
      ...['diagnose', '--config', fileOf('several'), '--secrets', fileOf('secrets'), '--json'],
    );
    expect(ended.status, ended.stderr).toBe(1);
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
    const { outcome, clusters } = resultOf(ended);
    expect(outcome).toBe('IncidentFound');
    expect(clusters).toEqual([
      { cluster: 'gone', diagnosis: expect.objectContaining({ incident: 'quorum-lost' }) },
      { cluster: 'guarded', diagnosis: null, error: 'PreconditionFailed', cause: expect.stringContaining('"root"') },
      { cluster: 'orders', diagnosis: expect.objectContaining({ incident: 'healthy', hosts: [] }) },
    ]);
    // What is wrong stands at the end, where a terminal shows it.
    const headings = [...ended.stderr.matchAll(/^(gone|guarded|orders): (.*)$/gm)].map(([line]) => line);
    expect(headings).toEqual(['orders: healthy', 'gone: quorum-lost', 'guarded: could not be diagnosed']);
    expect(ended.stderr).toMatch(/^ {2}✓ +\d+\.\d s {2}Diagnose gone +quorum-lost$/m);
    expect(ended.stderr).toMatch(/^ {2}! +\d+\.\d s {2}Diagnose guarded +PreconditionFailed: /m);
    expect(ended.stdout + ended.stderr).not.toContain(PASSWORD);
  });

  it('names a full store, and the command that it names tells the plan', async () => {
    await fill(etcd, { keys: 40 });
    const found = await etcdRemediation('diagnose', '--config', fileOf('one'), 'orders');
    expect(found.status).toBe(1);
    expect(found.stdout).toMatch(/^orders: space-exceeded\n {2}NOSPACE is raised by .*: etcd refuses writes\./m);
    const [last = ''] = found.stdout.trimEnd().split('\n').slice(-1);
    expect(last).toMatch(/^ {4}npx --no etcd-remediation run orders --config \S+ --incident space-exceeded --dry-run$/);
    const planned = await etcdRemediation(...last.trim().split(' ').slice(3));
    expect([planned.status, planned.stderr]).toEqual([0, '']);
    expect(planned.stdout).toMatch(/^Planned in /m);
  });

  it('names the runbook for corrupt data, which is refused beside a full store, also for a run that names no incident', async () => {
    const { members } = await etcd.observe();
    const [first] = members;
    await setAlarm({ cluster }, 'Corrupt', first?.answering ? first.id : '');
    const files = ['--config', fileOf('one'), 'orders', '--json'];
    const [found, ran] = await Promise.all([etcdRemediation('diagnose', ...files), etcdRemediation('run', ...files)]);
    expect(found.status).toBe(1);
    expect(resultOf(found).clusters).toMatchObject([
      { cluster: 'orders', diagnosis: { incident: 'data-corrupt', others: ['space-exceeded'] } },
    ]);
    expect(found.stderr).toMatch(/ run orders .* --incident data-corrupt --dry-run\n$/);
    expect(ran.status).toBe(1);
    expect(lastLine(ran)).toMatchObject({
      outcome: 'PreconditionFailed',
      cluster: 'orders',
      incident: 'data-corrupt',
      report: {
        error: 'PreconditionFailed',
        cause: expect.stringContaining('NOSPACE is raised besides'),
      },
    });
    expect((await etcd.observe()).alarms.map(({ alarm }) => alarm)).toContain('CORRUPT');
  });
});
