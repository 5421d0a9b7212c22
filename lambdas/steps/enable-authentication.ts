import {
  type AuthenticationWindow,
  type EnabledAuthentication,
  enableAuthenticationInput,
} from '../../core/auth-token-reset/contracts.ts';
import { describePendingDisable } from '../../core/auth-token-reset/token-verification.ts';
import type { ConfiguredMember } from '../../core/cluster/clusters.ts';
import { requireIdentities } from '../../core/cluster/identity.ts';
import { UnsafeToProceed } from '../../core/errors.ts';
import {
  enableAuthentication,
  endWindow,
  forgetWindow,
  isAuthenticationDisabled,
  membersWithPendingDisable,
  readWindow,
  type WrittenWindow,
} from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { etcdStep } from '../step.ts';

/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;
/** So long after the last try, a request without an answer may still be on its way. */
const ON_ITS_WAY_MS = 10_000;
/** So long is a silent member polled that was asked to disable: one that is gone for good will never apply it. */
const SILENT_MS = 60_000;
const LOOK_AGAIN_SECONDS = 5;

/**
 * Enables authentication if an execution of this runbook has disabled it and not enabled it again. Says whether an earlier request could still
 * disable it. Where another person or program has disabled it, that was meant. Safe to run at any time.
 * @throws UnsafeToProceed where it is disabled and could not be enabled; EtcdUnavailable, PreconditionFailed if that is unknown
 */
export const handler = etcdStep(
  enableAuthenticationInput,
  async (etcd, { cluster, endOf, toggled }, invocation): Promise<EnabledAuthentication> => {
    const members = await ofOneCluster(etcd, cluster.members);
    const written = await writtenIn(members);
    const window = written?.window ?? null;
    // A member that may still do as it was asked is looked at first: what it does by then is seen in what comes after.
    const asked = window === null ? [] : await membersWithPendingDisable(etcd, window);
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
        summary: 'Authentication is disabled, and not by this execution.',
      };
    }
    const lookAgainSeconds = window === null ? 0 : secondsUntilCertain(window, asked, isOpen);
    if (endOf === '' && written?.window && lookAgainSeconds === 0 && asked.length === 0)
      await forgetWindow(members, written);
    const enabled = isOpen ? 'Authentication is enabled again.' : 'Authentication is enabled.';
    return {
      changed: isOpen,
      window: isOpen && window !== null ? { ...window, enabledAt: Date.now() } : window,
      lookAgainSeconds,
      summary: [
        enabled,
        ...(lookAgainSeconds > 0 ? ['A step could still disable it.'] : []),
        ...describePendingDisable(asked),
      ].join(' '),
    };
  },
);

function secondsUntilCertain(
  { enabledAt, overAt }: AuthenticationWindow,
  asked: readonly string[],
  isOpen: boolean,
): number {
  const sinceOverMs = Date.now() - overAt;
  if (asked.length > 0 && sinceOverMs < SILENT_MS) return LOOK_AGAIN_SECONDS;
  // Found disabled, it has come to what was asked.
  const isOnItsWay = enabledAt === null && !isOpen;
  return isOnItsWay ? Math.max(0, Math.ceil((ON_ITS_WAY_MS - sinceOverMs) / 1000)) : 0;
}

/**
 * A clientUrl may lead to a member of another cluster, whose word counts for nothing. Those that do not answer are asked as well.
 * @throws PreconditionFailed where nobody else is left
 */
async function ofOneCluster(etcd: EtcdCluster, configured: readonly ConfiguredMember[]): Promise<EtcdMember[]> {
  const seen = await etcd.observeMembers((member) => member.status());
  const own = etcd.ofThisCluster(seen);
  if (own.length === 0) requireIdentities(configured, { members: seen, memberList: [] }, { begun: true });
  return own;
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
