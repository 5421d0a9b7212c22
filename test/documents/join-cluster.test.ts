import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PreparedHost } from './prepared-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

const BEFORE = 'name: m1\ninitial-cluster-state: new\ninitial-cluster: m1=http://a:1\n';
const AFTER = 'name: m1\ninitial-cluster-state: "existing"\ninitial-cluster: "m1=http://a:1,m2=http://b:1"\n';
const RUNS = ['ActiveState=active', 'SubState=running', 'MainPID=7'];
const FAILS = ['ActiveState=failed', 'SubState=failed', 'MainPID=0', 'Result=exit-code', 'ExecMainStatus=1'];

/** A host whose unit is like this once it is started. */
function hostWith(started: string[], loadState = 'loaded'): PreparedHost {
  const host = new PreparedHost();
  host.write('etcd.yaml', BEFORE);
  const exec = `ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd --config-file ${host.path('etcd.yaml')} ; ignore_errors=no ; pid=0 }`;
  const write = (lines: string[]) => `printf '%s\\n' '${lines.join("' '")}' > '${host.path('properties')}'`;
  host.write(
    'properties',
    [`LoadState=${loadState}`, 'ActiveState=inactive', 'SubState=dead', 'MainPID=0', exec, ''].join('\n'),
  );
  host.program(
    'systemctl',
    `case "$1 $3" in
      'show Type') echo Type=notify ;;
      show*) cat '${host.path('properties')}' ;;
      start*) ${write([`LoadState=${loadState}`, ...started, exec])} ;;
    esac`,
  );
  return host;
}

const parametersFor = (host: PreparedHost) => ({
  unit: 'etcd',
  configFile: host.path('etcd.yaml'),
  dataDir: host.path('data'),
  walDir: host.path('wal'),
  initialCluster: 'm1=http://a:1,m2=http://b:1',
  execution: 'run-1',
});
const writtenOn = (host: PreparedHost) => ({ file: host.path('etcd.yaml'), copy: host.path('etcd.yaml.run-1') });
const isStarted = (host: PreparedHost) => !host.read('properties').includes('ActiveState=inactive');

describe('join-cluster', () => {
  it('writes the membership, starts the service, and tells both; and once more, what is so already', async () => {
    using host = hostWith(RUNS);
    const service = { activeState: 'active', subState: 'running', mainPid: 7 };
    const joined = await succeed(host.access, 'join-cluster', parametersFor(host));
    expect(joined).toEqual({ ...writtenOn(host), changed: true, ...service });
    expect(host.read('etcd.yaml')).toBe(AFTER);
    expect(host.read('etcd.yaml.run-1')).toBe(BEFORE);
    const again = await succeed(host.access, 'join-cluster', parametersFor(host));
    expect(again).toEqual({ ...writtenOn(host), changed: false, ...service });
  });

  it('tells what was written where the service does not start', async () => {
    using host = hostWith(FAILS);
    host.setLog('cannot open data\n');
    const { exitCode, message, done } = await refuse(host.access, 'join-cluster', parametersFor(host));
    expect({ exitCode, done }).toEqual({ exitCode: 1, done: { ...writtenOn(host), changed: true } });
    expect(message).toMatch(/^The unit etcd is failed .*The end of its log:\ncannot open data$/s);
  });

  it('writes nothing and starts nothing where it refuses', async () => {
    using host = hostWith(RUNS, 'masked');
    const refused = await refuse(host.access, 'join-cluster', parametersFor(host));
    expect(refused).toEqual({ exitCode: 65, message: expect.stringContaining('masked'), refusal: 'unit-masked' });
    expect(host.read('etcd.yaml')).toBe(BEFORE);
    expect(isStarted(host)).toBe(false);
  });

  it.each(['data/member', 'wal'])('writes nothing and starts nothing where %s holds data again', async (folder) => {
    using host = hostWith(RUNS);
    mkdirSync(host.path(folder), { recursive: true });
    host.write(`${folder}/file`, 'x');
    expect(await refuse(host.access, 'join-cluster', parametersFor(host))).toEqual({
      exitCode: 65,
      refusal: 'data-in-place',
      message: expect.stringContaining(`${host.path(folder)} holds data`),
    });
    expect(host.read('etcd.yaml')).toBe(BEFORE);
    expect(isStarted(host)).toBe(false);
  });

  it('is content with the data of a member that has begun already', async () => {
    using host = hostWith(RUNS);
    await succeed(host.access, 'join-cluster', parametersFor(host));
    mkdirSync(host.path('data/member'), { recursive: true });
    host.write('data/member/file', 'x');
    expect(await succeed(host.access, 'join-cluster', parametersFor(host))).toMatchObject({ mainPid: 7 });
  });

  it('comes to the same end where it was killed before any change, and is run again', async () => {
    for (let change = 1, killed = true; killed; change++) {
      using host = hostWith(RUNS);
      host.killBeforeChange(change);
      killed = (await runCommand(host.access, 'join-cluster', parametersFor(host))).exitCode !== 0;
      if (!killed) expect(change).toBeGreaterThan(3);
      else expect(isStarted(host)).toBe(false);
      host.killBeforeChange(undefined);
      await succeed(host.access, 'join-cluster', parametersFor(host));
      expect([host.read('etcd.yaml'), host.read('etcd.yaml.run-1')]).toEqual([AFTER, BEFORE]);
    }
  });
});
