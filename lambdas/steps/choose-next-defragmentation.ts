import { chooseNextDefragmentationInput } from '../../core/space-reclaim/contracts.ts';
import { chooseNextDefragmentation } from '../../core/space-reclaim/next-defragmentation.ts';
import { summarizeNextDefragmentation } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

/** Reads the whole cluster again and decides the one next thing to do. */
export const handler = etcdStep(chooseNextDefragmentationInput, async (etcd, input) => {
  const next = chooseNextDefragmentation(await etcd.observe(), input);
  return { ...next, summary: summarizeNextDefragmentation(next) };
});
