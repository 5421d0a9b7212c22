import { countKeysInput } from '../../core/space-reclaim/contracts.ts';
import { summarizeStore } from '../../core/space-reclaim/describe-store.ts';
import { REPORTED } from '../../core/space-reclaim/store-analysis.ts';
import { analyzeStore } from '../etcd/analyze-store.ts';
import { etcdStep } from '../step.ts';

/** What fills the store, for the report: read for some seconds, when everything else is done. */
export const handler = etcdStep(countKeysInput, async (etcd, { cluster }) => {
  const store = await analyzeStore(etcd, cluster, REPORTED);
  return { store, summary: summarizeStore(store) };
});
