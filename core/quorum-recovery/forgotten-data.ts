import { PreconditionFailed } from '../errors.ts';
import { describeHeld, type HeldLog, lacksCommitted, standsStill } from '../hosts/newer-data.ts';
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
 * Those whose logs lack an entry that another one knows as committed, with why they are not trusted. Only a minority can lack it.
 * If more do, they have lost what they had, and their logs are those of an empty cluster that ran since. Which of two such histories is further says
 * nothing, so each log is asked: members that began empty and were a quorum have left no quorum of others that could be taken for such.
 */
export function forgottenAmong(services: readonly Service[], quorum: number): Map<Service, string> {
  const known = services.filter(({ inspection, clusterId }) => inspection?.raftLog && clusterId !== '');
  const forgotten = [...Map.groupBy(known, ({ clusterId }) => clusterId).values()].flatMap((same) => {
    // Hosts are not looked at in the same moment: a log that goes on proves nothing of one that was read before it.
    const still = same.filter(({ inspection }) => inspection && standsStill(inspection));
    return still.flatMap((proof) => {
      const held = heldBy(proof);
      const lacking = same.flatMap((each) => {
        const raftLog = each.inspection?.raftLog;
        const why = each.forgotten === '' && raftLog ? lacksCommitted(raftLog, held) : '';
        return why === '' ? [] : [{ each, why }];
      });
      if (lacking.length <= services.length - quorum) return [];
      return lacking.map(({ each, why }): [Service, string] => [
        each,
        `its log ${why}, and ${proof.member} knows that a quorum was at ${describeHeld(held)}. So it has ` +
          'lost its data and began empty under its old ID. What it holds was written since',
      ]);
    });
  });
  return new Map(forgotten);
}

function heldBy({ clusterId, inspection }: Service): HeldLog {
  const { commitIndex = '', commitTerm = '' } = inspection?.raftLog ?? {};
  return { clusterId, commitIndex, commitTerm };
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
