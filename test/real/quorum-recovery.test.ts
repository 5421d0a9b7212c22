import { describe, expect, it } from 'vitest';
import { crashMembers, damageLog, wipeData } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { commandsInARow, RESTART, RESTORE } from '../scenes/commands-in-a-row.ts';
import { expectWhole, outputOf, recover, serviceOf, stageForEachTest } from '../scenes/hosted-scene.ts';
import {
  expectNoScratch,
  filesOfAll,
  leaveOneWhole,
  namesOf,
  putThrough,
  readValue,
  reportOf,
  rungOf,
} from '../scenes/lost-quorum.ts';
import { fill, remediate } from '../scenes/scene.ts';

const onStage = stageForEachTest();

describe('the quorum runbook', () => {
  it('starts the services of a quorum where one member has lost its data, and says that this one is still to be replaced', async () => {
    const stage = await onStage();
    await putThrough(stage, 'm1', 'kept', 'yes');
    await crashMembers(stage.cluster, namesOf(stage));
    await wipeData(stage.cluster, 'm3');
    const report = reportOf(await recover(stage));
    expect(report).toMatchObject({ outcome: 'Remediated', remaining: ['member-failed'] });
    expect(rungOf(report)).toBe('restart');
    expect(commandsInARow(stage.platform.commandsOnHosts())).toEqual(RESTART);
    expect(await readValue(stage, 'kept')).toBe('yes');
    // An empty member that still has its ID would vote as if it had never voted.
    expect(await serviceOf(stage.cluster, 'm3')).not.toBe('active');
  });

  it('takes a snapshot of the member that runs, with authentication, a log in a folder of its own and two client URLs', async () => {
    const stage = await onStage({ auth: true, tls: true, walDir: true, moreClientUrls: true });
    await putThrough(stage, 'm2', 'kept', 'yes');
    await crashMembers(stage.cluster, ['m1', 'm3']);
    for (const name of ['m1', 'm3']) await wipeData(stage.cluster, name);
    const report = reportOf(await recover(stage));
    expect(rungOf(report)).toBe('survivor');
    expect(commandsInARow(stage.platform.commandsOnHosts())).toEqual(RESTORE);
    expect(report.winner).toMatchObject({ member: 'm2', source: 'survivor' });
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
    await expectNoScratch(stage);
  });

  it('tells every candidate and the loss in a dry run, changes nothing, and then recovers members of an environment file', async () => {
    const stage = await onStage({ format: 'environment' });
    await putThrough(stage, 'm3', 'kept', 'yes');
    await leaveOneWhole(stage);
    const before = await filesOfAll(stage);
    const planned = reportOf(await recover(stage, { dryRun: true }));
    expect(planned.outcome).toBe('Planned');
    // A database may have come further than another member's log knows: which is the newest is for their revisions to say.
    const candidates = planned.candidates.map(({ member, source }) => `${member} ${source}`);
    expect(candidates.toSorted()).toEqual(['m1 raw', 'm3 replay']);
    const revisions = planned.candidates.map(({ revision }) => Number(revision));
    expect(revisions).toEqual(revisions.toSorted((a, b) => b - a));
    expect(planned.loss.keptRevision).toBe(planned.winner?.revision);
    expect(planned.winner).toMatchObject({ ...planned.candidates[0] });
    expect(await filesOfAll(stage)).toEqual(before);
    expect(rungOf(reportOf(await recover(stage)))).toBe('replay');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
  });

  it('judges by the revision: a larger database that is older does not win', async () => {
    const stage = await onStage();
    for (let count = 0; count < 20; count++) await stage.etcd.member('m1').put(`large/${count}`, 'x'.repeat(400_000));
    await stage.cluster.run('m1', `systemctl stop ${UNIT}`);
    const others = ['m2', 'm3'];
    await stage.cluster.waitUntilHealthy(others);
    await stage.cluster.etcdctl(['del', '--prefix', 'large/'], others);
    for (let count = 0; count < 30; count++) await stage.etcd.member('m3').put('small', String(count));
    const { revision } = await stage.etcd.member('m3').status();
    await stage.cluster.etcdctl(['compact', revision, '--physical'], others);
    await stage.cluster.etcdctl(['defrag'], others);
    await putThrough(stage, 'm3', 'kept', 'yes');
    await crashMembers(stage.cluster, others);
    await damageLog(stage.cluster, 'm1', 'truncated');
    await wipeData(stage.cluster, 'm2');
    const { winner, candidates } = reportOf(await recover(stage));
    const old = candidates.find(({ member }) => member === 'm1');
    expect(winner).toMatchObject({ member: 'm3', source: 'replay' });
    expect(old?.source).toBe('raw');
    expect(old?.sizeBytes).toBeGreaterThan((winner?.sizeBytes ?? 0) * 4);
    expect(BigInt(old?.revision ?? 0)).toBeLessThan(BigInt(winner?.revision ?? 0));
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
  });

  it('says that NOSPACE has survived the restore, and the space runbook ends it', async () => {
    const stage = await onStage({ sizeMiB: 16 });
    await fill(stage.etcd, { keys: 20 });
    await crashMembers(stage.cluster, namesOf(stage));
    await wipeData(stage.cluster, 'm1');
    await damageLog(stage.cluster, 'm2', 'truncated');
    const report = reportOf(await recover(stage));
    expect(report).toMatchObject({ outcome: 'Remediated', remaining: ['space-exceeded'] });
    expect(outputOf(await remediate(stage.platform)).outcome).toBe('Remediated');
    await stage.etcd.member('m2').put('accepted', 'again');
    await expectWhole(stage);
    expect((await stage.etcd.observe()).alarms).toEqual([]);
  });
});
