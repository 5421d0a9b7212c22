import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toRemediationError } from '../../../lambdas/etcd/errors.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { connectTo, failureOf, freeze } from './support.ts';

const MEGABYTE = 1_000_000;

it('a defragmentation for which the disk has no room is told as that, and stops the runbook', () => {
  const details = 'write /var/lib/etcd/default/member/snap/db.tmp.710921396: no space left on device';
  const error = toRemediationError('Maintenance/defragment', 'https://node1:2379', { code: 2, details });
  expect([error.name, error.reason]).toEqual(['PreconditionFailed', 'DiskFull']);
  expect(error.message).toContain('make room, and start it');
});

describe.each(TESTED_RELEASES)('a member of etcd %s with a large database', (version) => {
  let cluster: LocalCluster;
  let member: EtcdMember;

  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd(version), members: 1 });
    member = connectTo(cluster);
    // 60 MB stay, so that a defragmentation takes a while; 60 MB go with the compaction.
    for (let count = 0; count < 120; count++) await member.put(`k${count % 60}`, 'x'.repeat(MEGABYTE));
    await member.compact((await member.status()).revision, WAIT_MS);
  });

  afterAll(async () => {
    member?.close();
    await cluster?.close();
  });

  it('goes on defragmenting after the deadline, answers nothing until then, and is waited for', async () => {
    const before = await member.status();
    expect(before.dbSizeBytes).toBeGreaterThan(120 * MEGABYTE);
    const probe = connectTo(cluster);
    await probe.waitUntilAnswering(WAIT_MS);

    // On a busy machine a deadline may pass before the member has the call, which then changes nothing: the next one counts.
    let after = before;
    for (let tries = 0; tries < 50 && after.dbSizeBytes === before.dbSizeBytes; tries++) {
      const [name, reason] = await failureOf(member.defragment(20));
      expect([name, reason]).toEqual(['EtcdUnavailable', 'Deadline']);
      const silence = await Promise.allSettled([probe.status(20), probe.readLocally('k0', 20)]);
      after = await member.waitUntilAnswering(WAIT_MS);
      if (after.dbSizeBytes < before.dbSizeBytes) {
        for (const { status } of silence) expect(status).toBe('rejected');
      }
    }
    expect(after.id).toBe(before.id);
    expect(after.dbSizeBytes).toBeLessThan(70 * MEGABYTE);
    expect(await member.readLocally('k0', WAIT_MS)).toHaveLength(MEGABYTE);
    probe.close();
  });

  it('is not waited for longer than asked, nor after it answers again', async () => {
    await freeze(cluster, member);
    // Beside one that is asked to wait longer: which ends first does not depend on how busy the machine is.
    const waiting = member.waitUntilAnswering(WAIT_MS);
    const ended = await Promise.race([failureOf(member.waitUntilAnswering(700)), waiting]);
    expect(ended).toEqual(['EtcdUnavailable', 'Deadline', expect.anything()]);
    cluster.resumeMember('m1');
    expect(await waiting).toMatchObject({ answering: true, name: 'm1' });
  });

  it('is waited for while it restarts', async () => {
    await cluster.stopMember('m1');
    const waiting = member.waitUntilAnswering(WAIT_MS);
    await cluster.startMember('m1');
    expect(await waiting).toMatchObject({ answering: true, name: 'm1' });
  });
});
