import type { Cluster } from '../core/contracts/clusters.ts';

/** Each has a process of its own. */
const AT_ONCE = 4;

/** Some at a time: many that do not answer would take minutes one after the other. @returns in the same order */
export async function forEachCluster<Result>(
  clusters: readonly Cluster[],
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = clusters.entries();
  const worker = async () => {
    for (const [index, cluster] of left) results[index] = await work(cluster);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
