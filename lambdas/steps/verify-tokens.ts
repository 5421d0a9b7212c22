import { type VerifiedTokens, verifyTokensInput } from '../../core/auth-token-reset/contracts.ts';
import { describePendingDisable, verifyTokens } from '../../core/auth-token-reset/token-verification.ts';
import { VerificationFailed } from '../../core/errors.ts';
import { forgetWindow, membersWithPendingDisable, readWindow } from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/**
 * That every member which answers takes fresh tokens and lets no stranger in. Then nobody has to know any more that authentication was disabled;
 * unless a member that was asked to disable it is silent, and might come to it later.
 * @throws VerificationFailed, EtcdUnavailable
 */
export const handler = etcdStep(verifyTokensInput, async (etcd, { cluster, execution }): Promise<VerifiedTokens> => {
  const written = await readWindow(etcd.members);
  const { window } = written;
  const isOwn = window?.execution === execution;
  const asked = window && isOwn ? await membersWithPendingDisable(etcd, window) : [];
  const verified = verifyTokens(await observeTokens(etcd), cluster);
  await refuseOpen(etcd, verified.healthy);
  if (isOwn && asked.length === 0) await forgetWindow(etcd.members, written);
  return { ...verified, summary: [verified.summary, ...describePendingDisable(asked)].join(' ') };
});

async function refuseOpen(etcd: EtcdCluster, names: readonly string[]): Promise<void> {
  const open = await Promise.all(names.map((name) => etcd.member(name).authentication.servesStrangers()));
  const strange = names.filter((_, index) => open[index]);
  if (strange.length === 0) return;
  throw new VerificationFailed(
    `${strange.join(', ')} serves clients without a login and without a certificate, while others ask for a login. Replace it as a failed ` +
      'member: its users and roles are not those of the cluster.',
  );
}
