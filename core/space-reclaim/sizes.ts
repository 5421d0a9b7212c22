import type { SettledCluster } from '../cluster/cluster-health.ts';
import { formatBytes } from '../text/format.ts';
import type { MemberSpace } from './contracts.ts';
import type { QuotaOf } from './quotas.ts';

export function describeSizes(cluster: SettledCluster, quotaOf: QuotaOf): string {
  return describeMembers(cluster, quotaOf)
    .map(
      (member) =>
        `\n- ${member.name} (${member.role}): database ${formatBytes(member.dbSizeBytes)}, in use ` +
        `${formatBytes(member.dbSizeInUseBytes)}, ${describeQuota(member)}`,
    )
    .join('');
}

function describeQuota({ quotaBytes, quotaSource }: MemberSpace): string {
  if (quotaBytes === null) return 'no quota';
  const quota = `quota ${formatBytes(quotaBytes)}`;
  return quotaSource === 'alarm' ? `${quota}, as NOSPACE was raised with a database of that size` : quota;
}

export function describeMembers(cluster: SettledCluster, quotaOf: QuotaOf): MemberSpace[] {
  return [...cluster.voters, ...cluster.learners].map((member) => ({
    name: member.name,
    id: member.id,
    role: member === cluster.leader ? 'leader' : member.isLearner ? 'learner' : 'follower',
    version: member.version,
    dbSizeBytes: member.dbSizeBytes,
    dbSizeInUseBytes: member.dbSizeInUseBytes,
    quotaBytes: quotaOf(member).bytes,
    quotaSource: quotaOf(member).source,
  }));
}
