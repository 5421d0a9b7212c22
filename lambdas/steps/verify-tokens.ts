import { type VerifiedTokens, verifyTokensInput } from '../../core/contracts/tokens.ts';
import { verifyTokens } from '../../core/decisions/token-verification.ts';
import { EtcdUnavailable, VerificationFailed } from '../../core/errors.ts';
import { forgetWindow, readWindow, stillAsked } from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/**
 * That every member which answers takes fresh tokens and lets no stranger in, and that nothing is on its way any more that would disable
 * authentication. Then nobody has to know that it was disabled.
 * @throws VerificationFailed, EtcdUnavailable
 */
export const handler = etcdStep(verifyTokensInput, async (etcd, { cluster, execution }): Promise<VerifiedTokens> => {
  const written = await readWindow(etcd.members);
  const { window } = written;
  const isOwn = window?.execution === execution;
  const asked = window && isOwn ? await stillAsked(etcd, window) : [];
  if (asked.length > 0) {
    throw new EtcdUnavailable(
      `${asked.join(', ')} was asked to disable authentication, has not answered, and may still do it.`,
    );
  }
  const verified = verifyTokens(await observeTokens(etcd), cluster);
  await refuseOpen(etcd, verified.healthy);
  if (isOwn) await forgetWindow(etcd.members, written);
  return verified;
});

async function refuseOpen(etcd: EtcdCluster, names: readonly string[]): Promise<void> {
  const open = await Promise.all(names.map((name) => etcd.member(name).servesStrangers()));
  const strange = names.filter((_, index) => open[index]);
  if (strange.length === 0) return;
  throw new VerificationFailed(
    `${strange.join(', ')} serves clients without a login and without a certificate, while others ask for a login. Replace it as a failed ` +
      'member: its users and roles are not those of the cluster.',
  );
}
