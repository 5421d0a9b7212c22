import type { AnsweringMember } from '../cluster/observation.ts';

export type RoomToQuota = Pick<AnsweringMember, 'dbSizeBytes' | 'quotaBytes'>;

/** Of the quota: who had less room at first is full, and a full store is to be backed up as it is. */
const FULL_BELOW = 1 / 50;
/** Of the room that there was at first. */
const LEAST_LEFT = 1 / 4;

/** Whether a database comes too close to its quota while a moment of it is kept: so long it grows with every write, for no page of it is used again. */
export function isQuotaInDanger(first: RoomToQuota, now: RoomToQuota): boolean {
  if (now.quotaBytes === null || now.dbSizeBytes <= first.dbSizeBytes) return false;
  const roomAtFirst = now.quotaBytes - first.dbSizeBytes;
  if (roomAtFirst < now.quotaBytes * FULL_BELOW) return false;
  return now.quotaBytes - now.dbSizeBytes < roomAtFirst * LEAST_LEFT;
}
