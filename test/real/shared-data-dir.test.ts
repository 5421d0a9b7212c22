import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import {
  archivesOf,
  expectWhole,
  idsOf,
  outputOf,
  recover,
  replace,
  stageForEachTest,
} from '../scenes/hosted-scene.ts';
import { namesOf, readValue } from '../scenes/lost-quorum.ts';

const onStage = stageForEachTest();

/** The data dirs hold etcd's configuration and others' files beside etcd's own data, as in /data1/etcd with config/ in it. */
async function shareDataDirs({ cluster }: HostedStage): Promise<void> {
  for (const { name, host } of cluster.members) {
    const { dataDir } = host.layout;
    await cluster.run(
      name,
      `mkdir '${dataDir}/config' '${dataDir}/lost+found'
      echo 'name: ${name}' > '${dataDir}/config/etcd.yaml'
      echo backup > '${dataDir}/backup-2026.db'`,
    );
  }
}

/** All but etcd's own in a data dir: path, owner, mode, time and content. */
function neighboursOf({ cluster }: HostedStage, name: string): string {
  const { dataDir } = cluster.member(name).host.layout;
  const list = ['-mindepth', '1', '-path', join(dataDir, 'member*'), '-prune', '-o', '-printf', '%P %u:%g %m %T@\n'];
  const names = execFileSync('find', [dataDir, ...list], { encoding: 'utf8' });
  const texts = ['config/etcd.yaml', 'backup-2026.db'].map((file) =>
    execFileSync('cat', [join(dataDir, file)], { encoding: 'utf8' }),
  );
  return [
    ...names
      .split('\n')
      .filter((line) => line !== '')
      .toSorted(),
    ...texts,
  ].join('\n');
}

describe("a data dir that is not etcd's alone", () => {
  it('keeps what is not, where its member is replaced', async () => {
    const stage = await onStage();
    await shareDataDirs(stage);
    const before = neighboursOf(stage, 'm3');
    const { m3 } = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
    expect((await idsOf(stage)).m3).not.toBe(m3);
    expect(neighboursOf(stage, 'm3')).toBe(before);
    expect(await archivesOf(stage, 'm3')).toHaveLength(1);
  });

  it('keeps what is not, where a quorum is recovered', async () => {
    const stage = await onStage();
    await shareDataDirs(stage);
    await stage.etcd.member('m3').put('kept', 'yes');
    const before = namesOf(stage).map((name) => neighboursOf(stage, name));
    await crashMembers(stage.cluster, namesOf(stage));
    for (const name of ['m1', 'm2']) {
      await stage.cluster.run(name, `rm -r '${stage.cluster.member(name).host.layout.dataDir}/member'`);
    }
    expect(outputOf(await recover(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
    expect(namesOf(stage).map((name) => neighboursOf(stage, name))).toEqual(before);
  });
});
