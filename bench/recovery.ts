import { until } from '../drills/conditions.ts';
import { type HostedStage, setHostedStage } from '../drills/stage.ts';
import { WriterThread } from '../drills/writer-thread.ts';
import { freePorts, HOST } from '../local/etcd/ports.ts';
import { crashMembers, damageLog, wipeData } from '../local/hosts/damage.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import type { Bench, Comparison, Findings, Part } from './part.ts';
import { runRunbook } from './runbook.ts';
import { takeTurns } from './turns.ts';

const [FIRST, SECOND, THIRD] = ['m1', 'm2', 'm3'] as const;

type Act = (stage: HostedStage) => Promise<void>;

/** How the quorum is lost, and what an operator types then. */
interface Loss {
  title: string;
  damage: Act;
  typeCommands: Act;
}

/** Our runbook, without the confirmation time: that is a matter of policy and not of speed. */
const runbook: Act = (stage) => runRunbook(stage, 'quorum-lost', { confirmSeconds: 1 });

const onEveryHost = ({ cluster }: HostedStage, script: (name: string) => string) =>
  Promise.all(cluster.members.map(({ name }) => cluster.run(name, script(name))));

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/recovery/ */
const restoreEverywhere = (stage: HostedStage, snapshot: string) => {
  const { members } = stage.cluster;
  const initialCluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  return onEveryHost(stage, (name) => {
    const { peerUrl, host } = stage.cluster.member(name);
    const { dataDir, binDir } = host.layout;
    return `set -e
      systemctl stop ${UNIT}
      systemctl reset-failed ${UNIT}
      '${binDir}/etcdutl' snapshot restore '${snapshot}' --name ${name} --initial-cluster '${initialCluster}' \
        --initial-cluster-token recovered --initial-advertise-peer-urls ${peerUrl} --data-dir '${dataDir}.new'
      if [ -e '${dataDir}' ]; then mv '${dataDir}' '${dataDir}.old'; fi
      mv '${dataDir}.new' '${dataDir}'
      systemctl start ${UNIT}`;
  });
};

/** On hosts that are this machine, a file beside a data dir can be read from all of them. */
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
    damage: ({ cluster }) => crashMembers(cluster, [FIRST, SECOND, THIRD]),
    typeCommands: async (stage) => {
      await onEveryHost(stage, () => `systemctl start ${UNIT}`);
    },
  },
  {
    title: 'one member up, the data of two gone',
    damage: async ({ cluster }) => {
      await crashMembers(cluster, [FIRST, SECOND]);
      await Promise.all([FIRST, SECOND].map((name) => wipeData(cluster, name)));
    },
    typeCommands: async (stage) => {
      const snapshot = snapshotOf(stage, THIRD);
      await stage.cluster.etcdctl(['snapshot', 'save', snapshot], [THIRD]);
      await restoreEverywhere(stage, snapshot);
    },
  },
  {
    title: 'all members killed, the data of one whole',
    damage: async ({ cluster }) => {
      await crashMembers(cluster, [FIRST, SECOND, THIRD]);
      await Promise.all([damageLog(cluster, FIRST, 'truncated'), wipeData(cluster, SECOND)]);
    },
    typeCommands: async (stage) => {
      const { client, peer } = await freePorts();
      const [url, peerUrl] = [`http://${HOST}:${client}`, `http://${HOST}:${peer}`];
      await stage.cluster.run(THIRD, snapshotOfCopy(stage, THIRD, url, peerUrl));
      await restoreEverywhere(stage, snapshotOf(stage, THIRD));
    },
  },
];

/** From the decision to act until the first write is accepted. */
export const recovery: Part = {
  name: 'recovery',
  summary: 'how long the recovery of a lost quorum takes, against bare commands for the same damage',
  async measure({ quick, binaries, progress }: Bench): Promise<Findings> {
    const keys = quick ? 2_000 : 10_000;
    const comparisons: Comparison[] = [];
    for (const { title, damage, typeCommands } of LOSSES) {
      const contenders = [
        { name: 'runbook', cure: runbook },
        { name: 'bare commands', cure: typeCommands },
      ].map(({ name, cure }) => ({
        name,
        run: () => measureOnce(damage, { name, cure }, keys, { binaries, progress }),
      }));
      comparisons.push({
        compared: `three members, ${keys} keys, ${title}`,
        measured: 'until the first accepted write',
        unit: 'ms',
        values: await takeTurns(title, contenders, quick ? 1 : 3, progress),
      });
    }
    return { comparisons };
  },
};

async function measureOnce(
  damage: Act,
  { name, cure }: { name: string; cure: Act },
  keys: number,
  { binaries, progress }: Pick<Bench, 'binaries' | 'progress'>,
): Promise<number> {
  const options = { etcd: binaries.version, members: 3, tls: false, auth: false, sizeMiB: 256 };
  const stage = await progress.during(
    'making the cluster and its hosts',
    setHostedStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  const writer = new WriterThread({ endpoints, keys, valueBytes: 128 });
  try {
    await writer.ask('start');
    const areWritten = async () => (await writer.ask('look')).ackedWrites >= keys;
    await progress.during('writing the keys', until(`${keys} keys are written`, areWritten));
    await writer.ask('slowDown');
    await progress.during('taking the quorum away', damage(stage));
    await writer.ask('forgetStalls');
    const startedAt = Date.now();
    await progress.during(`recovering it: ${name}`, cure(stage));
    let acceptedAt: number | undefined;
    await until('a write is accepted', async () => {
      acceptedAt = (await writer.ask('look')).firstAckAt;
      return acceptedAt !== undefined;
    });
    return (acceptedAt ?? Number.NaN) - startedAt;
  } finally {
    await writer.end().finally(() => stage.close());
  }
}
