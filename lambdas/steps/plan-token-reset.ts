import { planTokenResetInput, type ResetPremises, type TokenResetPlan } from '../../core/auth-token-reset/contracts.ts';
import { summarizePlan } from '../../core/auth-token-reset/summaries.ts';
import { neededBy, planTokenReset } from '../../core/auth-token-reset/token-reset-plan.ts';
import { membersThat, surveyTokens } from '../../core/auth-token-reset/token-status.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { type EtcdCluster, firstAnswer } from '../etcd/cluster.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** Which members can be restarted, and what it would take and mean to disable authentication for a moment. */
export const handler = etcdStep(planTokenResetInput, async (etcd, input): Promise<TokenResetPlan & Summarized> => {
  const observation = await observeTokens(etcd);
  const { survey, members } = surveyTokens(input.cluster.members, observation);
  const admitted = await Promise.all(etcd.members.map((member) => member.authentication.admitsWithoutCertificate()));
  const premises: ResetPremises = {
    needed: neededBy(survey, observation.memberList, input.rejecting),
    rootRoles: await rootRoles(etcd, membersThat('TakesTokens', members)),
    admitsWithoutCertificate: admitted.includes(true),
  };
  const plan = planTokenReset(input, members, premises);
  return { ...plan, summary: summarizePlan(plan) };
});

/** Where no member takes a token nobody can look it up; nobody could disable authentication either. */
async function rootRoles(etcd: EtcdCluster, takers: readonly string[]): Promise<string[] | null> {
  if (takers.length === 0) return null;
  return firstAnswer(
    takers.map((name) => etcd.member(name)),
    (member) => member.authentication.rolesOf('root'),
  );
}
