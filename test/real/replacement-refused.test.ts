import { describe, expect, it } from 'vitest';
import { requireEtcd } from '../run/require-etcd.ts';
import { expectWhole, outputOf, replace, serviceOf, stageForEachTest, untilLed } from '../scenes/hosted-scene.ts';
import { pictureOf } from '../scenes/picture.ts';
import { HURRIED, statesOf, until } from '../scenes/scene.ts';

const onStage = stageForEachTest();

describe('the member runbook, while a downgrade is enabled,', () => {
  it('refuses before the first change, in the dry run too, and replaces once it is cancelled', async (test) => {
    await requireEtcd('3.7.3', test);
    const stage = await onStage({ etcd: '3.7.3' });
    await stage.cluster.etcdctl(['downgrade', 'enable', '3.6']);
    await stage.cluster.destroyMember('m2');
    await untilLed(stage);
    // systemd tries to start it some times more.
    await until(async () => (await serviceOf(stage.cluster, 'm2')) === 'failed');
    const before = await pictureOf(stage);
    for (const dryRun of [true, false]) {
      const execution = await replace(stage, { dryRun });
      expect(execution).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringContaining('A downgrade to etcd 3.6.0 is enabled (m1, m3)'),
      });
      expect(await pictureOf(stage)).toEqual(before);
    }

    await stage.cluster.etcdctl(['downgrade', 'cancel'], ['m1']);
    // etcd 3.7 passes over it without a word.
    const { configFile } = stage.cluster.member('m2').host.layout;
    await stage.cluster.run('m2', `echo 'experimental-initial-corrupt-check: true' >> '${configFile}'`);
    await until(async () => {
      const { outcome, plan } = outputOf(await replace(stage, { dryRun: true }));
      return outcome === 'Planned' && String(plan).includes('etcd 3.7.3 ignores experimental-initial-corrupt-check in');
    });
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });
});

describe('the member runbook, of a cluster whose history ends where it was compacted,', () => {
  it('finds that its members hold the same data', async () => {
    const stage = await onStage({ etcd: '3.5.16', clock: HURRIED });
    for (let key = 0; key < 20; key++) await stage.cluster.etcdctl(['put', `key-${key}`, `${key}`]);
    await stage.cluster.etcdctl(['compact', '16']);
    await stage.cluster.etcdctl(['compact', '21']);
    await stage.cluster.destroyMember('m2');
    const execution = await replace(stage);
    expect(outputOf(execution).outcome).toBe('Remediated');
    expect(statesOf(execution).filter((name) => name === 'Compare hashes')).toHaveLength(1);
  });
});
