import type { Summarized } from '../../core/runbook/summary.ts';
import { summarizeStore } from '../../core/space-reclaim/describe-store.ts';
import { analyzeStoreInput, type StoreAnalysis } from '../../core/space-reclaim/store-analysis.ts';
import { parse } from '../../core/text/parse.ts';
import { analyzeStore } from '../etcd/analyze-store.ts';
import { connect } from '../etcd/cluster.ts';
import { readRegistry } from '../registry.ts';

/**
 * What fills the store of a cluster, by the prefixes of its keys. Changes nothing.
 * @throws as {@link analyzeStore} and {@link readRegistry}
 */
export async function handler(event: unknown): Promise<StoreAnalysis & Summarized> {
  const { cluster: name, ...request } = parse(analyzeStoreInput, event, "The step's input");
  const cluster = await readRegistry(name);
  const etcd = await connect(cluster);
  try {
    const analysis = await analyzeStore(etcd, cluster, request);
    return { ...analysis, summary: summarizeStore(analysis) };
  } finally {
    etcd.close();
  }
}
