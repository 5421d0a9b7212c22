import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EtcdBinaries } from '../../local/etcd/binaries.ts';
import { startCluster } from '../../local/etcd/cluster.ts';
import { etcdEnvironment, runProgram } from '../../local/etcd/executables.ts';
import { freePorts, HOST } from '../../local/etcd/ports.ts';
import { inspect } from '../documents/inspected-host.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { until } from '../scenes/scene.ts';

const KEYS = 30;

/** What inspect-host tells of a data dir. */
const told = async (host: PreparedHost, { etcd }: EtcdBinaries, dataDir = host.path('data')) =>
  (await inspect(host, { dataDir, binDir: dirname(etcd) })).raftLog;

/** One of three, whose others do not run. */
async function startAlone(host: PreparedHost, { etcd }: EtcdBinaries) {
  const ports = await Promise.all([freePorts(), freePorts(), freePorts()]);
  const [own] = ports.map(({ client, peer }) => ({
    ...{ client: `http://${HOST}:${client}`, peer: `http://${HOST}:${peer}` },
  }));
  const cluster = ports.map(({ peer }, index) => `m${index + 1}=http://${HOST}:${peer}`).join(',');
  const flags = [
    ...[
      '--name',
      'm1',
      '--data-dir',
      host.path('data'),
      '--initial-cluster',
      cluster,
      '--initial-cluster-state',
      'new',
    ],
    ...['--listen-client-urls', own?.client ?? '', '--advertise-client-urls', own?.client ?? ''],
    ...['--listen-peer-urls', own?.peer ?? '', '--initial-advertise-peer-urls', own?.peer ?? ''],
  ];
  const child = spawn(etcd, flags, { stdio: 'ignore', env: etcdEnvironment() });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Restored as one of a cluster of its own, into the host's data dir. */
async function restore(host: PreparedHost, file: string, { etcdctl, etcdutl }: EtcdBinaries): Promise<void> {
  const options = ['--data-dir', host.path('data'), '--name', 'm1', '--initial-cluster', 'm1=http://10.0.0.1:2380'];
  const env = { ...etcdEnvironment(), ETCDCTL_API: '3' };
  const announced = ['--initial-advertise-peer-urls', 'http://10.0.0.1:2380'];
  await runProgram(etcdutl ?? etcdctl, ['snapshot', 'restore', file, ...options, ...announced], { env });
}

describe.each(['3.3.25', '3.4.23', '3.5.16', '3.5.35', '3.6.16', '3.7.3'])('the log of etcd %s', (version) => {
  it('holds nothing where its member was started on an empty data dir and is alone, and is whole wherever there was a leader, or a restore', async (test) => {
    const binaries = await requireEtcd(version, test);
    using host = new PreparedHost();
    {
      await using _alone = await startAlone(host, binaries);
      await until(async () => (await told(host, binaries)) !== null);
      await until(async () => (await told(host, binaries))?.lastIndex === '3');
      expect(await told(host, binaries)).toMatchObject({ holds: 'nothing', lastIndex: '3' });
    }
    expect(await told(host, binaries)).toMatchObject({ holds: 'nothing', lastIndex: '3' });

    await using cluster = await startCluster({ binaries, members: 1 });
    const [member] = cluster.members;
    if (!member) throw new Error('there is no member');
    for (let key = 0; key < KEYS; key++) await cluster.etcdctl(['put', `key-${key}`, 'x'.repeat(key * 1000)]);
    const status = JSON.parse(await cluster.etcdctl(['endpoint', 'status', '-w', 'json']));
    const { raftIndex, raftTerm } = status[0].Status;
    await cluster.etcdctl(['snapshot', 'save', host.path('saved')]);
    expect(await told(host, binaries, member.dataDir)).toEqual({
      ...{ holds: 'entries', lastIndex: String(raftIndex), lastTerm: String(raftTerm) },
      commitTerm: String(raftTerm),
      commitIndex: expect.stringMatching(new RegExp(`^(${raftIndex}|${raftIndex - 1})$`)),
    });

    using restored = new PreparedHost();
    await restore(restored, host.path('saved'), binaries);
    expect(await told(restored, binaries)).toMatchObject({ holds: 'entries', commitIndex: '1', lastIndex: '1' });
  });
});
