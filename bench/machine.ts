import { arch, availableParallelism, loadavg, platform } from 'node:os';

/** What the figures belong to. */
export function describeMachine() {
  return {
    platform: platform(),
    architecture: arch(),
    cores: availableParallelism(),
    /** Of the last minute, when the benchmark began. */
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(1)),
    nodeVersion: process.versions.node,
  };
}
