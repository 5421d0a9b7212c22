import { until } from '../drills/conditions.ts';
import type { HostedStage } from '../drills/stage.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import { filledPlaces, keepPlace, onFilledStage } from './filling.ts';
import type { KeptData } from './kept-data.ts';
import type { Bench, Comparison, Findings, Part, Place } from './part.ts';
import { describePlace } from './places.ts';
import { runRunbook } from './runbook.ts';
import { takeTurns } from './turns.ts';

/** Etcd adds nobody to what is no quorum without the failed one. */
const FEWEST_MEMBERS = 3;

interface Cure {
  name: string;
  /** @returns milliseconds that do not count */
  apply(stage: HostedStage): Promise<number>;
}

const failedOf = ({ cluster }: HostedStage) => cluster.members.at(-1)?.name as string;

const CURES: readonly Cure[] = [
  { name: 'runbook', apply: (stage) => runRunbook(stage, 'member-failed', { confirmSeconds: 1 }) },
  { name: 'bare commands', apply: typeCommands },
];

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/runtime-configuration/ */
async function typeCommands(stage: HostedStage): Promise<number> {
  const { cluster, etcd } = stage;
  const failed = failedOf(stage);
  const others = cluster.members.map(({ name }) => name).filter((name) => name !== failed);
  const { host, peerUrl } = cluster.member(failed);
  const { dataDir, configFile } = host.layout;
  const { memberList } = await etcd.observe();
  const id = memberList.find(({ name }) => name === failed)?.id ?? '';
  // systemd has started the service again and again, until its limit: it refuses any further start, by hand too, until it is told to forget them.
  await cluster.run(
    failed,
    `set -e
    systemctl stop ${UNIT}
    systemctl reset-failed ${UNIT}
    mv '${dataDir}' '${dataDir}.old'`,
  );
  await cluster.etcdctl(['member', 'remove', id], others);
  // etcd adds none until its members have been connected for some seconds, and says that the cluster is unhealthy.
  await until('etcd adds the member', () =>
    cluster.etcdctl(['member', 'add', failed, `--peer-urls=${peerUrl}`], others).then(
      () => true,
      (error: Error) => {
        if (!error.message.includes('unhealthy cluster')) throw error;
        return false;
      },
    ),
  );
  await cluster.run(
    failed,
    `set -e
    sed -i.bak "s/^initial-cluster-state: .*/initial-cluster-state: existing/" '${configFile}'
    systemctl start ${UNIT}`,
  );
  return 0;
}

/** From the decision to act until every member is healthy again. */
export const replacement: Part = {
  name: 'replacement',
  summary: 'how long the replacement of a failed member takes, against bare commands',
  async measure(bench: Bench): Promise<Findings> {
    const comparisons: Comparison[] = [];
    for (const place of filledPlaces(bench).filter(({ members }) => members >= FEWEST_MEMBERS)) {
      await using kept = await keepPlace(place, bench);
      const contenders = CURES.map((cure) => ({ name: cure.name, run: () => measureOnce(place, kept, cure, bench) }));
      comparisons.push({
        ...{ compared: 'one member replaced', place, measured: 'until every member is healthy again', unit: 'ms' },
        values: await takeTurns(describePlace(place), contenders, bench.rounds, bench.progress),
      });
    }
    return { comparisons };
  },
};

function measureOnce(
  place: Place,
  kept: KeptData,
  { name, apply }: Cure,
  { binaries, progress, deliveryMs }: Pick<Bench, 'binaries' | 'progress' | 'deliveryMs'>,
): Promise<number> {
  return onFilledStage(place, kept, { binaries, progress, deliveryMs }, async (stage) => {
    await progress.during('destroying the member', destroy(stage));
    const startedAt = performance.now();
    const notCountedMs = await progress.during(`replacing it: ${name}`, apply(stage));
    await stage.cluster.waitUntilHealthy(stage.cluster.members.map((member) => member.name));
    return performance.now() - startedAt - notCountedMs;
  });
}

/** @returns once systemd has given up on its service: how far it had come would otherwise be chance */
async function destroy(stage: HostedStage): Promise<void> {
  const failed = failedOf(stage);
  await stage.cluster.destroyMember(failed);
  await until(`the service of ${failed} has failed for good`, async () =>
    (await stage.cluster.run(failed, `systemctl show -p ActiveState ${UNIT}`)).includes('ActiveState=failed'),
  );
}
