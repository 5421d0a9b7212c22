import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScriptRun } from '../../local/hosts/access.ts';
import { isRunning } from '../../local/hosts/systemd/leftovers.ts';
import { composeScript } from '../documents/script.ts';
import {
  killProbes,
  links,
  mounts,
  type Probe,
  processesOf,
  skipped,
  startProbe,
  tracesOf,
  WHY_NOT,
} from './systemd-scene.ts';

afterAll(killProbes);

describe.skipIf(WHY_NOT)(`three hosts with systemd${skipped}`, () => {
  let probe: Probe;
  beforeAll(async () => {
    probe = await startProbe(3);
  });
  afterAll(async () => {
    probe.outside.stdin?.end();
    expect(await probe.ended).toBe(0);
  });

  it('run a systemd each, as their first process, and nothing has failed there', async () => {
    for (const host of probe.hosts.keys()) {
      expect(await probe.run(host, 'cat /proc/1/comm; systemctl is-system-running')).toBe('systemd\nrunning');
      expect(await probe.run(host, 'uname -n; stat -fc %T /sys/fs/cgroup')).toBe(`h${host + 1}\ncgroup2fs`);
    }
  });

  it('reach each other by address, and this process reaches them', async () => {
    const serve = `cat > /etc/systemd/system/name.socket <<END
[Socket]
ListenStream=7000
Accept=yes
END
cat > /etc/systemd/system/name@.service <<END
[Service]
ExecStart=cat /etc/hostname
StandardInput=socket
END
systemctl daemon-reload && systemctl start name.socket`;
    for (const host of probe.hosts.keys()) await probe.run(host, serve);
    for (const from of probe.hosts.keys()) {
      const all = probe.hosts.map(({ address }) => `cat < /dev/tcp/${address}/7000`).join('\n');
      expect(await probe.run(from, all)).toBe('h1\nh2\nh3');
    }
    expect(probe.hosts.map(({ address }) => address)).toEqual(['10.77.0.11', '10.77.0.12', '10.77.0.13']);
  });

  it("see their own processes, and not the machine's", async () => {
    const names = (await probe.run(0, 'ps -e -o comm=')).split('\n');
    expect(names).toContain('systemd-journal');
    expect(names).not.toContain('node');
    expect(await probe.run(0, 'ps -e -o comm= | grep -cx systemd')).toBe('1');
  });

  it('give a script what SSM Agent gives it, and nothing of this process', async () => {
    const names = await probe.run(0, 'env | cut -d= -f1 | grep -v ^_ | sort');
    expect(names.split('\n')).toEqual(['LANG', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'SSM_COMMAND_ID']);
  });

  it("cannot change the machine's kernel settings, its clock or its programs", async () => {
    const forbidden = [
      'echo 4096 > /proc/sys/kernel/pid_max',
      'date -s now',
      'echo > /usr/local/bin/etcd',
      'mkdir /sys/fs/cgroup/../probe',
    ];
    for (const script of forbidden) {
      const result = (await probe.order({ host: 0, script })) as ScriptRun;
      expect(result.exitCode, script).not.toBe(0);
      expect(result.stderr, script).toMatch(/Read-only file system|Operation not permitted/);
    }
  });

  it('have files of their own', async () => {
    await probe.run(0, 'echo one > /etc/etcd/etcd.yaml; rm /etc/debian_version');
    expect(await probe.run(1, 'ls /etc/etcd; ls /etc/debian_version')).toBe('/etc/debian_version');
    expect(await probe.run(0, 'cat /etc/etcd/etcd.yaml')).toBe('one');
    const ids = await Promise.resolve([
      await probe.run(0, 'cat /etc/machine-id'),
      await probe.run(1, 'cat /etc/machine-id'),
    ]);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('start and stop units, and log what they say', async () => {
    const unit = '[Service]\nExecStart=/bin/sh -c "echo it goes; exec sleep 1000"\nExecStopPost=/bin/echo it went\n';
    await probe.run(1, `printf '${unit.replaceAll('\n', '\\n')}' > ${probe.hosts[1]?.unitDir}/goer.service`);
    await probe.run(1, 'systemctl daemon-reload && systemctl start goer && systemctl is-active goer');
    await probe.run(1, 'systemctl stop goer');
    expect(await probe.run(1, 'systemctl show -P ActiveState goer')).toBe('inactive');
    await probe.run(1, 'journalctl --sync');
    const log = await probe.run(1, 'journalctl -u goer -o cat');
    expect(log.split('\n').filter((line) => line.startsWith('it '))).toEqual(['it goes', 'it went']);
  });

  it('run etcd as a unit that says when it is ready, under an account of its own', async () => {
    const { layout, address, unitDir } = probe.hosts[2] ?? expect.fail('There are three hosts.');
    await probe.run(
      2,
      `cat > ${layout.configFile} <<END
name: m1
data-dir: ${layout.dataDir}
listen-client-urls: http://${address}:2379
advertise-client-urls: http://${address}:2379
listen-peer-urls: http://${address}:2380
initial-advertise-peer-urls: http://${address}:2380
initial-cluster: m1=http://${address}:2380
END
cat > ${unitDir}/etcd.service <<END
[Service]
Type=notify
User=${layout.user}
Group=${layout.group}
ExecStart=${layout.binDir}/etcd --config-file ${layout.configFile}
END
systemctl daemon-reload`,
    );
    await probe.run(2, 'systemctl start etcd');
    expect(await probe.run(2, `${layout.binDir}/etcdctl --endpoints http://${address}:2379 put a b`)).toBe('OK');
    expect(await probe.run(2, `stat -c %U:%G ${layout.dataDir}/member; ps -o user= -C etcd`)).toBe('etcd:etcd\netcd');
    expect(await probe.order({ get: `http://${address}:2379/version` })).toEqual({
      body: '{"etcdserver":"3.5.16","etcdcluster":"3.5.0"}',
    });
  });

  it('bound what a rehearsal of a backup starts, which leaves the member of the host as it is', async () => {
    const { layout, address, unitDir } = probe.hosts[2] ?? expect.fail('There are three hosts.');
    const member = await probe.run(2, 'systemctl show -P MainPID etcd');
    // A backup of it, an HTTP server for that, and an etcd that first says what holds it.
    const sizes = await probe.run(
      2,
      `mkdir /srv/bin && cd /srv
${layout.binDir}/etcdctl --endpoints http://${address}:2379 snapshot save saved >&2
gzip -c saved > saved.gz
cat > ${unitDir}/served.socket <<END
[Socket]
ListenStream=127.0.0.1:7001
Accept=yes
END
cat > ${unitDir}/served@.service <<END
[Service]
ExecStart=/srv/serve
StandardInput=socket
END
cat > serve <<'END'
#!/bin/bash
while read -r line && [ \${#line} -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\\r\\nContent-Length: %s\\r\\n\\r\\n' "$(wc -c < /srv/saved.gz)"
cat /srv/saved.gz
END
cat > bin/etcd <<'END'
#!/bin/sh
scope=$(cut -d: -f3 /proc/self/cgroup)
echo "\${scope##*/} $(systemctl show -P MemoryMax "\${scope##*/}") $(cat /proc/self/oom_score_adj) $(nice)" > /tmp/bounds
exec ${layout.binDir}/etcd "$@"
END
chmod 755 serve bin/etcd && ln -s ${layout.binDir}/etcdutl bin/etcdutl
systemctl daemon-reload && systemctl start served.socket
echo $(wc -c < saved) $(wc -c < saved.gz) $(sha256sum < saved.gz)`,
    );
    const [sizeBytes = '', compressedBytes = '', sha256 = ''] = sizes.split(' ');
    const script = composeScript('rehearse-restore', {
      ...{ dataDir: layout.dataDir, binDir: '/srv/bin', user: layout.user, group: layout.group, revision: '2', sha256 },
      ...{ compressedBytes, sizeBytes, roomBytes: '1000000', memoryBytes: String(2 ** 28) },
      url: 'http://127.0.0.1:7001/backups/saved.gz?X-Amz-Signature=0f',
    });
    expect(JSON.parse(await probe.run(2, script))).toMatchObject({ revision: '2', keys: 1 });
    expect(await probe.run(2, 'cat /tmp/bounds')).toMatch(new RegExp(`^run-\\w+\\.scope ${2 ** 28} 1000 19$`));
    expect(await probe.run(2, `ls -A $(dirname ${layout.dataDir}) | grep _rehearsal || echo none`)).toBe('none');
    expect(await probe.run(2, 'systemctl show -P MainPID etcd')).toBe(member);
  });
});

describe.skipIf(WHY_NOT)(`what is left of hosts${skipped}`, () => {
  it('is nothing after they are closed', async () => {
    const before = { mounts: mounts(), links: links() };
    const probe = await startProbe(2);
    expect({ mounts: mounts(), links: links() }).toEqual(before);
    const processes = processesOf(probe.pid);
    expect(processes.length).toBeGreaterThan(4);
    expect(tracesOf(probe.pid)).toHaveLength(3);
    expect(await probe.order({ close: true })).toEqual({ closed: true });
    expect(isRunning(probe.pid)).toBe(true);
    expect(tracesOf(probe.pid)).toEqual([]);
    expect(processes.filter((each) => isRunning(each))).toEqual([]);
    expect(await probe.order({ startAgain: true })).toEqual({ pid: probe.pid, hosts: expect.anything() });
    const knock = '(: < /dev/tcp/10.77.0.11/7) 2>&1 | grep -om1 "Connection refused"';
    expect(await probe.run(1, knock)).toBe('Connection refused');
    probe.outside.stdin?.end();
    expect(await probe.ended).toBe(0);
    expect({ mounts: mounts(), links: links() }).toEqual(before);
  });

  it.each([
    ['SIGKILL of the process inside', (probe: Probe) => process.kill(probe.pid, 'SIGKILL'), 128 + 9],
    ['a signal to the process outside', (probe: Probe) => probe.outside.kill('SIGTERM'), 128 + 15],
  ])('is nothing after %s', async (_, kill, status) => {
    const before = mounts();
    const probe = await startProbe(2);
    await probe.run(0, 'systemd-run -q sleep 1000');
    const processes = processesOf(probe.pid);
    kill(probe);
    expect(await probe.ended).toBe(status);
    expect(tracesOf(probe.pid)).toEqual([]);
    expect(processes.filter((each) => isRunning(each))).toEqual([]);
    expect(mounts()).toBe(before);
  });

  it('after SIGKILL of the process outside is no process, and the next start removes the rest', async () => {
    const killed = await startProbe(2);
    const processes = [...processesOf(killed.pid), killed.pid];
    killed.outside.kill('SIGKILL');
    await expect.poll(() => processes.filter((each) => isRunning(each))).toEqual([]);
    expect(tracesOf(killed.pid)).toHaveLength(3);
    const next = await startProbe(1);
    expect(tracesOf(killed.pid)).toEqual([]);
    next.outside.stdin?.end();
    expect(await next.ended).toBe(0);
  });
});
