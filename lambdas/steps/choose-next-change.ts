import { chooseNextChangeInput } from '../../core/member-replacement/contracts.ts';
import { chooseNextChange, scopeInView } from '../../core/member-replacement/next-change.ts';
import { summarizeNextChange } from '../../core/member-replacement/summaries.ts';
import { etcdStep } from '../step.ts';

/** Reads the whole cluster again and decides the one next thing to do. */
export const handler = etcdStep(
  chooseNextChangeInput,
  async (etcd, input) => {
    const next = chooseNextChange(await etcd.observe(), input);
    return { ...next, summary: summarizeNextChange(next) };
  },
  (input) => ({ ...input.cluster, members: scopeInView(input).observed }),
);
