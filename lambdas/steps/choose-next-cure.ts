import { chooseNextCureInput } from '../../core/auth-token-reset/contracts.ts';
import { chooseNextCure } from '../../core/auth-token-reset/next-cure.ts';
import { summarizeNextCure } from '../../core/auth-token-reset/summaries.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** Reads what every member says to fresh tokens, and decides the one next thing to do. */
export const handler = etcdStep(chooseNextCureInput, async (etcd, input) => {
  const next = chooseNextCure(await observeTokens(etcd), input);
  return { ...next, summary: summarizeNextCure(next) };
});
