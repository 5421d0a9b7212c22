import { setTimeout as sleep } from 'node:timers/promises';
import { assessTokensInput } from '../../core/auth-token-reset/contracts.ts';
import { summarizeReading } from '../../core/auth-token-reset/summaries.ts';
import { assessTokens, requireAuth } from '../../core/auth-token-reset/token-assessment.ts';
import { READINGS } from '../../core/cluster/confirmation.ts';
import { findUnseenLeader } from '../../core/cluster/unseen-leader.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** A leader that has just stopped is followed for some seconds. */
const BEFORE_STOPPING_MS = 2_000;

/** One reading: which members reject tokens that were issued a moment ago? */
export const handler = etcdStep(assessTokensInput, async (etcd, input) => {
  requireAuth(input.cluster);
  for (let reading = 1; ; reading++) {
    const observation = await observeTokens(etcd);
    try {
      const assessment = assessTokens(observation, input);
      return { ...assessment, summary: summarizeReading(assessment) };
    } catch (error) {
      const mayPass = findUnseenLeader(observation) !== undefined;
      if (reading >= READINGS || !mayPass || !(error instanceof PreconditionFailed)) throw error;
    }
    await sleep(BEFORE_STOPPING_MS);
  }
});
