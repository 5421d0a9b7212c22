import type { EtcdBinaries } from '../local/etcd/binaries.ts';
import type { Progress } from './progress.ts';

/** What a part is given to work with. */
export interface Bench {
  /** Whether it is to do with fewer runs and smaller stores. */
  quick: boolean;
  /** How often each contender does the same. */
  rounds: number;
  /** Of stores; undefined: as large as the part sees fit. */
  sizesBytes?: readonly number[] | undefined;
  /** Of clusters; undefined: as many as the part sees fit. */
  memberCounts?: readonly number[] | undefined;
  /** The program; undefined: it is built, where that can be. */
  etcdDefrag?: string | undefined;
  /** How long a command takes at least until its host has it. */
  deliveryMs: number;
  binaries: EtcdBinaries;
  progress: Progress;
}

export interface Part {
  name: string;
  summary: string;
  /** It answers a question of its own, and is run only where it is asked for. */
  isApart?: boolean;
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
  /** The work, and what it was done to besides the place. */
  compared: string;
  /** Undefined where it does not matter. */
  place?: Place;
  measured: string;
  unit: Unit;
  /** By who did the work: ours first, then what it is compared with. A value a run. */
  values: ReadonlyMap<string, readonly number[]>;
}

export type Unit = 'ms' | 'writes' | 'elections' | 'MiB' | 'characters';

/** A cluster, and how much it holds. */
export interface Place {
  store: Store;
  members: number;
}

export interface Store {
  /** `1.0 GiB`, or `10,000 keys`. */
  title: string;
  /** Of all keys together; where it is about space, the quota. */
  sizeBytes: number;
  valueBytes: number;
}
