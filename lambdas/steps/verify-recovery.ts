import { VerificationFailed } from '../../core/errors.ts';
import { type VerifiedRecovery, verifyRecoveryInput } from '../../core/quorum-recovery/contracts.ts';
import { verifyRecovery } from '../../core/quorum-recovery/recovery-verification.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { etcdStep } from '../step.ts';

/**
 * One reading of every member: is the cluster back, and at the revision that it has to be at?
 * @throws VerificationFailed where it is not, or lets in anybody: data that is older than the day on which authentication was enabled
 */
export const handler = etcdStep(verifyRecoveryInput, async (etcd, input): Promise<VerifiedRecovery> => {
  // A member that was left out may run on, of the cluster that was before, which has the same names.
  const observation = await etcd.observe(undefined, input.restored ? input.required : []);
  const verified = verifyRecovery(observation, input);
  if (input.restored && input.cluster.auth) {
    await Promise.all(verified.healthy.map((name) => requireLogin(etcd.member(name))));
  }
  return verified;
});

async function requireLogin(member: EtcdMember): Promise<void> {
  if (!(await member.authentication.servesAnybody())) return;
  throw new VerificationFailed(
    `${member.name} serves clients that have not logged in: the restored data has authentication disabled, though clusters.json names a ` +
      'login. Enable it now ("etcdctl auth enable"; the user root with the role root has to be there), or take "auth" out of clusters.json.',
  );
}
