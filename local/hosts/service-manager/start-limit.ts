/** How often a service was started lately. */
export interface StartLimit {
  /** Counts a start. @returns false where it is one too many */
  allows(limits: { startLimitIntervalMs: number; startLimitBurst: number }): boolean;
  reset(): void;
}

/** As systemd counts: the first start begins an interval, and within it there may be a burst of starts. */
export function createStartLimit(now: () => number = () => performance.now()): StartLimit {
  let beginMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  return {
    allows: ({ startLimitIntervalMs, startLimitBurst }) => {
      if (startLimitIntervalMs === 0 || startLimitBurst === 0) return true;
      if (now() - beginMs > startLimitIntervalMs) {
        beginMs = now();
        count = 0;
      }
      count += 1;
      return count <= startLimitBurst;
    },
    reset: () => {
      beginMs = Number.NEGATIVE_INFINITY;
    },
  };
}
