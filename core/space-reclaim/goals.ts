import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import type { SpaceParameters } from './contracts.ts';
import { isAboveShare, type QuotaOf } from './quotas.ts';

/** Without an alarm, a database above this share of its quota is worth a compaction, whatever is free in it already. */
export const PREVENT_ABOVE_RATIO = 0.8;

/** Less than this gives room to no write that is worth a pause: one request, or one part in a hundred of the database. */
const LEAST_GAIN_BYTES = 1024 * 1024;

const LEAST_GAIN_RATIO = 0.01;

/** Below which share of its quota every database has to come: so that the alarm can be disarmed, or so that none is near. */
export function goalRatioOf({ alarms }: Pick<Observation, 'alarms'>, { disarmBelowRatio }: SpaceParameters): number {
  return alarms.length > 0 ? disarmBelowRatio : Math.min(disarmBelowRatio, PREVENT_ABOVE_RATIO);
}

export function isAbove(
  ratio: number,
  member: AnsweringMember,
  size: 'dbSizeBytes' | 'dbSizeInUseBytes',
  quotaOf: QuotaOf,
): boolean {
  return isAboveShare(ratio, member[size], quotaOf(member).bytes);
}

export function isWorthDefragmenting(member: AnsweringMember, parameters: SpaceParameters): boolean {
  const reclaimableBytes = member.dbSizeBytes - member.dbSizeInUseBytes;
  return (
    reclaimableBytes > 0 &&
    reclaimableBytes >= parameters.minReclaimBytes &&
    reclaimableBytes >= member.dbSizeBytes * parameters.minReclaimRatio
  );
}

/** Whether a defragmentation makes it smaller by an amount that counts. Right after one it has nothing to give. */
export function hasSomethingToGive({ dbSizeBytes, dbSizeInUseBytes }: AnsweringMember): boolean {
  return dbSizeBytes - dbSizeInUseBytes >= Math.max(LEAST_GAIN_BYTES, dbSizeBytes * LEAST_GAIN_RATIO);
}

/** Whether dbSizeInUse is sure to be the true one after a compaction that no write follows: on 3.5 it is (measured on 3.5.16, 3.5.30 and 3.5.35). */
export function reportsUseAfterCompaction({ version }: AnsweringMember): boolean {
  return version.startsWith('3.5.');
}

/** What cannot become smaller, and is too large by a quota that was only concluded, is left for a write to tell. */
export function isUnproven(member: AnsweringMember, goalRatio: number, quotaOf: QuotaOf): boolean {
  return quotaOf(member).source === 'alarm' && isAbove(goalRatio, member, 'dbSizeInUseBytes', quotaOf);
}

/** Followers first, in the order of the configuration; the leader last. */
export function order(members: readonly AnsweringMember[], leader: AnsweringMember): AnsweringMember[] {
  return [...members.filter((member) => member !== leader), ...members.filter((member) => member === leader)];
}
