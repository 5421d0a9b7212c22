import { type EnabledAuthentication, enableAuthenticationInput } from '../../core/contracts/tokens.ts';
import { closeWindow, enableAuthentication, forgetWindow, readWindow } from '../etcd/authentication-window.ts';
import { firstAnswer } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import { etcdStep } from '../step.ts';

const LOGIN_MS = 5_000;
/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;

/**
 * Enables authentication where an execution of this runbook has disabled it and did not come to enable it. Where somebody else has disabled
 * it, that was meant. Safe to run at any time.
 */
export const handler = etcdStep(
  enableAuthenticationInput,
  async (etcd, _, invocation): Promise<EnabledAuthentication> => {
    const token = await firstAnswer(etcd.members, (member) => member.issueToken(Date.now() + LOGIN_MS));
    const isOpen = token === '';
    // A member that rejects tokens is proof enough that authentication is enabled; where all do, nobody can have disabled it.
    const { window } = await readWindow(etcd).catch((error: unknown) => {
      if (hasReason(error, 'TokenRejected')) return { window: null };
      throw error;
    });
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
      await enableAuthentication(etcd, Date.now() + invocation.remainingMs() - RESERVE_MS);
      const closed = await closeWindow(etcd, Date.now());
      await forgetWindow(etcd);
      return { changed: true, window: closed, lookAgainSeconds: 0, summary: 'Authentication is enabled again.' };
    }
    const lookAgainSeconds = isUnfinished ? Math.max(0, Math.ceil((window.overAt - Date.now()) / 1000)) : 0;
    if (window !== null && lookAgainSeconds === 0) await forgetWindow(etcd);
    return { changed: false, window, lookAgainSeconds, summary: 'Authentication is enabled.' };
  },
);
