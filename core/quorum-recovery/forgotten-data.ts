import { PreconditionFailed } from '../errors.ts';
import { standsStill } from '../hosts/newer-data.ts';
import type { PlanRecovery } from './contracts.ts';
import type { StrangeData } from './data-cluster.ts';
import type { Service } from './service.ts';

/**
 * A member that has lost its data and was started again runs under its old ID in its old cluster. It votes, but knows nothing of
 * what it has acknowledged. Two of three such elect each other, and then the cluster is empty. So they do not count for a quorum, and are stopped
 * before any other is started.
 *
 * What a log does not say counts as data here. That is the careful side for a restore, which must not pass over anything; and for a start it does
 * no harm, for etcd starts on no log whose begin it cannot read.
 */

/**
 * Those whose logs end before an entry that another one knows as committed, with why they are not trusted. Only a minority can be behind.
 * If more are, they have lost what they had, and their logs are those of an empty cluster that ran since.
 */
export function forgottenAmong(services: readonly Service[], quorum: number): Map<Service, string> {
  const known = services.filter(({ inspection, clusterId }) => inspection?.raftLog && clusterId !== '');
  const forgotten = [...Map.groupBy(known, ({ clusterId }) => clusterId).values()].flatMap((same) => {
    // Hosts are not looked at in the same moment: a log that goes on proves nothing of one that was read before it.
    const [furthest] = same
      .filter(({ inspection }) => inspection && standsStill(inspection))
      .toSorted((a, b) => (committedBy(a) < committedBy(b) ? 1 : -1));
    if (!furthest) return [];
    const committed = committedBy(furthest);
    const behind = same.filter((each) => each.forgotten === '' && endsBefore(each, committed));
    if (behind.length <= services.length - quorum) return [];
    return behind.map((each): [Service, string] => [
      each,
      `its log ends at index ${each.inspection?.raftLog?.lastIndex}, and ${furthest.member} knows that a quorum was at index ${committed}. So it has ` +
        'lost its data and began empty under its old ID. What it holds was written since',
    ]);
  });
  return new Map(forgotten);
}

function committedBy({ inspection }: Service): bigint {
  return BigInt(inspection?.raftLog?.commitIndex || '0');
}

function endsBefore({ inspection }: Service, index: bigint): boolean {
  const { lastIndex = '' } = inspection?.raftLog ?? {};
  return lastIndex !== '' && BigInt(lastIndex) < index;
}

/**
 * Those that have to be stopped before anything else is done: one that is at work under a leader is left alone. A log that holds nothing has never had
 * one; of any other its own host has to say so. Without a leader etcd does not listen for clients before it has found one.
 */
export function stoppedFirst(services: readonly Service[]): Service[] {
  // Where no other host may hold anything there is nothing to keep from them: the cluster may only just have been bootstrapped.
  const isDataLeft = services.some(({ forgotten, inspection }) => forgotten === '' && !inspection?.dataDir.empty);
  if (!isDataLeft) return [];
  return services.filter(({ forgotten, runs, inspection }) => {
    if (forgotten === '' || !runs || !inspection) return false;
    const { answer, clientPortListens } = inspection.atWork;
    if (inspection.raftLog?.holds === 'nothing') return answer !== 'leader';
    return clientPortListens === false || answer === 'no-leader' || answer === 'silent';
  });
}

/**
 * What is not restored, because its member has lost the rest. Where a backup is forced, nothing of the hosts is taken.
 * @throws PreconditionFailed where an empty cluster was at work for so long that it is ahead: it is unknown which data is wanted
 */
export function forgottenDataIn(
  services: readonly Service[],
  { salvaged, parameters }: Pick<PlanRecovery, 'salvaged' | 'parameters'>,
): StrangeData[] {
  const forgotten = services.filter((each) => each.forgotten !== '');
  if (parameters.snapshot?.force || forgotten.length === 0) return [];
  const isForgotten = (name: string) => forgotten.some(({ member }) => member === name);
  const held = salvaged.flatMap(({ member, host, result }) =>
    result && result.method !== 'none' ? [{ member, host, revision: BigInt(result.revision) }] : [],
  );
  const [own] = held
    .filter(({ member }) => !isForgotten(member))
    .toSorted((a, b) => (a.revision < b.revision ? 1 : -1));
  const ahead = held.filter(({ member, revision }) => isForgotten(member) && own && revision > own.revision);
  if (own && ahead.length > 0) {
    const list = [own, ...ahead].map(({ member, host, revision }) => `\n- ${member} on ${host}: revision ${revision}`);
    throw new PreconditionFailed(
      `What ${ahead.map(({ member }) => member).join(', ')} holds was written by a cluster that began empty after data was lost. It is ahead of what is ` +
        `left from before:${list.join('')}\nDecide which data to keep. On the hosts of the other data stop etcd and move it aside, then start ` +
        'again. Nothing was restored.',
    );
  }
  return forgotten.map(({ member, forgotten: why }) => ({ member, why }));
}
