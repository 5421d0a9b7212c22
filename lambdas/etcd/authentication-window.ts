import { setTimeout as sleep } from 'node:timers/promises';
import { type AuthenticationWindow, windowSchema } from '../../core/contracts/tokens.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { type EtcdCluster, firstAnswer } from './cluster.ts';
import type { EtcdMember } from './member.ts';

/**
 * The time for which authentication is disabled. An execution writes it into etcd itself before it disables anything: whoever comes later
 * then knows that it was to be enabled again, however that execution ended and wherever it ran.
 */
const WINDOW_KEY = '/etcd-remediation/authentication-window';
const BETWEEN_TRIES_MS = 100;

/** What is written down, and at which revision. */
export interface WrittenWindow {
  window: AuthenticationWindow | null;
  revision: string;
}

/** From whichever member can tell. */
export function readWindow(etcd: EtcdCluster): Promise<WrittenWindow> {
  return firstAnswer(etcd.members, read);
}

async function read(member: EtcdMember): Promise<WrittenWindow> {
  const { value, revision } = await member.readAgreed(WINDOW_KEY);
  return { window: value === undefined ? null : windowSchema.parse(JSON.parse(value)), revision };
}

/**
 * Writes down that authentication is about to be disabled. One at a time: while another one could still be about it, nobody else may.
 * @throws PreconditionFailed
 */
export async function openWindow(member: EtcdMember, window: AuthenticationWindow): Promise<void> {
  const { window: other, revision } = await read(member);
  const isTaken =
    other !== null && other.execution !== window.execution && other.enabledAt === null && other.overAt > Date.now();
  if (!isTaken && (await member.putUnchanged(WINDOW_KEY, JSON.stringify(window), revision))) return;
  throw new PreconditionFailed(
    `The execution ${other?.execution ?? '(unknown)'} is about to disable authentication and to enable it again. Nothing was changed; look how it ends.`,
  );
}

/**
 * Enables authentication, through all members at once: the first that can is quick enough, and one that is frozen holds up nobody.
 * @param until milliseconds since 1970
 * @throws what the first member said at last, when none could until then, or all refuse
 */
export async function enableAuthentication({ members }: EtcdCluster, until: number): Promise<void> {
  for (;;) {
    try {
      await Promise.any(members.map((member) => member.enableAuthentication()));
      return;
    } catch (thrown) {
      const { errors } = thrown as AggregateError;
      const mayPass = errors.some((error) => error instanceof EtcdUnavailable);
      if (!mayPass || Date.now() + BETWEEN_TRIES_MS > until) throw errors[0];
      await sleep(BETWEEN_TRIES_MS);
    }
  }
}

/**
 * Writes down when authentication was enabled again. Whoever has written something else in the meantime knows better.
 * @returns what was written down before, with its end; null where nothing was
 */
export async function closeWindow(etcd: EtcdCluster, enabledAt: number): Promise<AuthenticationWindow | null> {
  const { window, revision } = await readWindow(etcd);
  if (window === null || window.enabledAt !== null) return window;
  const closed = { ...window, enabledAt };
  await firstAnswer(etcd.members, (member) => member.putUnchanged(WINDOW_KEY, JSON.stringify(closed), revision));
  return closed;
}

/** Once nobody has to know it any more. */
export async function forgetWindow(etcd: EtcdCluster): Promise<void> {
  await firstAnswer(etcd.members, (member) => member.delete(WINDOW_KEY));
}
