import { planTokenCureInput, type TogglePremises, type TokenCurePlan } from '../../core/contracts/tokens.ts';
import { planTokenCure } from '../../core/decisions/token-cure.ts';
import { surveyTokens } from '../../core/decisions/token-standing.ts';
import { type EtcdCluster, firstAnswer } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/** Which members can be restarted, and what it would take and mean to disable authentication for a moment. */
export const handler = etcdStep(planTokenCureInput, async (etcd, input): Promise<TokenCurePlan> => {
  const { members } = surveyTokens(input.cluster.members, await observeTokens(etcd));
  return planTokenCure(input, members, await premisesOf(etcd));
});

async function premisesOf(etcd: EtcdCluster): Promise<TogglePremises> {
  const admitted = await Promise.all(etcd.members.map((member) => member.admitsWithoutCertificate()));
  return { rootRoles: await rootRoles(etcd), admitsWithoutCertificate: admitted.includes(true) };
}

/** Where every member rejects tokens nobody can look it up; nobody could disable authentication either. */
async function rootRoles(etcd: EtcdCluster): Promise<string[] | null> {
  try {
    return await firstAnswer(etcd.members, (member) => member.rolesOf('root'));
  } catch (error) {
    if (hasReason(error, 'TokenRejected')) return [];
    throw error;
  }
}
