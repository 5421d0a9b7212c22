import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** What the figures belong to. */
export interface Machine {
  platform: string;
  architecture: string;
  cores: number;
  /** As its maker calls it; empty where the system does not say. */
  processor: string;
  memoryBytes: number;
  /** Of the last minute, when the benchmark began. */
  loadAverage: number;
  nodeVersion: string;
}

export function describeMachine(): Machine {
  return {
    platform: platform(),
    architecture: arch(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? '',
    memoryBytes: totalmem(),
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(1)),
    nodeVersion: process.versions.node,
  };
}
