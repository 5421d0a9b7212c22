import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdRemediation, startEtcdRemediation } from './command.ts';

let directory: string;
let config: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serve-test-'));
  config = join(directory, 'clusters.json');
  const member = { name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' };
  const cluster = { name: 'orders', members: [member], quotaBackendBytes: 1 };
  await writeFile(config, JSON.stringify({ clusters: [cluster] }));
});
afterAll(() => rm(directory, { recursive: true }));

describe('etcd-remediation serve', () => {
  it('serves who can read its file, on loopback alone, and stops what it has started at Ctrl-C', async () => {
    const command = startEtcdRemediation('serve', '--config', config, '--port', '0');
    await expect.poll(() => command.written.stdout).toMatch(/curl .*\n\S+ Looking .*\n/);
    const [, file = '', url = ''] = /curl -H @(\S+) (\S+)\/clusters/.exec(command.written.stdout) ?? [];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const [name = '', value = ''] = (await readFile(file, 'utf8')).trim().split(': ');
    const headers = { [name]: value };
    expect(command.written.stdout).toContain('Looking at orders every minute');
    expect((await fetch(`${url}/clusters`)).status).toBe(403);
    expect(await (await fetch(`${url}/clusters`, { headers })).json()).toMatchObject({
      clusters: [{ name: 'orders' }],
    });
    const body = '{"incident":"space-exceeded"}';
    const started = await fetch(`${url}/clusters/orders/remediations`, { method: 'POST', headers, body });
    expect(started.status).toBe(202);
    // What nobody watches is told by the log.
    await expect.poll(() => command.written.stdout).toMatch(/^\S+ \[orders\] Running etcd-remediation$/m);
    await expect.poll(() => command.written.stdout).toMatch(/^\S+ \[orders\] .*Load cluster/m);

    command.kill('SIGINT');
    const { status, stdout, stderr } = await command.ended;
    expect(status).toBe(130);
    expect(stderr).toMatch(/^\nStopped\. No runbook was under way for the cluster orders\.\nNothing was changed\.\n$/);
    expect(stdout).toMatch(/\n\S+ \[orders\] Stopped\. No runbook .*\n\S+ \[orders\] Nothing was changed\.\n/);
    // It is written meanwhile.
    expect(stdout).toMatch(/\n\S+ \[orders\] Report: \/\S+\.html\n/);
    expect(stdout).not.toMatch(/Remediated|Running etcd-remediation-lock-release/);
    expect(stdout).not.toContain(value);
    await expect(stat(file)).rejects.toThrow('ENOENT');
    await expect(fetch(`${url}/clusters`, { headers })).rejects.toThrow('fetch failed');
  });

  it('says that a port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    const { status, stderr } = await etcdRemediation('serve', '--config', config, '--port', port);
    await new Promise((resolve) => server.close(resolve));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^PreconditionFailed: The API cannot be served: .*EADDRINUSE.*127\.0\.0\.1.* with --port/m);
  });

  it.each([['65536'], ['-1'], ['x'], ['80.5']])('refuses the port %s', async (port) => {
    const { status, stderr } = await etcdRemediation('serve', '--config', config, `--port=${port}`);
    expect(status).toBe(2);
    expect(stderr).toContain('It must be from 0 to 65535.');
  });
});
