import type { EtcdBinaries } from '../local/etcd/binaries.ts';
import type { Progress } from './progress.ts';

/** What a part is given to work with. */
export interface Bench {
  /** Whether it is to do with fewer runs and smaller stores. */
  quick: boolean;
  binaries: EtcdBinaries;
  progress: Progress;
}

export interface Part {
  name: string;
  summary: string;
  measure(bench: Bench): Promise<Findings>;
}

export interface Findings {
  comparisons: readonly Comparison[];
  /** Who could not take part here, and why. */
  skipped?: readonly Skipped[];
}

interface Skipped {
  name: string;
  reason: string;
}

/** What was measured while several did the same work, in turn and on one machine. */
export interface Comparison {
  /** The work, and what it was done to. */
  compared: string;
  measured: string;
  unit: 'ms' | 'writes';
  /** By who did the work: ours first, then what it is compared with. A value a run. */
  values: ReadonlyMap<string, readonly number[]>;
}
