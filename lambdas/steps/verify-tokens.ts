import { type VerifiedTokens, verifyTokensInput } from '../../core/contracts/tokens.ts';
import { verifyTokens } from '../../core/decisions/token-verification.ts';
import { VerificationFailed } from '../../core/errors.ts';
import { forgetWindow } from '../etcd/authentication-window.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { etcdStep } from '../step.ts';

/**
 * That every member which answers takes fresh tokens and lets no stranger in; then nobody has to know any more that authentication was disabled.
 * @throws VerificationFailed, EtcdUnavailable
 */
export const handler = etcdStep(verifyTokensInput, async (etcd, { cluster }): Promise<VerifiedTokens> => {
  const verified = verifyTokens(await observeTokens(etcd), cluster);
  const members = verified.healthy.map((name) => etcd.member(name));
  const open = await Promise.all(members.map((member) => member.servesAnybody()));
  if (open.includes(true)) {
    const names = members.filter((_, index) => open[index]).map(({ name }) => name);
    throw new VerificationFailed(
      `${names.join(', ')} serves clients that have not logged in, while others ask for a login. Replace it as a failed member: its users and ` +
        'roles are not those of the cluster.',
    );
  }
  await forgetWindow(etcd);
  return verified;
});
