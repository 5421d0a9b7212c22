import { until } from '../drills/conditions.ts';
import { CLUSTER_NAME, type HostedStage, setHostedStage } from '../drills/stage.ts';
import { Writer } from '../drills/writer.ts';
import { freePorts, HOST } from '../local/etcd/ports.ts';
import { crashMembers, damageLog, wipeData } from '../local/hosts/damage.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import { describe, median } from './statistics.ts';

const RUNS = 3;
const KEYS = 10_000;
const [FIRST, SECOND, THIRD] = ['m1', 'm2', 'm3'] as const;

type Act = (stage: HostedStage) => Promise<void>;

/** How the quorum is lost, and what an operator types then. */
interface Case {
  title: string;
  damage: Act;
  bareCommands: Act;
}

/** Our runbook, without the confirmation time: that is a matter of policy and not of speed. */
const runbook: Act = async ({ platform }) => {
  const execution = await platform.execute({
    incident: 'quorum-lost',
    input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 0 } },
  });
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.error}: ${execution.cause}`);
};

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
        --initial-cluster-token recovered --initial-advertise-peer-urls ${peerUrl} --data-dir '${dataDir}.new' 2> /dev/null
      if [ -e '${dataDir}' ]; then mv '${dataDir}' '${dataDir}.old'; fi
      mv '${dataDir}.new' '${dataDir}'
      systemctl start ${UNIT}`;
  });
};

/** On hosts that are this machine, a file beside a data dir can be read from all of them. */
const snapshotOf = (stage: HostedStage, name: string) => `${stage.cluster.member(name).host.layout.dataDir}.snapshot`;

const CASES: readonly Case[] = [
  {
    title: 'all members killed, all data whole',
    damage: ({ cluster }) => crashMembers(cluster, [FIRST, SECOND, THIRD]),
    bareCommands: async (stage) => {
      await onEveryHost(stage, () => `systemctl start ${UNIT}`);
    },
  },
  {
    title: 'one member up, the data of two gone',
    damage: async ({ cluster }) => {
      await crashMembers(cluster, [FIRST, SECOND]);
      await Promise.all([FIRST, SECOND].map((name) => wipeData(cluster, name)));
    },
    bareCommands: async (stage) => {
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
    bareCommands: async (stage) => {
      const snapshot = snapshotOf(stage, THIRD);
      const { dataDir, binDir } = stage.cluster.member(THIRD).host.layout;
      const { client, peer } = await freePorts();
      const url = `http://${HOST}:${client}`;
      await stage.cluster.run(
        THIRD,
        `set -e
        cp -a '${dataDir}' '${dataDir}.copy'
        '${binDir}/etcd' --name copy --data-dir '${dataDir}.copy' --force-new-cluster --listen-client-urls ${url} \
          --advertise-client-urls ${url} --listen-peer-urls http://${HOST}:${peer} > '${dataDir}.log' 2>&1 &
        copy=$!
        tries=0
        until '${binDir}/etcdctl' --endpoints ${url} endpoint health > /dev/null 2>&1; do
          tries=$((tries + 1)); [ $tries -lt 100 ] || exit 1; sleep 0.05
        done
        '${binDir}/etcdctl' --endpoints ${url} snapshot save '${snapshot}' 2> /dev/null
        kill $copy
        wait $copy || true`,
      );
      await restoreEverywhere(stage, snapshot);
    },
  },
];

/** From the decision to act until the first write is accepted, by the runbook and by the bare commands for the same damage. */
export async function measureRecovery(): Promise<void> {
  for (const { title, damage, bareCommands } of CASES) {
    const times = { runbook: [] as number[], bare: [] as number[] };
    for (let turn = 0; turn < RUNS; turn++) {
      times.runbook.push(await measureOnce(damage, runbook));
      times.bare.push(await measureOnce(damage, bareCommands));
    }
    console.log(`Three members, ${KEYS} keys, ${title}: until the first accepted write`);
    console.log(`    runbook        ${describe(times.runbook)}`);
    console.log(`    bare commands  ${describe(times.bare)}`);
    console.log(`    ratio ${(median(times.runbook) / median(times.bare)).toFixed(1)}`);
  }
}

async function measureOnce(damage: Act, cure: Act): Promise<number> {
  const options = { etcd: '3.5.16', members: 3, tls: false, auth: false, sizeMiB: 256 };
  const stage = await setHostedStage(options, { say: () => undefined, onEvent: () => undefined });
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  const writer = new Writer({ endpoints, keys: KEYS, valueBytes: 128 });
  try {
    writer.start();
    await until('the keys are written', async () => writer.ackedWrites >= KEYS);
    writer.slowDown();
    await damage(stage);
    writer.forgetStalls();
    const startedAt = Date.now();
    await cure(stage);
    await until('a write is accepted', async () => writer.firstAckAt !== undefined);
    return (writer.firstAckAt ?? Number.NaN) - startedAt;
  } finally {
    await writer.stop();
    writer.close();
    await stage.close();
  }
}
