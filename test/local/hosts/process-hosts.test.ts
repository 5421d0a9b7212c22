import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdBinaries, findEtcd } from '../../../local/etcd/binaries.ts';
import { freePorts, HOST } from '../../../local/etcd/ports.ts';
import { runScript } from '../../../local/hosts/access.ts';
import type { Host, HostFleet } from '../../../local/hosts/host.ts';
import { startProcessHosts } from '../../../local/hosts/process-hosts.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { waitFor } from '../../run/wait-for.ts';

let etcd: EtcdBinaries;
let binDir: string;
let fleet: HostFleet;
const hosts: Host[] = [];

beforeAll(async () => {
  etcd = await findEtcd('3.5.16');
  binDir = dirname(etcd.etcd);
  fleet = await startProcessHosts({ count: 3, binDir });
  hosts.push(...fleet.hosts);
});
afterAll(() => fleet.close());

const run = (host: Host, script: string) => runScript(host.access, script, { timeoutMs: WAIT_MS });

const state = async (host: Host): Promise<string> => (await run(host, 'systemctl is-active etcd')).stdout.trim();

/** Configuration files of one cluster, a member on each host, and a unit that reads them. */
async function configure(members: readonly Host[], unit = '', scheme = 'http'): Promise<string[]> {
  const ports = await Promise.all(members.map(() => freePorts()));
  const peers = ports.map(({ peer }, index) => `m${index}=http://${HOST}:${peer}`).join(',');
  await Promise.all(
    members.map(async ({ layout, unitDir }, index) => {
      const clientUrl = `${scheme}://${HOST}:${ports[index]?.client}`;
      const peerUrl = `http://${HOST}:${ports[index]?.peer}`;
      const settings = {
        name: `m${index}`,
        'data-dir': layout.dataDir,
        'listen-client-urls': clientUrl,
        'advertise-client-urls': clientUrl,
        'listen-peer-urls': peerUrl,
        'initial-advertise-peer-urls': peerUrl,
        'initial-cluster': peers,
      };
      const yaml = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
      const tls = scheme === 'https' ? 'client-transport-security:\n  auto-tls: true\n  client-cert-auth: false\n' : '';
      await writeFile(layout.configFile, yaml.join('') + tls);
      await writeFile(
        join(unitDir, 'etcd.service'),
        `[Service]\nType=notify\nExecStart=${layout.binDir}/etcd --config-file ${layout.configFile}\n${unit}`,
      );
    }),
  );
  for (const host of members) {
    await run(
      host,
      `systemctl stop etcd; rm -rf ${host.layout.dataDir}; systemctl daemon-reload; systemctl reset-failed etcd`,
    );
  }
  return ports.map(({ client }) => `${scheme}://${HOST}:${client}`);
}

/** The three hosts of this file. */
function three(): [Host, Host, Host] {
  const [first, second, third] = hosts;
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are no three hosts');
  return [first, second, third];
}

describe('process hosts', () => {
  it('are told apart, and offer only their own service manager', async () => {
    const [first, second] = three();
    expect(new Set(hosts.map(({ id }) => id)).size).toBe(3);
    for (const { id } of hosts) expect(id).toMatch(/^i-[0-9a-f]{17}$/);
    expect((await run(first, 'command -v systemctl journalctl')).stdout).toBe(
      ['systemctl', 'journalctl']
        .map((program) => `${first.unitDir.replace(/\/etc\/.*/, '')}/bin/${program}\n`)
        .join(''),
    );
    await writeFile(join(second.unitDir, 'only-there.service'), '[Service]\nExecStart=/bin/sleep 1000\n');
    expect((await run(first, 'systemctl show -p LoadState only-there')).stdout).toBe('LoadState=not-found\n');
    expect((await run(second, 'systemctl show -p LoadState only-there')).stdout).toBe('LoadState=loaded\n');
  });

  it('have the folders of their layout, but nothing of etcd in them', async () => {
    const [{ layout }] = three();
    expect(layout.binDir).toBe(binDir);
    expect(existsSync(dirname(layout.dataDir))).toBe(true);
    expect(existsSync(dirname(layout.configFile))).toBe(true);
    expect(existsSync(layout.dataDir)).toBe(false);
    expect(existsSync(layout.configFile)).toBe(false);
  });

  it('start the services that are enabled when they boot again, and no other', async () => {
    const [host] = three();
    const unit = '[Service]\nExecStart=/bin/sleep 1000\n';
    for (const name of ['enabled', 'other']) await writeFile(join(host.unitDir, `${name}.service`), unit);
    const enable = `mkdir -p ${host.unitDir}/multi-user.target.wants && ln -sf ../enabled.service ${host.unitDir}/multi-user.target.wants/`;
    await run(host, `${enable} && systemctl start enabled && systemctl start other`);
    const pidOf = async (name: string) => (await run(host, `systemctl show -p MainPID ${name}`)).stdout;
    const before = [await pidOf('enabled'), await pidOf('other')];
    await host.reboot();
    await waitFor(async () => expect(['MainPID=0\n', before[0]]).not.toContain(await pidOf('enabled')));
    expect(await pidOf('other')).toBe('MainPID=0\n');
    await run(host, `systemctl stop enabled; rm -r ${host.unitDir}/multi-user.target.wants`);
  });

  it('run scripts with nothing of this process in their environment', async () => {
    const [host] = three();
    process.env.ETCD_NAME = 'leaked';
    const { stdout } = await run(host, 'env; id -un; id -gn');
    delete process.env.ETCD_NAME;
    expect(stdout).not.toContain('leaked');
    expect(stdout).toContain(`\n${host.layout.user}\n${host.layout.group}\n`);
  });
});

describe('etcd of Type=notify', () => {
  it('is started when it has joined its cluster, which needs a quorum', async () => {
    const [first, second] = three();
    const [clientUrl] = await configure(hosts);
    const starting = run(first, 'systemctl start etcd');
    // It listens already, but it serves nobody.
    await waitFor(() => fetch(`${clientUrl}/version`, { signal: AbortSignal.timeout(300) }).catch(expectTimeout));
    expect(await state(first)).toBe('activating');

    expect((await run(second, 'systemctl start etcd')).exitCode).toBe(0);
    expect((await starting).exitCode).toBe(0);
    expect(await state(first)).toBe('active');
    expect(await (await fetch(`${clientUrl}/version`)).json()).toMatchObject({ etcdserver: '3.5.16' });
  });

  it('is given up when there is no quorum in time', async () => {
    const [first] = three();
    await configure(hosts, 'TimeoutStartSec=1500ms\n');
    const { exitCode, stderr } = await run(first, 'systemctl start etcd');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Job for etcd.service failed because a timeout was exceeded.');
    expect(await state(first)).toBe('failed');
  });

  it('is found ready over TLS too', async () => {
    const [first] = three();
    await configure([first], '', 'https');
    expect(await run(first, 'systemctl start etcd')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await state(first)).toBe('active');
  });

  it('is not taken to be ready when another process answers at its port', async () => {
    const [first] = three();
    const [clientUrl = ''] = await configure([first]);
    const other = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.0 200 OK\r\n\r\n'));
    other.listen(Number(new URL(clientUrl).port), HOST);
    await once(other, 'listening');
    try {
      const { exitCode, stderr } = await run(first, 'systemctl start etcd');
      expect(exitCode).toBe(1);
      expect(stderr).toContain('the control process exited with error code');
    } finally {
      other.close();
    }
    expect(await run(first, 'systemctl reset-failed etcd; systemctl start etcd')).toMatchObject({ exitCode: 0 });
  });

  it('is found ready when a shell starts it with flags, and leaves nothing behind when it is killed', async () => {
    const [first] = three();
    await configure([first]);
    const { client, peer } = await freePorts();
    await writeFile(
      join(first.unitDir, 'etcd.service'),
      `[Service]
Type=notify
ExecStart=/bin/bash -c "${binDir}/etcd --data-dir ${first.layout.dataDir} --listen-client-urls http://${HOST}:${client} --advertise-client-urls http://${HOST}:${client} --listen-peer-urls http://${HOST}:${peer} --initial-advertise-peer-urls http://${HOST}:${peer} --initial-cluster default=http://${HOST}:${peer}; exit $$?"
`,
    );
    const started = await run(first, 'systemctl daemon-reload; systemctl start etcd');
    expect(started).toMatchObject({ exitCode: 0, stderr: '' });
    await expect(fetch(`http://${HOST}:${client}/version`)).resolves.toMatchObject({ status: 200 });
    await run(first, 'systemctl kill -s KILL etcd');
    await waitFor(async () => expect(await state(first)).toBe('failed'));
    await expect(fetch(`http://${HOST}:${client}/version`)).rejects.toThrow();
  });
});

/** A port where nobody serves yet lets a caller wait, and does not refuse it. */
function expectTimeout(error: Error): void {
  if (error.name !== 'TimeoutError') throw error;
}

describe('closing process hosts', () => {
  it('ends what runs on them, and removes them', async () => {
    const own = await startProcessHosts({ count: 1, binDir });
    const [host] = own.hosts as [Host];
    await writeFile(
      join(host.unitDir, 'family.service'),
      `[Service]\nExecStart=/bin/bash -c "trap '' TERM; sleep 1000 & echo $!; wait"\nRestart=always\n`,
    );
    const { stdout } = await run(
      host,
      `systemctl start family; systemctl show -p MainPID family
       until journalctl -u family -n 9 --no-pager -q -o cat | grep -E '^[0-9]+$'; do sleep 0.1; done`,
    );
    const pids = (stdout.match(/\d+/g) ?? []).map(Number);
    expect(pids).toHaveLength(2);
    await Promise.all([own.close(), own.close()]);
    for (const pid of pids) await waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
    expect(existsSync(host.unitDir)).toBe(false);
    expect((await run(host, 'true')).exitCode).toBe(0);
    expect((await run(host, `${host.unitDir}/../../../bin/systemctl`)).exitCode).toBe(127);
  });

  it('happens when the process exits that made them', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../../local/hosts'));
    const program = `
      import { writeFileSync } from 'node:fs';
      const { startProcessHosts } = await import(${module} + '/process-hosts.ts');
      const { runScript } = await import(${module} + '/access.ts');
      const { hosts: [host] } = await startProcessHosts({ count: 1, binDir: '/nowhere' });
      writeFileSync(host.unitDir + '/a.service', '[Service]\\nExecStart=/bin/sleep 1000\\n');
      const { stdout } = await runScript(host.access, 'systemctl start a; systemctl show -p MainPID a', { timeoutMs: 20000 });
      console.log(JSON.stringify({ unitDir: host.unitDir, pid: Number(/\\d+/.exec(stdout)) }));
      process.exit();`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      output += data;
    });
    await once(child, 'close');
    const { unitDir, pid } = JSON.parse(output) as { unitDir: string; pid: number };
    expect(pid).toBeGreaterThan(0);
    await waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
    expect(existsSync(unitDir)).toBe(false);
  });
});
