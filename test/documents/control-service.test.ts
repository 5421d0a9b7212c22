import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { freePorts } from '../../local/etcd/ports.ts';
import type { Host, HostFleet } from '../../local/hosts/host.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { writeLog } from './held-data.ts';
import { PreparedHost } from './prepared-host.ts';
import { onPrepared } from './recovery-host.ts';
import { refuse, runText, succeed } from './script.ts';
import { writeMembership } from './written-membership.ts';

let fleet: HostFleet;
let host: Host;

beforeAll(async () => {
  const { etcd } = await findEtcd('3.5.16');
  fleet = await startProcessHosts({ count: 1, binDir: dirname(etcd) });
  [host] = fleet.hosts as [Host];
  writeLog(join(host.unitDir, 'data/member/wal'));
});
afterAll(() => fleet?.close());

/** A unit of the host, with these lines in its [Service]. */
async function writeUnit(unit: string, ...service: string[]): Promise<void> {
  await writeFile(join(host.unitDir, `${unit}.service`), `[Service]\n${service.join('\n')}\n`);
}

/** A service that is to say itself when it is ready, and never does. */
async function neverReady(): Promise<string[]> {
  const { client } = await freePorts();
  const environment = join(host.unitDir, `never-ready-${client}`);
  await writeFile(environment, `ETCD_LISTEN_CLIENT_URLS=http://${host.address}:${client}\n`);
  return ['Type=notify', `EnvironmentFile=${environment}`];
}

const parametersOf = (unit: string, action: string, dataDir = join(host.unitDir, 'data')) => ({
  ...{ unit, action, dataDir, walDir: '', clusterId: '', commitIndex: '' },
});
const control = (unit: string, action: string, dataDir?: string) =>
  succeed(host.access, 'control-service', parametersOf(unit, action, dataDir));
const fails = (unit: string, action: string) => refuse(host.access, 'control-service', parametersOf(unit, action));

describe('control-service on a real service manager', () => {
  it('starts a unit once, restarts it as another process, and stops it', async () => {
    await writeUnit('steady', 'ExecStart=/bin/sleep 600');
    const started = await control('steady', 'start');
    expect(started).toMatchObject({ activeState: 'active', subState: 'running' });
    expect(await control('steady', 'start')).toEqual(started);
    const restarted = await control('steady', 'restart');
    expect(restarted.activeState).toBe('active');
    expect(restarted.mainPid).not.toBe(started.mainPid);
    const stopped = { activeState: 'inactive', subState: 'dead', mainPid: 0 };
    expect(await control('steady', 'stop')).toEqual(stopped);
    expect(await control('steady', 'stop')).toEqual(stopped);
  });

  it('does not take a unit for started that fails and is restarted again and again', async () => {
    await writeUnit(
      'looping',
      'ExecStart=/bin/sh -c "echo cannot open data; exit 3"',
      'Restart=always',
      'RestartSec=500ms',
    );
    const { exitCode, message } = await fails('looping', 'start');
    expect(exitCode).toBe(1);
    expect(message).toContain('exit status 3');
    expect(message).toContain('cannot open data');
    // It is not watched longer than it takes to be sure.
    expect(Number(/(\d+) restarts/.exec(message)?.[1])).toBeLessThan(4);
    expect(await control('looping', 'stop')).toMatchObject({ mainPid: 0 });
  });

  it('says of a unit that ends without an error what that means for etcd', async () => {
    await writeUnit(
      'removed',
      'ExecStart=/bin/sh -c "sleep 0.5; echo the member has been permanently removed"',
      'Restart=on-failure',
    );
    const { exitCode, message } = await fails('removed', 'start');
    expect(exitCode).toBe(1);
    expect(message).toContain('removed from its cluster');
    expect(message).toContain('the member has been permanently removed');
  });

  it('takes a member for launched that waits for the others, once it has stayed up for a while', async () => {
    await writeUnit('waiting', ...(await neverReady()), 'ExecStart=/bin/sleep 600', 'Restart=always');
    const launched = await control('waiting', 'start-without-waiting');
    expect(launched).toMatchObject({ activeState: 'activating', subState: 'start' });
    expect(launched.mainPid).toBeGreaterThan(0);
    expect(await control('waiting', 'start-without-waiting')).toEqual(launched);
    expect(await control('waiting', 'stop')).toMatchObject({ mainPid: 0 });
  });

  it('does not take a member for launched that ends and is started anew while it should wait for the others', async () => {
    await writeUnit(
      'faltering',
      ...(await neverReady()),
      'ExecStart=/bin/sh -c "sleep 1; echo cannot open data; exit 3"',
      'Restart=always',
      'RestartSec=10ms',
    );
    const { exitCode, message } = await fails('faltering', 'start-without-waiting');
    expect(exitCode).toBe(1);
    expect(message).toContain('cannot open data');
    expect(await control('faltering', 'stop')).toMatchObject({ mainPid: 0 });
  });

  it('launches what is ready at once as it starts it', async () => {
    await writeUnit('simple', 'ExecStart=/bin/sleep 600');
    expect(await control('simple', 'start-without-waiting')).toMatchObject({
      activeState: 'active',
      subState: 'running',
    });
    await control('simple', 'stop');
  });

  it('starts a unit that has failed too often to be started again', async () => {
    const repaired = join(dirname(host.layout.configFile), 'repaired');
    await writeUnit(
      'limited',
      `ExecStart=/bin/sh -c "test -e ${repaired} && exec sleep 600"`,
      'Restart=always',
      'RestartSec=10ms',
    );
    expect((await fails('limited', 'start')).exitCode).toBe(1);
    await expect
      .poll(async () => (await succeed(host.access, 'inspect-host', inspection('limited'))).unit.activeState)
      .toBe('failed');
    await writeFile(repaired, '');
    expect(await control('limited', 'start')).toMatchObject({ activeState: 'active' });
    await control('limited', 'stop');
  });

  it('starts a unit that had failed too often, and was stopped then', async () => {
    const repaired = join(dirname(host.layout.configFile), 'repaired-since');
    await writeUnit(
      'stopped',
      `ExecStart=/bin/sh -c "test -e ${repaired} && exec sleep 600"`,
      ...['Restart=always', 'RestartSec=60s', '[Unit]', 'StartLimitBurst=2', 'StartLimitIntervalSec=600'],
    );
    for (let times = 0; times < 2; times++) {
      expect((await fails('stopped', 'start')).exitCode).toBe(1);
      expect(await control('stopped', 'stop')).toMatchObject({ activeState: 'inactive' });
    }
    await writeFile(repaired, '');
    expect(await control('stopped', 'start')).toMatchObject({ activeState: 'active' });
    await control('stopped', 'stop');
  });

  it('refuses a unit that is not there', async () => {
    for (const action of ['start', 'start-without-waiting', 'stop', 'restart']) {
      const { exitCode, message } = await fails('nowhere', action);
      expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('no unit nowhere') });
    }
  });
});

describe('control-service refuses', () => {
  it('a unit that is masked', async () => {
    using prepared = new PreparedHost({ LoadState: 'masked' });
    const { exitCode, message } = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'start'));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('masked') });
  });

  it('to guess when systemctl does not answer', async () => {
    using prepared = new PreparedHost();
    prepared.program('systemctl', 'echo "Failed to connect to bus" >&2; exit 1');
    const { exitCode, message } = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'stop'));
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('systemctl cannot show') });
  });
});

/** As a person starts a new member: no command of ours does. */
async function beginEmpty(): Promise<void> {
  await runText(host.access, 'systemctl start --no-block etcd', {});
  const state = async () => (await succeed(host.access, 'inspect-host', inspection('etcd'))).unit.activeState;
  await expect.poll(state).toBe('active');
}

function inspection(unit: string): Record<string, string> {
  const { dataDir, configFile, binDir } = host.layout;
  return { unit, dataDir, walDir: '', configFile, binDir };
}

// Six starts and stops, and a service manager that is asked several times a second.
describe('the host commands on a real member', () => {
  it('archive its data, give it a new membership and bring the old one back', async () => {
    const { client, peer } = await freePorts();
    const { dataDir, configFile, user, group, binDir } = host.layout;
    const [clientUrl, peerUrl] = [client, peer].map((port) => `http://${host.address}:${port}`);
    await mkdir(dirname(configFile), { recursive: true });
    await writeFile(
      configFile,
      `# a member of its own\nname: m1\ndata-dir: ${dataDir}\nlisten-client-urls: ${clientUrl}\nadvertise-client-urls: ${clientUrl}\n` +
        `listen-peer-urls: ${peerUrl}\ninitial-advertise-peer-urls: ${peerUrl}\ninitial-cluster: m1=${peerUrl}\n`,
    );
    await writeUnit(
      'etcd',
      'Type=notify',
      `ExecStart=${join(binDir, 'etcd')} --config-file ${configFile}`,
      'Restart=always',
    );
    const parameters = { unit: 'etcd', dataDir, walDir: '', user, group, execution: 'run-1' };
    await beginEmpty();
    const started = await control('etcd', 'restart', dataDir);
    expect(await refuse(host.access, 'archive-data-dir', parameters)).toMatchObject({ exitCode: 65 });

    const running = await succeed(host.access, 'inspect-host', inspection('etcd'));
    expect(running).toMatchObject({
      unit: { activeState: 'active', mainPid: started.mainPid },
      etcdVersion: '3.5.16',
      dataDir: { exists: true, empty: false },
      configuration: { format: 'yaml', file: configFile, name: 'm1', initialCluster: `m1=${peerUrl}`, overriding: [] },
    });
    expect(running.log.length).toBeGreaterThan(0);

    await control('etcd', 'stop');
    const { dataDir: archive } = await succeed(host.access, 'archive-data-dir', parameters);
    const membership = {
      unit: 'etcd',
      configFile,
      initialCluster: `m1=${peerUrl}`,
      initialClusterState: 'new',
      initialClusterToken: 'another',
      execution: 'run-1',
    };
    expect(await writeMembership(host.access, membership)).toMatchObject({ changed: true });
    expect(await readFile(configFile, 'utf8')).toContain('initial-cluster-token: "another"');
    expect(await refuse(host.access, 'control-service', parametersOf('etcd', 'start', dataDir))).toMatchObject({
      exitCode: 66,
      refusal: 'data-gone',
    });
    await beginEmpty();
    await control('etcd', 'stop');
    expect(await succeed(host.access, 'revert-data-dir', parameters)).toEqual({
      reverted: true,
      setAside: `${archive}.set-aside`,
    });
    const seen = { clusterId: running.clusterId, commitIndex: running.raftLog?.commitIndex ?? '' };
    expect(seen.clusterId).not.toBe('');
    const again = { ...parametersOf('etcd', 'start', dataDir), ...seen };
    expect(await succeed(host.access, 'control-service', again)).toMatchObject({ activeState: 'active' });
    await control('etcd', 'stop');
  });
});
