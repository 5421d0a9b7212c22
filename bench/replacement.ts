import { CLUSTER_NAME, type HostedStage, setHostedStage } from '../drills/stage.ts';
import { Writer } from '../drills/writer.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import { describe, median } from './statistics.ts';

const RUNS = 3;
const KEYS = 10_000;
const FAILED = 'm3';

type Cure = (stage: HostedStage) => Promise<void>;

/** Our runbook, without the confirmation time: that is a matter of policy and not of speed. */
const runbook: Cure = async ({ platform }) => {
  const execution = await platform.execute({
    incident: 'member-failed',
    input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 0 } },
  });
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.error}: ${execution.cause}`);
};

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/runtime-configuration/ */
const bareCommands: Cure = async ({ cluster, etcd }) => {
  const others = cluster.members.map(({ name }) => name).filter((name) => name !== FAILED);
  const { host, peerUrl } = cluster.members.find(({ name }) => name === FAILED) ?? {};
  const { dataDir, configFile } = host?.layout ?? {};
  const { memberList } = await etcd.observe();
  const id = memberList.find(({ name }) => name === FAILED)?.id ?? '';
  await cluster.run(FAILED, `systemctl stop ${UNIT}; mv '${dataDir}' '${dataDir}.old'`);
  await cluster.etcdctl(['member', 'remove', id], others);
  await cluster.etcdctl(['member', 'add', FAILED, `--peer-urls=${peerUrl}`], others);
  await cluster.run(
    FAILED,
    `sed -i.bak "s/^initial-cluster-state: .*/initial-cluster-state: existing/" '${configFile}'; systemctl start ${UNIT}`,
  );
  await cluster.waitUntilHealthy([FAILED]);
};

/** From the decision to act until every member is healthy again, by the runbook and by the bare commands. */
export async function measureReplacement(): Promise<void> {
  const times = { runbook: [] as number[], bare: [] as number[] };
  for (let turn = 0; turn < RUNS; turn++) {
    times.runbook.push(await measureOnce(runbook));
    times.bare.push(await measureOnce(bareCommands));
  }
  console.log(`Three members, ${KEYS} keys, one of them replaced:`);
  console.log(`    runbook        ${describe(times.runbook)}`);
  console.log(`    bare commands  ${describe(times.bare)}`);
  console.log(`    ratio ${(median(times.runbook) / median(times.bare)).toFixed(1)}`);
}

async function measureOnce(cure: Cure): Promise<number> {
  const options = { etcd: '3.5.16', members: 3, tls: false, auth: false, sizeMiB: 256 };
  const stage = await setHostedStage(options, { say: () => undefined, onEvent: () => undefined });
  try {
    const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
    const writer = new Writer({ endpoints, keys: KEYS, valueBytes: 128 });
    writer.start();
    while (writer.ackedWrites < KEYS) await new Promise((resolve) => setTimeout(resolve, 20));
    await writer.stop();
    writer.close();
    await stage.cluster.destroyMember(FAILED);
    const startedAt = performance.now();
    await cure(stage);
    await stage.cluster.waitUntilHealthy(stage.cluster.members.map(({ name }) => name));
    return performance.now() - startedAt;
  } finally {
    await stage.close();
  }
}
