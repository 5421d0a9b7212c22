import { AlarmAction, AlarmType } from 'etcd3/lib/rpc.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../../../lambdas/etcd/connection.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { connectTo, failureOf, ROOT } from './support.ts';

describe.each(TESTED_RELEASES)('a member of etcd %s that has run out of space', (version) => {
  let cluster: LocalCluster;
  let member: EtcdMember;
  let id: string;

  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd(version), members: 1, quotaBackendBytes: 2_000_000 });
    await cluster.enableAuth(ROOT.password);
    member = connectTo(cluster, { login: ROOT });
    id = (await member.status()).id;
  });

  afterAll(async () => {
    member?.close();
    await cluster?.close();
  });

  it('refuses writes, names the incident, and does not cut off the calls that remedy it', async () => {
    // etcd measures itself ten times a second.
    const fill = async () => {
      for (let count = 0; count < 1_000; count++) await member.put('big', 'x'.repeat(100_000));
    };
    expect(await failureOf(fill())).toEqual([
      'PreconditionFailed',
      'NoSpace',
      expect.stringContaining('see the incident space-exceeded'),
    ]);
    expect(await member.alarms()).toEqual([{ memberId: id, alarm: 'NOSPACE' }]);
    expect(await member.waitUntilAnswering(WAIT_MS)).toMatchObject({ id, answering: true });
    await member.delete('no-such-key');

    const full = await member.status();
    expect(await member.compact(full.revision, WAIT_MS)).toBe('Compacted');
    await member.defragment(WAIT_MS);
    expect((await member.status()).dbSizeBytes).toBeLessThan(full.dbSizeBytes / 2);
    expect((await failureOf(member.put('a', 'b')))[1]).toBe('NoSpace');
  });

  it('takes writes again when the alarm of its ID is disarmed, and not before', async () => {
    await member.disarmNoSpace('0');
    await member.disarmNoSpace('1234');
    expect(await member.alarms()).toEqual([{ memberId: id, alarm: 'NOSPACE' }]);
    await member.disarmNoSpace(id);
    await member.disarmNoSpace(id);
    expect(await member.alarms()).toEqual([]);
    await member.put('a', 'b');
  });

  it('disarms the alarm of a member that is gone', async () => {
    const connection = new Connection({ endpoint: member.endpoint, login: ROOT, deadlineMs: WAIT_MS });
    const gone = 'fedcba9876543210';
    const alarm = { memberID: BigInt(`0x${gone}`).toString(), alarm: AlarmType.Nospace };
    await connection.maintenance.alarm({ ...alarm, action: AlarmAction.Activate });
    connection.close();
    expect(await member.alarms()).toEqual([{ memberId: gone, alarm: 'NOSPACE' }]);
    expect((await failureOf(member.put('a', 'b')))[1]).toBe('NoSpace');
    await member.disarmNoSpace(gone);
    expect(await member.alarms()).toEqual([]);
    await member.put('a', 'b');
  });
});
