import {
  type AuthenticationWindow,
  chooseNextCureInput,
  type ToggledAuthentication,
} from '../../core/contracts/tokens.ts';
import { chooseNextCure } from '../../core/decisions/next-cure.ts';
import { requireRoot } from '../../core/decisions/token-cure.ts';
import { closeWindow, enableAuthentication, openWindow, readWindow } from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { requireAlone } from '../executions.ts';
import { etcdStep, type Invocation } from '../step.ts';

/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;
/** So long the request to disable it may be on its way; and as long again, for what etcd has begun is not ended by a deadline. */
const DISABLE_WITHIN_MS = 5_000;

/**
 * Disables authentication and enables it again at once, in one invocation, so that the window is as short as it can be. Decides anew, and
 * does nothing where something else is next. Run again after it was cut off in between, it finds what it has written down, and enables.
 * @throws PreconditionFailed before anything is disabled
 */
export const handler = etcdStep(
  chooseNextCureInput,
  async (etcd, input, invocation): Promise<ToggledAuthentication> => {
    const next = chooseNextCure(await observeTokens(etcd), input);
    switch (next.action) {
      case 'ToggleAuthentication':
        await requireAlone(input.cluster.name, input.execution);
        return { window: await toggle(etcd, etcd.member(next.through), input.execution, invocation) };
      case 'EnableAuthentication':
        return { window: await enableAgain(etcd, invocation) };
      default:
        // Perhaps because this very step has done it already, and its answer was lost.
        return { window: await windowOf(etcd, input.execution) };
    }
  },
);

async function windowOf(etcd: EtcdCluster, execution: string): Promise<AuthenticationWindow | null> {
  const { window } = await readWindow(etcd);
  return window?.execution === execution && window.enabledAt !== null ? window : null;
}

async function toggle(
  etcd: EtcdCluster,
  through: EtcdMember,
  execution: string,
  invocation: Invocation,
): Promise<AuthenticationWindow | null> {
  requireRoot(await through.rolesOf('root'));
  const disabledAt = Date.now();
  const overAt = disabledAt + 2 * DISABLE_WITHIN_MS;
  await openWindow(through, { execution, disabledAt, enabledAt: null, overAt });
  let window: AuthenticationWindow | null = null;
  try {
    await through.disableAuthentication(disabledAt + DISABLE_WITHIN_MS);
  } finally {
    // Also where the answer is an error or none: it may have been disabled all the same.
    window = await enableAgain(etcd, invocation);
  }
  return window;
}

async function enableAgain(etcd: EtcdCluster, { remainingMs }: Invocation): Promise<AuthenticationWindow | null> {
  await enableAuthentication(etcd, Date.now() + remainingMs() - RESERVE_MS);
  return closeWindow(etcd, Date.now());
}
