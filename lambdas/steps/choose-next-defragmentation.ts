import { VerificationFailed } from '../../core/errors.ts';
import { chooseNextDefragmentationInput } from '../../core/space-reclaim/contracts.ts';
import { chooseNextDefragmentation, FULL } from '../../core/space-reclaim/next-defragmentation.ts';
import { summarizeNextDefragmentation } from '../../core/space-reclaim/summaries.ts';
import { explainFilling } from '../etcd/analyze-store.ts';
import { hasReason } from '../etcd/errors.ts';
import { whenSettled } from '../etcd/when-settled.ts';
import { etcdStep } from '../step.ts';

/** Reads the whole cluster again and decides the one next thing to do. Of a store that is full and not fragmented it also says what fills it. */
export const handler = etcdStep(chooseNextDefragmentationInput, async (etcd, input) => {
  try {
    const next = await whenSettled(etcd, (reading) => chooseNextDefragmentation(reading, input, Date.now()));
    return { ...next, summary: summarizeNextDefragmentation(next) };
  } catch (error) {
    if (!hasReason(error, FULL)) throw error;
    throw new VerificationFailed(`${(error as Error).message}${await explainFilling(etcd, input.cluster)}`, FULL);
  }
});
