import type { DeployedFlags } from './deployed/flags.ts';
import type { FileFlags } from './files.ts';

export interface AnalyzeFlags extends FileFlags, DeployedFlags {
  deployed: boolean;
  seconds: number;
  growth: number;
  keys: boolean;
}

/** What the step is asked. */
export function analysisRequest(cluster: string, { seconds, growth, keys }: AnalyzeFlags) {
  return { cluster, seconds, growthSeconds: growth, keys };
}
