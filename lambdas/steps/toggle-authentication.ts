import {
  type AuthenticationWindow,
  type ChooseNextTokenAction,
  chooseNextTokenActionInput,
  type ToggledAuthentication,
} from '../../core/auth-token-reset/contracts.ts';
import { chooseNextTokenAction } from '../../core/auth-token-reset/next-token-action.ts';
import { summarizeToggle } from '../../core/auth-token-reset/summaries.ts';
import { requireRoot } from '../../core/auth-token-reset/token-reset-plan.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import { closeWindow, enableAuthentication, openWindow, readWindow } from '../etcd/authentication-window.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { observeTokens } from '../etcd/tokens.ts';
import { requireAlone } from '../executions.ts';
import { etcdStep, type Invocation } from '../step.ts';

/** So long the request to disable it may be on its way. */
const DISABLE_WITHIN_MS = 5_000;
/** Kept at the end of an invocation, to write down what was done and to answer. */
const RESERVE_MS = 5_000;
/** What disabling and enabling take at the longest, where members have to elect a leader in between. */
const NEEDED_MS = DISABLE_WITHIN_MS + RESERVE_MS + 10_000;

/**
 * Disables authentication and enables it again at once, in one invocation, so that the window is as short as it can be. Decides again, and
 * does nothing where something else is next. Run again after it was cut off in between, it finds what it has written down, and enables.
 * @throws PreconditionFailed, EtcdUnavailable before anything is disabled; EtcdUnavailable where a member has not answered to it
 */
export const handler = etcdStep(chooseNextTokenActionInput, async (etcd, input, invocation) => {
  const toggled = await toggleIfNext(etcd, input, invocation);
  return { ...toggled, summary: summarizeToggle(toggled) };
});

async function toggleIfNext(
  etcd: EtcdCluster,
  input: ChooseNextTokenAction,
  invocation: Invocation,
): Promise<ToggledAuthentication> {
  const observation = await observeTokens(etcd);
  const next = chooseNextTokenAction(observation, input);
  switch (next.action) {
    case 'ToggleAuthentication':
      // Not waited for: a step that hangs with authentication in question is cut off soon.
      await requireAlone(input.cluster.name, { execution: input.execution, withinMs: 0 });
      return { toggled: true, window: await toggle(etcd, etcd.member(next.through), input.execution, invocation) };
    case 'EnableAuthentication': {
      const [asked = null, ...others] = observation.window?.asked ?? [];
      return { toggled: true, window: await enableAgain(etcd, others.length === 0 ? asked : null, invocation) };
    }
    default:
      return finished(etcd, input.execution);
  }
}

async function toggle(
  etcd: EtcdCluster,
  through: EtcdMember,
  execution: string,
  invocation: Invocation,
): Promise<AuthenticationWindow | null> {
  requireRoot(await through.authentication.rolesOf('root'));
  if (invocation.remainingMs() < NEEDED_MS) {
    throw new EtcdUnavailable(
      'The members answer so slowly that authentication might not be enabled again in time. Nothing was changed.',
    );
  }
  const disabledAt = Date.now();
  const overAt = disabledAt + DISABLE_WITHIN_MS;
  await openWindow(through, { execution, disabledAt, overAt });
  let answered: string | null = null;
  let window: AuthenticationWindow | null = null;
  try {
    await through.authentication.disable(overAt);
    answered = through.name;
  } catch (error) {
    if (!(error instanceof EtcdUnavailable)) answered = through.name;
    throw error;
  } finally {
    // Also where the answer is an error or none: it may have been disabled all the same.
    window = await enableAgain(etcd, answered, invocation);
  }
  return window;
}

async function enableAgain(
  { members }: EtcdCluster,
  answered: string | null,
  { remainingMs }: Invocation,
): Promise<AuthenticationWindow | null> {
  await enableAuthentication(members, Date.now() + remainingMs() - RESERVE_MS);
  return closeWindow(members, answered, Date.now());
}

/** Perhaps it is not next because this very step has done it already, and its answer was lost. */
async function finished({ members }: EtcdCluster, execution: string): Promise<ToggledAuthentication> {
  const { window } = await readWindow(members);
  const isOwn = window?.execution === execution && window.enabledAt !== null && window.disabledAt > 0;
  return { toggled: isOwn, window: isOwn ? window : null };
}
