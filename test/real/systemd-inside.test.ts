import { readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { isInside, reexecInside } from '../../local/hosts/systemd/enter.ts';
import { startSystemdHosts } from '../../local/hosts/systemd-hosts.ts';
import { skipped, WHY_NOT } from './systemd-scene.ts';

afterEach(() => vi.unstubAllEnvs());

describe.skipIf(WHY_NOT)(`where hosts cannot be made${skipped}`, () => {
  const start = () => startSystemdHosts({ count: 1, binDir: dirname(process.execPath) });

  it('says so in the namespaces of the machine, whatever the environment claims', async () => {
    const claim = (pid: number) => `${readlinkSync('/proc/self/ns/net')} ${readlinkSync('/proc/self/ns/mnt')} ${pid}`;
    const { etcd } = await findEtcd('3.5.16');
    for (const mark of ['', '1', claim(process.ppid), claim(2 ** 30)]) {
      vi.stubEnv('ETCD_REMEDIATION_INSIDE', mark);
      expect(isInside()).toBe(false);
      await expect(startSystemdHosts({ count: 1, binDir: dirname(etcd) })).rejects.toMatchObject({
        name: 'HostsUnavailable',
        message: expect.stringContaining('reexecInside'),
      });
    }
  });

  it('says which program is missing, and where it comes from', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'no-tools-'));
    vi.stubEnv('PATH', empty);
    await expect(reexecInside(['true'])).rejects.toMatchObject({
      name: 'HostsUnavailable',
      message: expect.stringMatching(/need unshare, which is not on the PATH. Install util-linux/),
    });
    await rm(empty, { recursive: true });
  });

  it('says that it takes root', async () => {
    process.seteuid?.(65_534);
    const refused = reexecInside(['true']).catch((error: unknown) => error);
    process.seteuid?.(0);
    expect(await refused).toMatchObject({
      name: 'HostsUnavailable',
      message: 'Hosts with systemd need root, and this is user 65534. Run the same command with sudo.',
    });
  });

  it('refuses a folder without etcd and a number of hosts that is none', async () => {
    await expect(start()).rejects.toThrow('There is no program etcd in');
    await expect(startSystemdHosts({ count: 0, binDir: '/' })).rejects.toThrow('There can be 1 to 99 hosts, not 0.');
  });
});

describe.skipIf(WHY_NOT)(`a command inside${skipped}`, () => {
  it('gives its exit status, or that of a shell where a signal ended it', async () => {
    expect(await reexecInside(['sh', '-c', 'exit 7'])).toBe(7);
    expect(await reexecInside(['sh', '-c', 'kill -KILL $$'])).toBe(137);
  });

  it('has a loopback interface that is up, and no other', async () => {
    const isAlone = 'test "$(ip -brief link | cut -d" " -f1)" = lo';
    expect(await reexecInside(['sh', '-c', `${isAlone} && ip link show lo | grep -q LOOPBACK,UP`])).toBe(0);
  });

  it('gets the signals, whoever else listens to them here', async () => {
    const heard = vi.fn();
    process.once('SIGTERM', heard);
    const listeners = process.rawListeners('SIGTERM');
    const status = reexecInside(['sleep', '1000']);
    await expect.poll(() => process.rawListeners('SIGTERM')).not.toEqual(listeners);
    process.kill(process.pid, 'SIGTERM');
    expect(await status).toBe(128 + 15);
    expect(heard).not.toHaveBeenCalled();
    expect(process.rawListeners('SIGTERM')).toEqual(listeners);
    process.off('SIGTERM', heard);
  });
});
