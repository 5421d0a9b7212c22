import { type EnabledAuthentication, enableAuthenticationInput } from '../../core/contracts/tokens.ts';
import { UnsafeToProceed } from '../../core/errors.ts';
import {
  enableAuthentication,
  endWindow,
  forgetWindow,
  isAuthenticationDisabled,
  readWindow,
  stillAsked,
  type WrittenWindow,
} from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { etcdStep } from '../step.ts';

/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;
/** A member that is frozen with a request before it is looked at so often. */
const LOOK_AGAIN_SECONDS = 5;
/** So long after nobody sends it any more, a request that nobody has answered may still be on its way. */
const ON_ITS_WAY_MS = 10_000;

/**
 * Enables authentication where an execution of this runbook has disabled it and did not come to enable it, and tells whether it could still
 * be disabled by what was sent before. Where somebody else has disabled it, that was meant. Safe to run at any time.
 * @throws UnsafeToProceed where it is disabled and could not be enabled; EtcdUnavailable, PreconditionFailed where nobody can tell
 */
export const handler = etcdStep(
  enableAuthenticationInput,
  async (etcd, { endOf, toggled }, invocation): Promise<EnabledAuthentication> => {
    const members = await ofOneCluster(etcd);
    const written = await writtenIn(members);
    const window = written?.window ?? null;
    // Whoever may still do as it was asked is looked at first: what it does by then is seen in what comes after.
    const asked = window === null ? [] : await stillAsked(etcd, window);
    const isOpen = await isAuthenticationDisabled(members);
    const isUnfinished =
      window !== null && (window.enabledAt === null || asked.length > 0 || window.overAt > Date.now());
    if (isOpen && (toggled || isUnfinished)) await insist(members, Date.now() + invocation.remainingMs() - RESERVE_MS);
    if (endOf !== '' && written) await endWindow(members, endOf);
    if (isOpen && !toggled && !isUnfinished) {
      return {
        changed: false,
        window,
        lookAgainSeconds: 0,
        summary: 'Authentication is disabled, and it is not known by whom.',
      };
    }
    // Found disabled, it has come to what was asked.
    const isOnItsWay = window !== null && window.enabledAt === null && !isOpen;
    const onItsWayMs = isOnItsWay ? window.overAt + ON_ITS_WAY_MS - Date.now() : 0;
    const lookAgainSeconds = Math.max(Math.ceil(onItsWayMs / 1000), asked.length > 0 ? LOOK_AGAIN_SECONDS : 0, 0);
    if (endOf === '' && written?.window && lookAgainSeconds === 0) await forgetWindow(members, written);
    return {
      changed: isOpen,
      window: isOpen && window !== null ? { ...window, enabledAt: Date.now() } : window,
      lookAgainSeconds,
      summary: isOpen ? 'Authentication is enabled again.' : 'Authentication is enabled.',
    };
  },
);

/** A clientUrl may lead to a member of another cluster, whose word counts for nothing. Where none tells, all are asked. */
async function ofOneCluster(etcd: EtcdCluster): Promise<EtcdMember[]> {
  const seen = await etcd.observeMembers((member) => member.status());
  const clusters = seen.map((each) => (each.answering ? each.clusterId : ''));
  const count = (id: string) => clusters.filter((other) => other === id).length;
  const largest = clusters.filter((id) => id !== '').toSorted((a, b) => count(b) - count(a))[0];
  return etcd.members.filter((_, index) => clusters[index] === '' || clusters[index] === largest);
}

/** Null for who is let in by no member, and so could not have written anything either. */
async function writtenIn(members: readonly EtcdMember[]): Promise<WrittenWindow | null> {
  try {
    return await readWindow(members);
  } catch (error) {
    if (hasReason(error, 'WrongPassword', 'TokenRejected', 'LoginRequired', 'PermissionDenied')) return null;
    throw error;
  }
}

async function insist(members: readonly EtcdMember[], until: number): Promise<void> {
  try {
    await enableAuthentication(members, until);
  } catch (error) {
    throw new UnsafeToProceed(`Authentication is disabled, and could not be enabled: ${(error as Error).message}`);
  }
}
