export type JobKind = 'start' | 'stop' | 'restart';
export type JobResult = 'done' | 'failed' | 'canceled';

/** What a service is asked for and has not yet come to; it has one job at most. */
export interface PendingJob {
  readonly kind: JobKind;
  /** Whether the service is being started for it. */
  readonly isBegun: boolean;
  readonly promise: Promise<JobResult>;
  /** From here on it is a start. */
  begin(): void;
  /** Makes it serve another request too. @returns false where it contradicts this one */
  merge(kind: JobKind): boolean;
  finish(result: JobResult): void;
}

export function pendingJob(first: JobKind): PendingJob {
  const { promise, resolve } = Promise.withResolvers<JobResult>();
  let kind = first;
  let isBegun = false;
  return {
    get kind() {
      return kind;
    },
    get isBegun() {
      return isBegun;
    },
    promise,
    begin: () => {
      kind = 'start';
      isBegun = true;
    },
    merge: (other) => {
      if ((other === 'stop') !== (kind === 'stop')) return false;
      if (other === 'restart') {
        kind = other;
        isBegun = false;
      }
      return true;
    },
    finish: resolve,
  };
}
