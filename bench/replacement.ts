import { until } from '../drills/conditions.ts';
import { type HostedStage, setHostedStage } from '../drills/stage.ts';
import { Writer } from '../drills/writer.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import type { Bench, Findings, Part } from './part.ts';
import { runRunbook } from './runbook.ts';
import { takeTurns } from './turns.ts';

const FAILED = 'm3';

interface Cure {
  name: string;
  apply(stage: HostedStage): Promise<void>;
}

const CURES: readonly Cure[] = [
  // With the shortest confirmation time, of which two seconds go into it: how long is a matter of policy and not of speed.
  { name: 'runbook', apply: (stage) => runRunbook(stage, 'member-failed', { confirmSeconds: 1 }) },
  { name: 'bare commands', apply: typeCommands },
];

/** What the etcd documentation tells an operator to type. https://etcd.io/docs/v3.5/op-guide/runtime-configuration/ */
async function typeCommands({ cluster, etcd }: HostedStage): Promise<void> {
  const others = cluster.members.map(({ name }) => name).filter((name) => name !== FAILED);
  const { host, peerUrl } = cluster.member(FAILED);
  const { dataDir, configFile } = host.layout;
  const { memberList } = await etcd.observe();
  const id = memberList.find(({ name }) => name === FAILED)?.id ?? '';
  // systemd has started the service again and again, until its limit: it refuses any further start, by hand too, until it is told to forget them.
  await cluster.run(
    FAILED,
    `set -e
    systemctl stop ${UNIT}
    systemctl reset-failed ${UNIT}
    mv '${dataDir}' '${dataDir}.old'`,
  );
  await cluster.etcdctl(['member', 'remove', id], others);
  await cluster.etcdctl(['member', 'add', FAILED, `--peer-urls=${peerUrl}`], others);
  await cluster.run(
    FAILED,
    `set -e
    sed -i.bak "s/^initial-cluster-state: .*/initial-cluster-state: existing/" '${configFile}'
    systemctl start ${UNIT}`,
  );
}

/** From the decision to act until every member is healthy again. */
export const replacement: Part = {
  name: 'replacement',
  summary: 'how long the replacement of a failed member takes, against bare commands',
  async measure({ quick, binaries, progress }: Bench): Promise<Findings> {
    const keys = quick ? 2_000 : 10_000;
    const contenders = CURES.map((cure) => ({
      name: cure.name,
      run: () => measureOnce(cure, keys, { binaries, progress }),
    }));
    const comparison = {
      compared: `three members, ${keys} keys, one member replaced`,
      measured: 'until every member is healthy again',
      unit: 'ms',
      values: await takeTurns('one member', contenders, quick ? 1 : 3, progress),
    } as const;
    return { comparisons: [comparison] };
  },
};

async function measureOnce(
  { name, apply }: Cure,
  keys: number,
  { binaries, progress }: Pick<Bench, 'binaries' | 'progress'>,
): Promise<number> {
  const options = { etcd: binaries.version, members: 3, tls: false, auth: false, sizeMiB: 256 };
  const stage = await progress.during(
    'making the cluster and its hosts',
    setHostedStage(options, { say: () => undefined, onEvent: () => undefined }),
  );
  try {
    await progress.during('writing the keys', write(stage, keys));
    await progress.during('destroying the member', destroy(stage));
    const startedAt = performance.now();
    await progress.during(`replacing it: ${name}`, apply(stage));
    await stage.cluster.waitUntilHealthy(stage.cluster.members.map((member) => member.name));
    return performance.now() - startedAt;
  } finally {
    await stage.close();
  }
}

async function write({ cluster }: HostedStage, keys: number): Promise<void> {
  const endpoints = cluster.members.map(({ clientUrl }) => clientUrl);
  const writer = new Writer({ endpoints, keys, valueBytes: 128 });
  try {
    writer.start();
    await until(`${keys} keys are written`, async () => writer.ackedWrites >= keys);
  } finally {
    await writer.stop();
    writer.close();
  }
}

/** @returns once systemd has given up on its service: how far it had come would otherwise be chance */
async function destroy({ cluster }: HostedStage): Promise<void> {
  await cluster.destroyMember(FAILED);
  await until(`the service of ${FAILED} has failed for good`, async () =>
    (await cluster.run(FAILED, `systemctl show -p ActiveState ${UNIT}`)).includes('ActiveState=failed'),
  );
}
