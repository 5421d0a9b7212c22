import { until } from '../drills/conditions.ts';
import type { HostedStage } from '../drills/stage.ts';
import { freePorts, HOST } from '../local/etcd/ports.ts';
import { crashMembers, damageLog, wipeData } from '../local/hosts/damage.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import { filledPlaces, keepPlace, onFilledStage } from './filling.ts';
import type { KeptData } from './kept-data.ts';
import type { Bench, Comparison, Findings, Part, Place } from './part.ts';
import { describePlace } from './places.ts';
import { runRunbook } from './runbook.ts';
import { takeTurns } from './turns.ts';

type Act = (stage: HostedStage) => Promise<void>;
/** @returns milliseconds that do not count */
type Cure = (stage: HostedStage) => Promise<number>;

/** How the quorum is lost, and what an operator types then. */
interface Loss {
  title: string;
  /** With fewer it is no loss of this kind. */
  fewestMembers: number;
  damage: Act;
  typeCommands: Act;
}

/**
 * The hosts are inspected in the last five seconds of the confirmation, which does not count. So it takes ten here, and as many as the inspection has
 * with the usual minute.
 */
const runbook: Cure = (stage) => runRunbook(stage, 'quorum-lost', { confirmSeconds: 10 });
const typed =
  (typeCommands: Act): Cure =>
  async (stage) => {
    await typeCommands(stage);
    return 0;
  };

const namesOf = ({ cluster }: HostedStage) => cluster.members.map(({ name }) => name);
/** The one whose data is left, and those whose is not. */
const lastOf = (stage: HostedStage) => namesOf(stage).at(-1) as string;
const othersOf = (stage: HostedStage) => namesOf(stage).slice(0, -1);

const onEveryHost = ({ cluster }: HostedStage, script: (name: string) => string) =>
  Promise.all(cluster.members.map(({ name }) => cluster.run(name, script(name))));

/**
 * What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/recovery/ The snapshot has to get to each host first: with scp,
 * which between hosts that are one machine is a copy.
 */
const restoreEverywhere = (stage: HostedStage, snapshot: string) => {
  const { members } = stage.cluster;
  const initialCluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  return onEveryHost(stage, (name) => {
    const { peerUrl, host } = stage.cluster.member(name);
    const { dataDir, binDir } = host.layout;
    return `set -e
      systemctl stop ${UNIT}
      systemctl reset-failed ${UNIT}
      cp '${snapshot}' '${dataDir}.fetched'
      '${binDir}/etcdutl' snapshot restore '${dataDir}.fetched' --name ${name} --initial-cluster '${initialCluster}' \
        --initial-cluster-token recovered --initial-advertise-peer-urls ${peerUrl} --data-dir '${dataDir}.new'
      if [ -e '${dataDir}' ]; then mv '${dataDir}' '${dataDir}.old'; fi
      mv '${dataDir}.new' '${dataDir}'
      systemctl start ${UNIT}`;
  });
};

const snapshotOf = (stage: HostedStage, name: string) => `${stage.cluster.member(name).host.layout.dataDir}.snapshot`;

/** A copy of the member's data, started as a cluster of one, has what its log holds; a snapshot is taken of that. */
const snapshotOfCopy = (stage: HostedStage, name: string, url: string, peerUrl: string) => {
  const { dataDir, binDir } = stage.cluster.member(name).host.layout;
  return `set -e
    cp -a '${dataDir}' '${dataDir}.copy'
    '${binDir}/etcd' --name copy --data-dir '${dataDir}.copy' --force-new-cluster --listen-client-urls ${url} \
      --advertise-client-urls ${url} --listen-peer-urls ${peerUrl} > '${dataDir}.log' 2>&1 &
    copy=$!
    trap 'kill $copy 2> /dev/null || true' EXIT
    tries=0
    until '${binDir}/etcdctl' --endpoints ${url} endpoint health > /dev/null 2>&1; do
      tries=$((tries + 1))
      if [ $tries -ge 200 ]; then
        echo 'the copy did not become healthy; the end of its log:' >&2
        tail -n 5 '${dataDir}.log' >&2
        exit 1
      fi
      sleep 0.05
    done
    '${binDir}/etcdctl' --endpoints ${url} snapshot save '${snapshotOf(stage, name)}'
    kill $copy
    wait $copy || true`;
};

const LOSSES: readonly Loss[] = [
  {
    title: 'all members killed, all data whole',
    fewestMembers: 1,
    damage: (stage) => crashMembers(stage.cluster, namesOf(stage)),
    typeCommands: async (stage) => {
      await onEveryHost(stage, () => `systemctl start ${UNIT}`);
    },
  },
  {
    title: 'one member up, the data of the others gone',
    fewestMembers: 3,
    damage: async (stage) => {
      await crashMembers(stage.cluster, othersOf(stage));
      await Promise.all(othersOf(stage).map((name) => wipeData(stage.cluster, name)));
      // For a moment it still waits for a leader that is gone; an alarm, or a person, comes long after that.
      const survivor = stage.etcd.member(lastOf(stage));
      await until('the survivor has no leader', async () => (await survivor.status()).leaderId === '0');
    },
    typeCommands: async (stage) => {
      const survivor = lastOf(stage);
      const snapshot = snapshotOf(stage, survivor);
      await stage.cluster.etcdctl(['snapshot', 'save', snapshot], [survivor]);
      await restoreEverywhere(stage, snapshot);
    },
  },
  {
    title: 'all members killed, the data of one whole',
    fewestMembers: 3,
    damage: async (stage) => {
      const [first = '', ...rest] = othersOf(stage);
      await crashMembers(stage.cluster, namesOf(stage));
      await Promise.all([
        damageLog(stage.cluster, first, 'truncated'),
        ...rest.map((name) => wipeData(stage.cluster, name)),
      ]);
    },
    typeCommands: async (stage) => {
      const { client, peer } = await freePorts();
      const [url, peerUrl] = [`http://${HOST}:${client}`, `http://${HOST}:${peer}`];
      const whole = lastOf(stage);
      await stage.cluster.run(whole, snapshotOfCopy(stage, whole, url, peerUrl));
      await restoreEverywhere(stage, snapshotOf(stage, whole));
    },
  },
];

/** From the decision to act until the first write is accepted. */
export const recovery: Part = {
  name: 'recovery',
  summary: 'how long the recovery of a lost quorum takes, against bare commands for the same damage',
  async measure(bench: Bench): Promise<Findings> {
    const comparisons: Comparison[] = [];
    for (const place of filledPlaces(bench)) {
      await using kept = await keepPlace(place, bench);
      const losses = LOSSES.filter(({ fewestMembers }) => place.members >= fewestMembers);
      for (const { title, damage, typeCommands } of losses) {
        const contenders = [
          { name: 'runbook', cure: runbook },
          { name: 'bare commands', cure: typed(typeCommands) },
        ].map(({ name, cure }) => ({ name, run: () => measureOnce({ place, kept, damage }, { name, cure }, bench) }));
        comparisons.push({
          ...{ compared: title, place, measured: 'until the first accepted write', unit: 'ms' },
          values: await takeTurns(`${describePlace(place)}, ${title}`, contenders, bench.rounds, bench.progress),
        });
      }
    }
    return { comparisons };
  },
};

function measureOnce(
  { place, kept, damage }: { place: Place; kept: KeptData; damage: Act },
  { name, cure }: { name: string; cure: Cure },
  { binaries, progress, deliveryMs }: Pick<Bench, 'binaries' | 'progress' | 'deliveryMs'>,
): Promise<number> {
  return onFilledStage(place, kept, { binaries, progress, deliveryMs }, async (stage, writer) => {
    await progress.during('taking the quorum away', damage(stage));
    await writer.ask('forgetStalls');
    const startedAt = Date.now();
    const notCountedMs = await progress.during(`recovering it: ${name}`, cure(stage));
    let acceptedAt: number | undefined;
    await until('a write is accepted', async () => {
      acceptedAt = (await writer.ask('look')).firstAckAt;
      return acceptedAt !== undefined;
    });
    return (acceptedAt ?? Number.NaN) - startedAt - notCountedMs;
  });
}
