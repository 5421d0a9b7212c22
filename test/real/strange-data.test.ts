import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { crashMembers, damageLog, wipeData } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { hostedStage, outputOf, recover } from '../scenes/hosted-scene.ts';
import { expectNoScratch, filesOfAll, putThrough, readValue, reportOf } from '../scenes/lost-quorum.ts';

/**
 * A cluster that has lost its quorum, of which one host holds the data of another cluster, at a higher revision: its member was once bootstrapped anew, alone, under
 * the same name and the same URLs.
 */
describe('a quorum recovery of hosts that hold data of different clusters', () => {
  let stage: HostedStage;
  beforeAll(async () => {
    stage = await hostedStage();
    const { cluster } = stage;
    await putThrough(stage, 'm1', 'whose', 'ours');
    await crashMembers(cluster, ['m1', 'm2', 'm3']);
    await wipeData(cluster, 'm3');
    const { host, peerUrl } = cluster.member('m3');
    await cluster.run(
      'm3',
      `set -eu
      sed -i -e "s#^initial-cluster: .*#initial-cluster: 'm3=${peerUrl}'#" -e "s#^initial-cluster-token: .*#initial-cluster-token: 'anew'#" '${host.layout.configFile}'
      install -d -o '${host.layout.user}' -g '${host.layout.group}' '${dirname(host.layout.dataDir)}'
      systemctl reset-failed ${UNIT}
      systemctl start ${UNIT}`,
    );
    for (let key = 0; key < 20; key++) await cluster.etcdctl(['put', 'whose', `theirs ${key}`], ['m3']);
    await crashMembers(cluster, ['m3']);
  });
  afterAll(() => stage?.close());

  it('takes none, starts none and asks for a decision where it is one against one', async () => {
    const aside = stage.cluster.member('m1').host.layout.dataDir;
    await stage.cluster.run('m1', `mv '${aside}' '${aside}.kept'`);
    const before = await filesOfAll(stage);
    for (const dryRun of [true, false]) {
      const execution = await recover(stage, { dryRun });
      expect(execution).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
      const { cause } = execution as { cause: string };
      expect(cause).toMatch(
        /^The hosts hold data of different clusters, .*\n- [0-9a-f]+: m2 on \S+ holds its data at revision 4\n- [0-9a-f]+: m3 on \S+ holds its data at revision 21\n/,
      );
      expect(await filesOfAll(stage)).toEqual(before);
    }
    await stage.cluster.run('m1', `mv '${aside}.kept' '${aside}'`);
  });

  it('takes that of the quorum, never the newer one, and moves that aside', async () => {
    for (const name of ['m1', 'm2']) await damageLog(stage.cluster, name, 'garbled');
    const planned = outputOf(await recover(stage, { dryRun: true }));
    expect(planned).toMatchObject({ outcome: 'Planned', winner: { revision: '4', source: 'raw' } });
    expect(planned.plan).toContainEqual(
      expect.stringMatching(
        /^leave unused what m3 holds, and move it aside: it is of another cluster \([0-9a-f]+\), and a quorum of the hosts \(m1, m2\) holds that of [0-9a-f]+$/,
      ),
    );
    const report = reportOf(await recover(stage));
    expect(report).toMatchObject({ outcome: 'Remediated', winner: { source: 'raw' } });
    expect(report.candidates.map(({ member }) => member).toSorted()).toEqual(['m1', 'm2']);
    expect(await readValue(stage, 'whose')).toBe('ours');
    await expectNoScratch(stage);
  });
});
