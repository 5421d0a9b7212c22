import {
  type AuthenticationWindow,
  type EnabledAuthentication,
  enableAuthenticationInput,
} from '../../core/contracts/tokens.ts';
import { PreconditionFailed, UnsafeToProceed } from '../../core/errors.ts';
import { closeWindow, enableAuthentication, forgetWindow, readWindow } from '../etcd/authentication-window.ts';
import { type EtcdCluster, firstAnswer } from '../etcd/cluster.ts';
import { etcdStep } from '../step.ts';

const LOGIN_MS = 5_000;
/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;

/**
 * Enables authentication where an execution of this runbook has disabled it and did not come to enable it. Where somebody else has disabled
 * it, that was meant. Safe to run at any time.
 * @throws UnsafeToProceed where it is disabled and could not be enabled; EtcdUnavailable where nobody can tell
 */
export const handler = etcdStep(
  enableAuthenticationInput,
  async (etcd, _, invocation): Promise<EnabledAuthentication> => {
    const isOpen = await isDisabled(etcd);
    const window = await windowIn(etcd);
    const isUnfinished = window !== null && window.enabledAt === null;
    if (isOpen && !isUnfinished) {
      return {
        changed: false,
        window,
        lookAgainSeconds: 0,
        summary: 'Authentication is disabled, and not by this runbook.',
      };
    }
    if (isOpen) {
      await insist(etcd, Date.now() + invocation.remainingMs() - RESERVE_MS);
      const closed = await closeWindow(etcd, Date.now());
      await forgetWindow(etcd);
      return { changed: true, window: closed, lookAgainSeconds: 0, summary: 'Authentication is enabled again.' };
    }
    const lookAgainSeconds = isUnfinished ? Math.max(0, Math.ceil((window.overAt - Date.now()) / 1000)) : 0;
    if (window !== null && lookAgainSeconds === 0) await forgetWindow(etcd);
    return { changed: false, window, lookAgainSeconds, summary: 'Authentication is enabled.' };
  },
);

/** By a login, which etcd answers as the cluster has agreed on it; one that is refused is not needed where it is disabled. */
async function isDisabled(etcd: EtcdCluster): Promise<boolean> {
  try {
    return (await firstAnswer(etcd.members, (member) => member.issueToken(Date.now() + LOGIN_MS))) === '';
  } catch (error) {
    if (error instanceof PreconditionFailed) return false;
    throw error;
  }
}

/** What an execution has written down. Who is not let in finds nothing, and has disabled nothing either. */
async function windowIn(etcd: EtcdCluster): Promise<AuthenticationWindow | null> {
  try {
    return (await readWindow(etcd)).window;
  } catch (error) {
    if (error instanceof PreconditionFailed) return null;
    throw error;
  }
}

async function insist(etcd: EtcdCluster, until: number): Promise<void> {
  try {
    await enableAuthentication(etcd, until);
  } catch (error) {
    throw new UnsafeToProceed(`Authentication is disabled, and could not be enabled: ${(error as Error).message}`);
  }
}
