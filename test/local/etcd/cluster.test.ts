import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdBinaries, findEtcd } from '../../../local/etcd/binaries.ts';
import { issueCertificates } from '../../../local/etcd/certificates.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { issueToken, readWithToken } from './tokens.ts';

let binaries: EtcdBinaries;

beforeAll(async () => {
  binaries = await findEtcd('3.5.16');
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function pidOf(cluster: LocalCluster, name: string): number | undefined {
  return cluster.members.find((member) => member.name === name)?.pid;
}

type Membership = { members: { name: string; isLearner?: boolean }[] };

async function membership(cluster: LocalCluster): Promise<Membership['members']> {
  const list: Membership = JSON.parse(await cluster.etcdctl(['member', 'list', '-w', 'json']));
  return list.members;
}

/** `200`, or the code of the error that the connection ended with. */
function statusOrError(url: string, tls: { ca: string; cert?: string; key?: string }): Promise<string> {
  return new Promise((resolve) => {
    get(`${url}/health`, { ...tls, agent: false }, (response) => {
      response.resume();
      resolve(String(response.statusCode));
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('a cluster of three members', () => {
  let cluster: LocalCluster;

  beforeAll(async () => {
    cluster = await startCluster({ binaries, members: 3, quotaBackendBytes: 2 * 1024 * 1024 });
  });
  afterAll(() => cluster?.close());

  it('serves reads and writes', async () => {
    await cluster.etcdctl(['put', 'colour', 'green']);
    expect(await cluster.etcdctl(['get', 'colour', '--print-value-only'])).toBe('green\n');
    expect((await membership(cluster)).map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3']);
  });

  it('listens on loopback only, below the ports for outgoing connections', () => {
    const urls = cluster.members.flatMap(({ clientUrl, peerUrl }) => [new URL(clientUrl), new URL(peerUrl)]);
    expect(urls.map(({ hostname }) => hostname)).toEqual(Array(6).fill('127.0.0.1'));
    expect(new Set(urls.map(({ port }) => port)).size).toBe(6);
    for (const { port } of urls) expect(Number(port)).toBeLessThan(32_768);
  });

  it.each(['killMember', 'stopMember'] as const)('%s leaves no process, and the member comes back', async (end) => {
    const before = pidOf(cluster, 'm2');
    await cluster[end]('m2');
    expect(pidOf(cluster, 'm2')).toBeUndefined();
    expect(isRunning(before ?? 0)).toBe(before === undefined);
    // If m2 led, a write before the election has ended is lost and times out, as often as the machine is slow.
    const put = () => cluster.etcdctl(['put', 'without', 'm2']).catch(String);
    await expect.poll(put).toBe('OK\n');

    await cluster.startMember('m2');
    expect(pidOf(cluster, 'm2')).not.toBe(before);
    const [, m2] = cluster.members;
    const read = ['get', 'without', '--print-value-only', `--endpoints=${m2?.clientUrl}`];
    await expect.poll(() => cluster.etcdctl(read).catch(String)).toBe('m2\n');
  });

  it('comes back as a whole when all members start at once', async () => {
    const names = cluster.members.map(({ name }) => name);
    await Promise.all(names.map((name) => cluster.killMember(name)));
    await Promise.all(names.map((name) => cluster.startMember(name)));
    expect(await cluster.etcdctl(['get', 'colour', '--print-value-only'])).toBe('green\n');
  });

  it('gets no answer from a paused member until it is resumed', async () => {
    const [, , m3] = cluster.members;
    const ask = () => cluster.etcdctl(['endpoint', 'health', '--command-timeout=1s', `--endpoints=${m3?.clientUrl}`]);
    cluster.pauseMember('m3');
    await expect(ask()).rejects.toThrow('etcdctl endpoint health');
    cluster.resumeMember('m3');
    await expect.poll(() => ask().then(() => 'healthy', String)).toBe('healthy');
  });

  it('shows an added member as a learner', async () => {
    const learner = await cluster.addLearner('m4');
    expect(isRunning(learner.pid ?? 0)).toBe(true);
    const learners = (await membership(cluster)).filter(({ isLearner }) => isLearner);
    expect(learners.map(({ name }) => name)).toEqual(['m4']);
  });

  it('refuses the anonymous once authentication is enabled', async () => {
    await cluster.enableAuth('correct-horse');
    const getAs = (user: string | undefined) => cluster.etcdctl(['get', 'colour'], undefined, { user });
    await expect(getAs(undefined)).rejects.toThrow('user name is empty');
    await expect(getAs('root:wrong')).rejects.toThrow('authentication failed');
    expect(await cluster.etcdctl(['get', 'colour', '--print-value-only'])).toBe('green\n');
  });

  it('raises the alarm at its quota, and a member still comes back', async () => {
    const fill = async () => {
      for (let count = 0; count < 200; count++) await cluster.etcdctl(['put', `k${count}`, 'x'.repeat(120_000)]);
    };
    await expect(fill()).rejects.toThrow('database space exceeded');
    await cluster.killMember('m1');
    await cluster.startMember('m1');
    expect(await cluster.etcdctl(['alarm', 'list'])).toContain('NOSPACE');
  });
});

describe('a cluster with TLS', () => {
  it.each(['3.4.23', '3.5.16'])('of etcd %s lets in by the right CA only', async (version) => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 3, tls: 'server' });
    expect(await cluster.etcdctl(['put', 'a', 'b'])).toBe('OK\n');
    const [m1] = cluster.members;
    expect(cluster.tls?.cert).toBeUndefined();
    expect(await statusOrError(m1?.clientUrl ?? '', { ca: cluster.tls?.ca ?? '' })).toBe('200');
    const { ca } = await issueCertificates();
    expect(await statusOrError(m1?.clientUrl ?? '', { ca })).toMatch(/SIGNATURE|UNABLE_TO/);
  });

  it('refuses a client without its certificate when TLS is mutual', async () => {
    await using cluster = await startCluster({ binaries, members: 3, tls: 'mutual', authToken: 'jwt' });
    await cluster.enableAuth('correct-horse');
    expect(await cluster.etcdctl(['put', 'a', 'b'])).toBe('OK\n');
    const [m1] = cluster.members;
    const ca = cluster.tls?.ca ?? '';
    const stranger = (await issueCertificates()).client;
    expect(await statusOrError(m1?.clientUrl ?? '', { ...cluster.tls, ca })).toBe('200');
    expect(await statusOrError(m1?.clientUrl ?? '', { ca })).not.toBe('200');
    expect(await statusOrError(m1?.clientUrl ?? '', { ca, ...stranger })).not.toBe('200');
  });

  it('keeps every private key readable by its owner alone', async () => {
    await using cluster = await startCluster({ binaries, members: 1, tls: 'mutual', authToken: 'jwt' });
    const folder = join(dirname(cluster.members[0]?.dataDir ?? ''), 'secrets');
    const keys = (await readdir(folder)).filter((name) => name.endsWith('.key'));
    expect(keys.sort()).toEqual(['client.key', 'server.key', 'token.key']);
    for (const key of keys) expect((await stat(join(folder, key))).mode & 0o777).toBe(0o600);
  });
});

describe('a member with token keys of its own', () => {
  it('takes only its own tokens, and no other member takes them', async () => {
    await using cluster = await startCluster({ binaries, members: 3, authToken: 'jwt', strangeKeys: ['m3'] });
    await cluster.enableAuth('secret');
    const urls = cluster.members.map(({ clientUrl }) => clientUrl);
    const login = { username: 'root', password: 'secret' };
    const tokens = await Promise.all(urls.map((url) => issueToken(url, login)));
    const answers = urls.map((url) => Promise.all(tokens.map((token) => readWithToken(url, token))));
    const rejected = 'etcdserver: invalid auth token';
    expect(await Promise.all(answers)).toEqual([
      ['taken', 'taken', rejected],
      ['taken', 'taken', rejected],
      [rejected, rejected, 'taken'],
    ]);
  });
});

describe('the end of a cluster', () => {
  it('leaves nothing running and nothing on disk, and may be asked for twice', async () => {
    const cluster = await startCluster({ binaries, members: 3 });
    cluster.pauseMember('m3');
    const pids = cluster.members.flatMap(({ pid }) => pid ?? []);
    const folder = dirname(cluster.members[0]?.dataDir ?? '');
    await Promise.all([cluster.close(), cluster.close()]);
    expect(pids.map(isRunning)).toEqual([false, false, false]);
    await expect(access(folder)).rejects.toThrow('ENOENT');
  });

  it("quotes a member's log when it does not start, and leaves nothing", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cluster-test-'));
    const start = startCluster({ binaries, members: 1, directory, extraArgs: ['--max-txn-ops=many'] });
    await expect(start).rejects.toThrow(/m1 ended.*invalid value "many"/s);
    expect(await readdir(directory)).toEqual([]);
    await rm(directory, { recursive: true });
  });

  it('comes with the end of the process that started it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cluster-test-'));
    const module = fileURLToPath(new URL('../../../local/etcd/cluster.ts', import.meta.url));
    const options = JSON.stringify({ binaries, members: 1, directory });
    const script = `const { startCluster } = await import(${JSON.stringify(module)});
      const cluster = await startCluster(${options});
      console.log(cluster.members[0].clientUrl);
      process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    await expect(fetch(`${stdout.trim()}/health`)).rejects.toThrow('fetch failed');
    expect(await readdir(directory)).toEqual([]);
    await rm(directory, { recursive: true });
  });
});
