import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { isHealthy } from '../../local/etcd/health.ts';
import { crashMembers, damageLog, type LogDamage, wipeData } from '../../local/hosts/damage.ts';
import { type HostedCluster, type HostedClusterOptions, startHostedCluster } from '../../local/hosts/hosted-cluster.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { startProcessHosts } from '../../local/hosts/process-hosts.ts';
import { TESTED_RELEASES } from '../run/tested-releases.ts';

const NAMES = ['m1', 'm2', 'm3'];

let cluster: HostedCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function start(version: string, options: Partial<HostedClusterOptions> = {}): Promise<HostedCluster> {
  const binaries = await findEtcd(version);
  const fleet = await startProcessHosts({ count: NAMES.length, binDir: dirname(binaries.etcd) });
  const quotaBackendBytes = 64 * 1024 * 1024;
  cluster = await startHostedCluster({ binaries, fleet, members: 3, quotaBackendBytes, tls: false, ...options });
  return cluster;
}

/** That the service manager has given up on it, if it has tried at all. */
async function expectDead(hosted: HostedCluster, name: string): Promise<void> {
  const state = await hosted.run(
    name,
    `tries=0
    until [ "$(systemctl show -p ActiveState ${UNIT})" = ActiveState=failed ]; do
      tries=$((tries + 1)); [ $tries -lt 200 ] || break; sleep 0.05
    done
    systemctl show -p ActiveState -p MainPID ${UNIT}`,
  );
  expect(state.trim().split('\n').toSorted()).toEqual(['ActiveState=failed', 'MainPID=0']);
  expect(await isHealthy(hosted.member(name).clientUrl)).toBe(false);
}

describe.each(TESTED_RELEASES)('members of etcd %s', (version) => {
  it('that are crashed all at once stay dead, and come back with all their data when they are started together', async () => {
    const hosted = await start(version);
    await hosted.etcdctl(['put', 'kept', 'so far']);
    await crashMembers(hosted, NAMES);
    for (const name of NAMES) await expectDead(hosted, name);
    await Promise.all(NAMES.map((name) => hosted.run(name, `systemctl start ${UNIT}`)));
    await hosted.waitUntilHealthy(NAMES);
    expect(await hosted.etcdctl(['get', 'kept', '--print-value-only'])).toBe('so far\n');
  });

  it('do not start with a log that is garbled, truncated, or nothing but zeros', async () => {
    const hosted = await start(version);
    await crashMembers(hosted, NAMES);
    const damages: LogDamage[] = ['garbled', 'truncated', 'zeroed'];
    await Promise.all(damages.map((damage, index) => damageLog(hosted, NAMES[index] as string, damage)));
    for (const name of NAMES) await expectDead(hosted, name);
    expect(
      await hosted.run('m1', `[ -f '${hosted.member('m1').host.layout.dataDir}/member/snap/db' ] && echo there`),
    ).toBe('there\n');
  });
});

describe('a member with its log in a folder of its own, and two client URLs,', () => {
  it('answers at both, and loses both folders', async () => {
    const hosted = await start('3.5.30', { walDir: true, moreClientUrls: true });
    const { clientUrls, walDir, host } = hosted.member('m3');
    expect(clientUrls).toHaveLength(2);
    for (const url of clientUrls) expect(await isHealthy(url)).toBe(true);
    expect(await hosted.run('m3', `ls '${walDir}'`)).toContain('.wal');
    await crashMembers(hosted, ['m3']);
    await wipeData(hosted, 'm3');
    expect(await hosted.run('m3', `ls -d '${walDir}' '${host.layout.dataDir}' 2> /dev/null || echo neither`)).toBe(
      'neither\n',
    );
    await hosted.destroyMember('m2');
    await expectDead(hosted, 'm2');
  });
});
