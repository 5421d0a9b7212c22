import { chooseNextCureInput } from '../../core/auth-token-reset/contracts.ts';
import { chooseNextCure } from '../../core/auth-token-reset/next-cure.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** Reads what every member says to fresh tokens, and decides the one next thing to do. */
export const handler = etcdStep(chooseNextCureInput, async (etcd, input) =>
  chooseNextCure(await observeTokens(etcd), input),
);
