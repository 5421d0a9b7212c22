import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { idsOf, recover, replace, serviceOf, stageForEachTest } from '../scenes/hosted-scene.ts';
import { filesOfAll, namesOf } from '../scenes/lost-quorum.ts';

const onStage = stageForEachTest();

/** Units, and a checksum of what lies on the hosts. */
async function standOf(stage: HostedStage) {
  const services = await Promise.all(namesOf(stage).map((name) => serviceOf(stage.cluster, name)));
  const [, , third] = await filesOfAll(stage);
  return { services, files: createHash('sha256').update(JSON.stringify(third)).digest('hex') };
}

/** m3's unit reads another configuration file than clusters.json says, and stays off. */
async function readAnotherFile({ cluster }: HostedStage): Promise<void> {
  const { unitDir, layout } = cluster.member('m3').host;
  await cluster.run(
    'm3',
    `cp '${layout.configFile}' '${layout.configFile}.other'
    mkdir -p '${unitDir}/${UNIT}.service.d'
    printf '[Service]\\nRestart=no\\nExecStart=\\nExecStart=${layout.binDir}/etcd --config-file ${layout.configFile}.other\\n' > '${unitDir}/${UNIT}.service.d/other.conf'
    systemctl daemon-reload
    systemctl stop ${UNIT}`,
  );
}

describe('a host that a later command would refuse', () => {
  it.each([true, false])('is left as it is, and so is etcd, by a replacement (dry run: %s)', async (dryRun) => {
    const stage = await onStage();
    await readAnotherFile(stage);
    const before = { ids: await idsOf(stage), ...(await standOf(stage)) };
    expect(await replace(stage, { dryRun })).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('which would be edited to no effect'),
    });
    expect({ ids: await idsOf(stage), ...(await standOf(stage)) }).toEqual(before);
  });

  it('is left as it is by the dry run of a recovery, which names it', async () => {
    const stage = await onStage();
    await stage.etcd.member('m1').put('some', 'data');
    await readAnotherFile(stage);
    await crashMembers(stage.cluster, ['m1', 'm2']);
    const before = await standOf(stage);
    expect(await recover(stage, { dryRun: true })).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('which would be edited to no effect'),
    });
    expect(await standOf(stage)).toEqual(before);
  });
});
