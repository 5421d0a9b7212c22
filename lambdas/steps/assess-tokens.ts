import { assessTokensInput } from '../../core/contracts/tokens.ts';
import { assessTokens, requireAuth } from '../../core/decisions/token-assessment.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** One reading: which members reject tokens that were issued a moment ago? */
export const handler = etcdStep(assessTokensInput, async (etcd, input) => {
  requireAuth(input.cluster);
  return assessTokens(await observeTokens(etcd), input);
});
