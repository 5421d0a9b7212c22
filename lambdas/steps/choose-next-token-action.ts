import { chooseNextTokenActionInput } from '../../core/auth-token-reset/contracts.ts';
import { chooseNextTokenAction } from '../../core/auth-token-reset/next-token-action.ts';
import { summarizeNextTokenAction } from '../../core/auth-token-reset/summaries.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** Reads what every member says to fresh tokens, and decides the one next thing to do. */
export const handler = etcdStep(chooseNextTokenActionInput, async (etcd, input) => {
  const next = chooseNextTokenAction(await observeTokens(etcd), input);
  return { ...next, summary: summarizeNextTokenAction(next) };
});
