import { type Cluster, layoutOf } from '../cluster/clusters.ts';
import { quorumIn, votersOf } from '../cluster/configured-quorum.ts';
import { PreconditionFailed } from '../errors.ts';
import { foldersOf } from '../hosts/host-fit.ts';
import type { PlanRecovery, SalvageReport } from './contracts.ts';
import { BUMP_REVISION } from './recovery-fit.ts';

/** A member whose host holds data that is not of the cluster in question, in words. */
export interface StrangeData {
  member: string;
  why: string;
}

/** What a recovery restores is ahead by about twice as much of what those hold that it has left out. */
const RAISED_BY = BigInt(BUMP_REVISION) / 2n;

type Found = Pick<PlanRecovery, 'cluster' | 'salvaged' | 'parameters'>;

/**
 * Members whose data is of another cluster than the one in question: a member was bootstrapped again, or was left out of an earlier recovery and came
 * back. Revisions of two clusters cannot be compared, so the higher one says nothing. The cluster in question is the one that a quorum of hosts holds
 * data of. If there is one, data of an unknown cluster is not used either. Members that a recovery has left out may be such a quorum, with data from
 * before it. The restored data is then recognised by its revision, and a person decides.
 *
 * Where a backup is forced, nothing of the hosts is taken.
 * @throws PreconditionFailed if that is unknown
 */
export function strangeDataIn({ cluster, salvaged, parameters }: Found): StrangeData[] {
  if (parameters.snapshot?.force) return [];
  const voters = votersOf(cluster).map(({ name }) => name);
  const held = salvaged.filter((report) => voters.includes(report.member) && isWrittenTo(report));
  const byCluster = Map.groupBy(held, ({ result }) => result?.clusterId ?? '');
  const known = [...byCluster].filter(([id]) => id !== '');
  if (known.length < 2) return [];
  const own = known.find(([, reports]) => reports.length >= quorumIn(cluster));
  if (!own) {
    throw undecided(
      cluster,
      [...byCluster],
      `none of these is on as many as make a quorum (${quorumIn(cluster)} of ${votersOf(cluster).length} voters)`,
    );
  }
  const [ownId, ownReports] = own;
  if (known.some(([, reports]) => newestOf(reports) - newestOf(ownReports) > RAISED_BY)) {
    throw undecided(
      cluster,
      [...byCluster],
      'one that is not on a quorum of them has the revision that a recovery raises it to',
    );
  }
  const owners = ownReports.map(({ member }) => member).join(', ');
  return [...byCluster].flatMap(([id, reports]) => {
    if (id === ownId) return [];
    const which = id === '' ? 'its cluster is unknown' : `it is of another cluster (${id})`;
    const why = `${which}, and a quorum of the hosts (${owners}) holds that of ${ownId}`;
    return reports.map(({ member }) => ({ member, why }));
  });
}

/** The same, where what is strange is nothing that could be restored. */
export function withoutStrange(salvaged: readonly SalvageReport[], strange: readonly StrangeData[]): SalvageReport[] {
  return salvaged.map((report) => {
    const found = strange.find(({ member }) => member === report.member);
    if (!found || !report.result) return report;
    return { ...report, result: { ...report.result, method: 'none', problem: found.why } };
  });
}

/** A store that was never written to belongs to no cluster in question: a member that has lost its disk and was bootstrapped again has one. */
function isWrittenTo({ result }: SalvageReport): boolean {
  return result !== null && result.method !== 'none' && BigInt(result.revision) > 1n;
}

function newestOf(reports: readonly SalvageReport[]): bigint {
  const [newest = 0n] = reports.map(({ result }) => BigInt(result?.revision ?? 0)).toSorted((a, b) => (a < b ? 1 : -1));
  return newest;
}

/** @param why it is not known which is meant */
function undecided(cluster: Cluster, byCluster: readonly [string, SalvageReport[]][], why: string): PreconditionFailed {
  const list = byCluster.map(
    ([id, reports]) => `\n- ${id || 'an unknown cluster'}: ${reports.map(describe).join('; ')}`,
  );
  const folders = byCluster.flatMap(([, reports]) =>
    reports.map(({ member, host }) => {
      const configured = cluster.members.find(({ name }) => name === member);
      return `${configured ? foldersOf(layoutOf(cluster, configured)).join(' and ') : 'its data'} on ${host}`;
    }),
  );
  return new PreconditionFailed(
    `The hosts hold data of different clusters, and ${why}, so ` +
      `it is unknown which is meant:${list.join('')}\nA member began again with an empty data dir, or was left out of an earlier recovery and came back. A higher ` +
      'revision does not say which. Find out which cluster holds the right data. On each host of another one stop etcd and move its data ' +
      `aside (of ${folders.join('; ')}), then start again. Or name a backup of the right one with parameters.snapshot and its "force". Nothing was restored.`,
  );
}

function describe({ member, host, result }: SalvageReport): string {
  return `${member} on ${host} holds its data at revision ${result?.revision}`;
}
