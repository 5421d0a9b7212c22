/** The first part of the time is for the pace to settle: a minute of fourteen. */
const SETTLED_AFTER = 1 / 14;
/** What would take half as long again is given up early. Of what is nearer the end is waited for: it may be done in time, and its host may refuse. */
const HOPELESS = 1.5;
/**
 * A member sends ahead of whoever reads, at most so much. While more than this is left, it still keeps the moment of its snapshot. Measured: 754,400 bytes
 * (3.4.23) and 754,600 (3.5.30). grpc-js takes 16 pieces of 32 KiB ahead, and the rest is in HTTP/2's window and in etcd.
 */
export const SENT_AHEAD_BYTES = 2 * 1024 * 1024;
/** What is smaller than this is not kept open: it is sent before anything else could be done with it. */
const LEAST_HELD_BYTES = 8 * SENT_AHEAD_BYTES;

export interface Pace {
  passedBytes: number;
  /** As etcd has announced it; 0 before it has. */
  totalBytes: number;
  elapsedMs: number;
  /** What there is in all. */
  limitMs: number;
}

/** Whether a backup that goes on as it has begun will be far from done in time. */
export function isTooSlow({ passedBytes, totalBytes, elapsedMs, limitMs }: Pace): boolean {
  if (elapsedMs < limitMs * SETTLED_AFTER) return false;
  return elapsedMs * totalBytes > passedBytes * limitMs * HOPELESS;
}

/** Whether a host could go on with it: see {@link SENT_AHEAD_BYTES}. */
export function isLargeEnoughToHold({ totalBytes }: Pick<Pace, 'totalBytes'>): boolean {
  return totalBytes >= LEAST_HELD_BYTES;
}
