import { isHealthy } from '../local/etcd/health.ts';
import { settles } from './conditions.ts';
import type { DrillCheck } from './scenario.ts';
import type { BaseStage, HostedStage } from './stage.ts';
import { alarms, statuses } from './witness.ts';

/** Member IDs by name; empty for a member that does not answer. */
export async function idsOf({ witness }: BaseStage): Promise<Map<string, string>> {
  const seen = await statuses(witness);
  return new Map([...seen].map(([name, member]) => [name, member?.id ?? '']));
}

export async function everyMemberVotes({ witness }: BaseStage): Promise<DrillCheck> {
  const seen = [...(await statuses(witness)).values()];
  const voters = seen.filter((member) => member?.isLearner === false);
  const detail = `${voters.length} of ${seen.length}`;
  return { name: 'every member is a voter', ok: voters.length === seen.length, detail };
}

export async function noAlarmIsLeft({ witness }: BaseStage): Promise<DrillCheck> {
  const raised = await alarms(witness);
  return { name: 'no alarm is left', ok: raised.length === 0, detail: `${raised.length} raised` };
}

export async function everyMemberHoldsTheSame({ cluster }: HostedStage): Promise<DrillCheck> {
  const hashes: number[] = [];
  const same = await settles(async () => {
    hashes.length = 0;
    for (const { name, clientUrl } of cluster.members) {
      if (!(await isHealthy(clientUrl, cluster.tls))) return false;
      const answer = JSON.parse(await cluster.etcdctl(['endpoint', 'hashkv', '--write-out=json'], [name]));
      hashes.push(answer[0].HashKV.hash);
    }
    return new Set(hashes).size === 1;
  });
  return { name: 'every member holds the same data', ok: same, detail: `hashes ${[...new Set(hashes)].join(', ')}` };
}

/** @param names the members whose data was replaced @param report the execution's output, which says where theirs is now */
export async function oldDataIsKept(
  { cluster }: HostedStage,
  names: readonly string[],
  report: unknown,
): Promise<DrillCheck> {
  const { archived = [] } = report as { archived?: { member: string; dataDir: string; walDir: string }[] };
  const found: string[] = [];
  for (const { member, dataDir, walDir } of archived) {
    const log = walDir || `${dataDir}/wal`;
    const kept = await cluster
      .run(member, `[ -d '${log}' ] && [ -f '${dataDir}/snap/db' ] && echo kept`)
      .catch(() => '');
    if (names.includes(member) && kept.trim() === 'kept') found.push(dataDir);
  }
  const ok = found.length === names.length;
  return { name: 'the old data is kept', ok, detail: found.join(', ') || 'it was not found' };
}
