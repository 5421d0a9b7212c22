import { chooseNextMemberInput } from '../../core/space-reclaim/contracts.ts';
import { chooseNext } from '../../core/space-reclaim/decisions.ts';
import { summarizeNextAction } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

/** Reads the whole cluster again and decides the one next thing to do. */
export const handler = etcdStep(chooseNextMemberInput, async (etcd, input) => {
  const next = chooseNext(await etcd.observe(), input);
  return { ...next, summary: summarizeNextAction(next) };
});
