import { rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seenLog } from '../../core/hosts/service-commands.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { freePorts } from '../../local/etcd/ports.ts';
import type { Host, HostFleet } from '../../local/hosts/host.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { LOG_FILE, SEEN, WRITTEN, writeLog } from './held-data.ts';
import { inspect } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { BOOTSTRAP, entry, logFile, metadata } from './raft-log.ts';
import { callsOn, controlUnit } from './recovery-host.ts';
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

const onPrepared = (prepared: PreparedHost, action: string, seen: object = {}): Record<string, string> => ({
  ...{ unit: 'etcd', action, dataDir: prepared.path('data'), walDir: '', clusterId: '', commitIndex: '', ...seen },
});

describe('control-service asks whether the data is still there', () => {
  /** A stopped member whose log was seen to hold this, and that notes what systemctl is asked to do. */
  function hostHolding(records = WRITTEN): PreparedHost {
    const prepared = new PreparedHost();
    prepared.makeDataDir('data', 'x');
    writeLog(prepared.path('data/member/wal'), logFile(records));
    controlUnit(prepared);
    return prepared;
  }
  const remove = (prepared: PreparedHost, path: string) => rmSync(prepared.path(path), { recursive: true });
  const otherCluster = (prepared: PreparedHost) => {
    const content = logFile(WRITTEN);
    const [own, other] = [metadata(0x8e9e05c52164694dn, 0xc1n), metadata(0x8e9e05c52164694dn, 0xc2n)];
    content.set(other, content.indexOf(own));
    writeLog(prepared.path('data/member/wal'), content);
  };
  /** What systemctl was asked to do. */
  const actionsOn = (prepared: PreparedHost) => callsOn(prepared).map((call) => call.split(' ')[0]);
  const STARTS = ['start', 'start-without-waiting', 'restart'];

  it.each(STARTS)('and does what it is told, where it is: %s', async (action) => {
    using prepared = hostHolding();
    await succeed(prepared.access, 'control-service', onPrepared(prepared, action, SEEN));
    expect(actionsOn(prepared)).toEqual(['start']);
  });

  it.each<[string, (prepared: PreparedHost) => void, string, RegExp]>([
    [
      'its data dir is gone',
      (prepared) => remove(prepared, 'data'),
      'data-gone',
      /There is no log of etcd in .*data\/member\/wal/,
    ],
    ['its data dir is empty', (prepared) => remove(prepared, 'data/member'), 'data-gone', /would begin empty/],
    [
      'its log is gone, and its database is left',
      (prepared) => remove(prepared, 'data/member/wal'),
      'data-gone',
      /no log/,
    ],
    [
      'it has begun empty since, under the same IDs',
      (prepared) => writeLog(prepared.path('data/member/wal'), logFile(BOOTSTRAP)),
      'data-gone',
      /holds nothing that anyone has written/,
    ],
    [
      'its log has no record any more',
      (prepared) => prepared.write(`data/member/wal/${LOG_FILE}`, '\0'.repeat(4096)),
      'data-gone',
      /holds nothing/,
    ],
    ['the data is of another cluster', otherCluster, 'data-changed', /is of the cluster c2, and it was of c1 when/],
    [
      'its log cannot be read any more',
      (prepared) => prepared.write(`data/member/wal/${LOG_FILE}`, 'x'.repeat(4096)),
      'data-changed',
      /begin of the log in .* cannot be read/,
    ],
    [
      'its log is an older one',
      (prepared) => writeLog(prepared.path('data/member/wal'), logFile([...BOOTSTRAP, entry(4, 0)])),
      'data-changed',
      /ends at index 4, and went up to 9 at least/,
    ],
  ])('and starts nothing where %s', async (_, change, refusal, says) => {
    for (const action of STARTS) {
      using prepared = hostHolding([...WRITTEN, ...[5, 6, 7, 8, 9].map((index) => entry(index, 0))]);
      const seen = onPrepared(prepared, action, { ...SEEN, commitIndex: '9' });
      change(prepared);
      const refused = await refuse(prepared.access, 'control-service', seen);
      expect(refused).toEqual({ exitCode: 66, refusal, message: expect.stringMatching(says) });
      expect(refused.message).toMatch(/nothing was started/i);
      expect(actionsOn(prepared)).toEqual([]);
    }
  });

  it('and starts a member that was killed before it noted in its log a snapshot that it had received', async () => {
    using prepared = hostHolding();
    prepared.write('data/member/snap/0000000000000001-0000000000000064.snap', 'x');
    const seen = await inspect(prepared);
    expect(seen.raftLog).toMatchObject({ commitIndex: '100', lastIndex: '4' });
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', seenLog(seen)));
    expect(actionsOn(prepared)).toEqual(['start']);
  });

  it('also of a log outside of the data dir', async () => {
    using prepared = hostHolding();
    const seen = onPrepared(prepared, 'start', { ...SEEN, walDir: prepared.path('wal') });
    expect(await refuse(prepared.access, 'control-service', seen)).toMatchObject({ refusal: 'data-gone' });
    writeLog(prepared.path('wal'));
    await succeed(prepared.access, 'control-service', seen);
  });

  it('and stops what runs whatever is there, and leaves running what runs already', async () => {
    using prepared = hostHolding();
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', SEEN));
    remove(prepared, 'data');
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', SEEN));
    const refused = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'restart', SEEN));
    expect(refused).toMatchObject({ exitCode: 66, refusal: 'data-gone' });
    expect(actionsOn(prepared)).toEqual(['start']);
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'stop'));
    expect(actionsOn(prepared)).toEqual(['start', 'stop']);
  });
});

describe('control-service tells of a log', () => {
  async function logTold(log: string[]): Promise<string[]> {
    using prepared = new PreparedHost();
    writeLog(prepared.path('data/member/wal'));
    prepared.setLog(log.map((line) => `${line}\n`).join(''));
    prepared.program('journalctl', `[ "$4" = 40 ] && tail -n 40 '${prepared.path('log')}'`);
    prepared.program(
      'systemctl',
      `case $1 in show) printf '%s\\n' LoadState=loaded ActiveState=failed SubState=failed ExecMainStatus=2 ;; esac`,
    );
    const { message } = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'start'));
    const [, told = ''] = message.split('The end of its log:\n');
    return told.split('\n');
  }

  const info = (count: number) => `{"level":"info","msg":"line ${count} (of many)"}`;
  const infos = (count: number) => Array.from({ length: count }, (_, index) => info(index + 1));
  const STACK = [
    '',
    'goroutine 1 [running]:',
    'go.uber.org/zap/zapcore.(*CheckedEntry).Write(0xc0000e8480, {0xc0002e2000, 0x2, 0x2})',
    '\t/go/pkg/mod/go.uber.org/zap@v1.17.0/zapcore/entry.go:234 +0x499',
    'panic({0xcb2d20, 0xc0003a4010})',
    '\t/usr/local/go/src/runtime/panic.go:1038 +0x215',
    'main.main()',
    '\tgo.etcd.io/etcd/server/v3/main.go:32 +0x18',
    'created by go.etcd.io/etcd/server/v3/embed.StartEtcd',
    '\tgo.etcd.io/etcd/server/v3/embed/etcd.go:245 +0x9b5',
  ];

  it('first why a program has panicked, and nothing of its stack', async () => {
    const panic = 'panic: failed to recover v3 backend from snapshot (of many)';
    expect(await logTold([...infos(12), '{"level":"panic","msg":"failed"}', panic, ...STACK])).toEqual([
      panic,
      ...infos(12).slice(4),
      '{"level":"panic","msg":"failed"}',
    ]);
  });

  it('first the last that was fatal, where more was written after it', async () => {
    const fatal = '{"level":"fatal","msg":"discovery failed"}';
    const told = await logTold(['{"level":"error","msg":"before"}', fatal, ...infos(20)]);
    expect(told).toEqual([fatal, ...infos(20).slice(11)]);
  });

  it('that the reason is further up, where all of its end is a stack', async () => {
    expect(await logTold(STACK)).toEqual([expect.stringContaining('further up in its journal')]);
  });

  it('only its end, where nothing in it stands out', async () => {
    expect(await logTold([...infos(20), 'x'.repeat(500)])).toEqual([...infos(20).slice(11), 'x'.repeat(400)]);
    expect(await logTold(['cannot open data'])).toEqual(['cannot open data']);
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
