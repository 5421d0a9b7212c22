import type { FoundBackups, OwnBackups } from '../backups/contracts.ts';
import { describeRehearsals, isProven, rehearsedEveryDays } from '../backups/rehearsal.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { InvalidInput, PreconditionFailed } from '../errors.ts';
import { placeOf } from '../hosts/host-place.ts';
import { START_AGAIN } from '../text/format.ts';
import type { RehearsalPlan, RehearsalRequest } from './contracts.ts';

interface Planning {
  cluster: Cluster;
  place: OwnBackups;
  request: RehearsalRequest;
  /** The newest; or the one that is named, if there is one. */
  found: Omit<FoundBackups, 'problem'>;
  nowMs: number;
}

/**
 * Whether a backup is rehearsed now, and which.
 * @throws InvalidInput where what is asked for is not there; PreconditionFailed where what is known of the one cannot be read
 */
export function planRehearsal({ cluster, place, request, found, nowMs }: Planning): RehearsalPlan {
  requireRehearsalHost(cluster, request);
  const rehearsed = found.rehearsed ?? null;
  if (request.scheduled) {
    const everyDays = rehearsedEveryDays(cluster);
    if (everyDays === undefined) {
      return { action: 'NotDue', backup: null, summary: 'The configuration asks for no rehearsals.' };
    }
    if (rehearsed && isProven(rehearsed, everyDays, nowMs)) {
      const summary = `None is due, one is every ${everyDays} days: ${describeRehearsals(rehearsed)}.`;
      return { action: 'NotDue', backup: null, summary };
    }
  }
  const [chosen] = found.backups;
  if (!chosen) {
    if (request.backup === undefined) {
      return { action: 'Postpone', backup: null, summary: 'No backup of this cluster was made yet.' };
    }
    throw new InvalidInput(
      `There is no backup "${request.backup}" of the cluster ${cluster.name} that could be restored. Name one that "etcd-remediation backups" lists, or none ` +
        'for the newest.',
    );
  }
  const { name, key, record, problem } = chosen;
  if (!record) {
    throw new PreconditionFailed(
      `What is known of the backup ${name} cannot be read, so nothing can be compared: ${problem}`,
    );
  }
  return {
    action: 'Rehearse',
    backup: { name, bucket: place.bucket, key, record },
    summary: `${name}, of revision ${record.revision}.`,
  };
}

/** That there is a host to rehearse on. @throws InvalidInput, PreconditionFailed where the member that is asked for has none */
export function requireRehearsalHost(cluster: Cluster, { member }: RehearsalRequest): void {
  if (member === undefined) {
    if (cluster.members.some(({ host }) => host !== undefined)) return;
    throw new InvalidInput(
      `clusters.json names no "host" for any member of the cluster ${cluster.name}, and a backup is rehearsed on one. Add them, and the "layout". ${START_AGAIN}`,
    );
  }
  if (cluster.members.some(({ name }) => name === member)) {
    placeOf(cluster, member);
    return;
  }
  throw new InvalidInput(
    `The cluster ${cluster.name} has no member "${member}"; it has ${cluster.members.map(({ name }) => name).join(', ')}.`,
  );
}
