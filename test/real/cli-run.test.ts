import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueCertificates } from '../../local/etcd/certificates.ts';
import { type Ended, etcdRemediation, lastLine } from '../cli/command.ts';

const PASSWORD = 'hunter2-correct-horse';

/** A port at which nothing listens: it was free a moment ago. */
async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Nobody answers, so each run takes as long as three readings two seconds apart: all of them are made at once. */
describe('a dry run against a cluster that cannot be reached', () => {
  let directory: string;
  let json: Ended;
  let plain: Ended;
  let key: string;
  const urls: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'run-test-'));
    const { ca, client } = await issueCertificates();
    key = client.key;
    for (let count = 0; count < 3; count++) urls.push(`https://127.0.0.1:${await unusedPort()}`);
    const members = urls.map((clientUrl, index) => ({
      name: `node${index + 1}`,
      clientUrl,
      peerUrl: `https://127.0.0.1:${index + 1}`,
    }));
    const config = join(directory, 'clusters.json');
    const secrets = join(directory, 'secrets.json');
    const cluster = {
      name: 'my-orders',
      members,
      quotaBackendBytes: 1,
      auth: { secret: 'root' },
      tls: { secret: 'tls' },
    };
    await writeFile(config, JSON.stringify({ clusters: [cluster] }));
    await writeFile(
      secrets,
      JSON.stringify({ root: { username: 'root', password: PASSWORD }, tls: { ca, cert: client.cert, key } }),
    );
    const args = ['run', '--config', config, '--secrets', secrets, 'my-orders'];
    args.push('--incident', 'space-exceeded', '--dry-run');
    [json, plain] = await Promise.all([etcdRemediation(...args, '--json'), etcdRemediation(...args)]);
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('ends with 1, and names each member and why it cannot be used', () => {
    expect(json.status, json.stderr).toBe(1);
    const result = lastLine(json);
    expect(result).toMatchObject({
      outcome: 'PreconditionFailed',
      cluster: 'my-orders',
      incident: 'space-exceeded',
      runbook: 'space-reclaim',
      remediateMs: expect.any(Number),
      stateTransitions: expect.any(Number),
      report: { error: 'PreconditionFailed' },
    });
    expect(result.report.cause).toContain('3 of 3 members cannot be used:');
    for (const [index, url] of urls.entries()) {
      expect(result.report.cause).toMatch(new RegExp(`^- node${index + 1}: ${url}: .*ECONNREFUSED`, 'm'));
    }
  });

  it('tells its progress on standard error under --json, and nothing but the result on standard output', () => {
    expect(json.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(json.stderr).toMatch(/^Remediating space-exceeded of cluster my-orders \(dry run: nothing is changed\)$/m);
    expect(json.stderr).toMatch(/✓ +\d+\.\d s {2}Load cluster +my-orders$/m);
    expect(json.stderr).toMatch(/! +\d+\.\d s {2}Assess space +PreconditionFailed: 3 of 3 members cannot be used: …$/m);
  });

  it('tells all of it on standard output to a person', () => {
    expect(plain.status).toBe(1);
    expect(plain.stderr).toBe('');
    expect(plain.stdout).toMatch(/^PreconditionFailed in \d+\.\d s\. 3 of 3 members cannot be used:$/m);
  });

  it('takes three readings before it gives the members up', () => {
    const { remediateMs } = lastLine(json) as unknown as { remediateMs: number };
    expect(remediateMs).toBeGreaterThanOrEqual(4_000);
  });

  it('shows no secret', () => {
    const [, line] = key.split('\n');
    for (const { stdout, stderr } of [json, plain]) {
      expect(stdout + stderr).not.toContain(PASSWORD);
      expect(stdout + stderr).not.toContain('PRIVATE KEY');
      expect(stdout + stderr).not.toContain(line);
    }
  });
});

/** Nothing of its cluster is there but this file. */
describe('a run for quorum-lost', () => {
  let directory: string;
  let args: string[];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'run-test-'));
    const url = `http://127.0.0.1:${await unusedPort()}`;
    const layout = { unit: 'etcd', dataDir: '/var/lib/etcd', walDir: null, configFile: '/etc/etcd.yaml' };
    const cluster = {
      name: 'orders',
      members: [{ name: 'm1', clientUrl: url, peerUrl: url, host: 'node-a' }],
      quotaBackendBytes: 1,
      layout: { ...layout, binDir: '/usr/bin', user: 'etcd', group: 'etcd' },
    };
    await writeFile(join(directory, 'clusters.json'), JSON.stringify({ clusters: [cluster] }));
    await writeFile(join(directory, 'hosts.json'), JSON.stringify({ 'node-a': { exec: ['false'] } }));
    const files = ['--config', join(directory, 'clusters.json'), '--hosts', join(directory, 'hosts.json')];
    const incident = ['--incident', 'quorum-lost', '--parameters', '{"confirmSeconds":1}', '--approve'];
    args = ['run', ...files, 'orders', ...incident];
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('serves the staging bucket at the port that it is told, or says why it cannot', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { status, stdout, stderr } = await etcdRemediation(...args, '--staging-address', taken);
    await new Promise((resolve) => server.close(resolve));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^PreconditionFailed: The staging bucket cannot be served at 127\.0\.0\.1: .*EADDRINUSE/m);
    expect(stderr).toContain(taken);
    expect(stdout).not.toContain('give --staging-address');
  });

  it('says where the hosts have to fetch the snapshot from, if it is not told; a dry run has none', async () => {
    const [real, dry] = await Promise.all([etcdRemediation(...args), etcdRemediation(...args, '--dry-run')]);
    expect(real.stdout).toMatch(/^ {2}Hosts fetch the snapshot from 127\.0\.0\.1: give --staging-address/m);
    expect(dry.stdout).not.toContain('give --staging-address');
    for (const { status, stdout } of [real, dry]) {
      expect(status).toBe(1);
      expect(stdout).toContain('PreconditionFailed in ');
    }
  });
});
