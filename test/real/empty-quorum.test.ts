import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { hostedStage, outputOf, recover, replace } from '../scenes/hosted-scene.ts';
import { expectNoScratch, filesOf, namesOf, putThrough, readValue, reportOf } from '../scenes/lost-quorum.ts';
import { until } from '../scenes/scene.ts';

/**
 * Two of three hosts lose their data and are rebooted: etcd begins anew there by itself, under the old IDs. One cluster, to which this happens in two ways.
 */
let stage: HostedStage;
beforeAll(async () => {
  stage = await hostedStage();
});
afterAll(() => stage?.close());

const LOST = ['m2', 'm3'];

/** As where they were never part of a recovery: after one, a member that has lost its data begins nothing by itself. */
async function loseData(value: string): Promise<void> {
  const { cluster } = stage;
  for (let key = 0; key < 30; key++) await stage.etcd.member('m1').put(`key-${key}`, value);
  await putThrough(stage, 'm1', 'kept', value);
  await crashMembers(cluster, namesOf(stage));
  for (const name of LOST) {
    await wipeData(cluster, name);
    await cluster.run(
      name,
      `sed -i 's/^initial-cluster-state: .*/initial-cluster-state: new/' '${cluster.member(name).host.layout.configFile}'`,
    );
  }
}

async function boot(name: string): Promise<void> {
  const { cluster } = stage;
  await cluster.run(name, `systemctl reset-failed ${UNIT}; systemctl start --no-block ${UNIT}`);
  await until(async () => {
    const wal = `'${cluster.member(name).host.layout.dataDir}'/member/wal/*.wal`;
    return (await cluster.run(name, `ls ${wal} 2> /dev/null || true`)) !== '';
  });
}

it('a member whose data is newer than the empty cluster that the others have formed is not replaced; once they are stopped, a recovery takes its data', async () => {
  const { cluster } = stage;
  await loseData('of the first');
  await Promise.all(LOST.map(boot));
  await cluster.waitUntilHealthy(LOST);
  expect(await readValue(stage, 'kept')).toBe('');
  const before = await filesOf(stage, 'm1');
  const replaced = await replace(stage);
  expect(replaced).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
  const { cause } = replaced as { cause: string };
  expect(cause).toMatch(
    /^m1 is not replaced, and nothing was changed: on its host \S+ is data of this cluster \([0-9a-f]+\) up to index \d+ of term \d+ of its log, and the cluster itself is only at index \d+\./,
  );
  expect(await filesOf(stage, 'm1')).toEqual(before);

  for (const name of LOST) await cluster.run(name, `systemctl stop ${UNIT}`);
  const report = reportOf(await recover(stage));
  expect(report).toMatchObject({ outcome: 'Remediated', winner: { member: 'm1' } });
  expect(await readValue(stage, 'kept')).toBe('of the first');
  await expectNoScratch(stage);
});

it('where they have begun anew and wait, the empty ones are stopped, none of them is started, and a recovery takes the data of the survivor', async () => {
  const { cluster, platform } = stage;
  await loseData('of the second');
  await boot('m3');
  await crashMembers(cluster, ['m3']);
  await boot('m2');
  const before = platform.commandsOnHosts().length;
  const report = reportOf(await recover(stage));
  expect(report).toMatchObject({ outcome: 'Remediated', winner: { member: 'm1' }, loss: { atMostWrites: null } });
  expect(report.ladder).toContainEqual({
    rung: 'restart',
    serves: false,
    why: expect.stringMatching(
      /^1 of 3 voters has data, and a quorum is 2: m2: its log holds nothing but .* m3: its log holds nothing but /,
    ),
  });
  const sent = platform.commandsOnHosts().slice(before);
  expect(sent.flatMap(({ document, host }) => (document.endsWith('control-service') ? [host] : []))).toEqual([
    cluster.member('m2').host.id,
  ]);
  expect(await readValue(stage, 'kept')).toBe('of the second');
  expect(outputOf(await recover(stage)).outcome).toBe('NothingToDo');
  await expectNoScratch(stage);
});
