import { planReplacementInput } from '../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../core/member-replacement/replacement-plan.ts';
import { scopeOf } from '../../core/member-replacement/replacement-scope.ts';
import { summarizePlan } from '../../core/member-replacement/summaries.ts';
import { lateCertificates } from '../etcd/certificates.ts';
import { etcdStep } from '../step.ts';

/** From a fresh reading and the hosts' inspections: what has to be done for each failed member, and is each host ready for it? */
export const handler = etcdStep(
  planReplacementInput,
  async (etcd, input) => {
    const plan = planReplacement(await etcd.observe(), input, lateCertificates(input.inspections));
    return { ...plan, summary: summarizePlan(plan) };
  },
  (input) => ({ ...input.cluster, members: scopeOf(input).observed }),
);
