import { setTimeout as sleep } from 'node:timers/promises';
import { type AuthenticationWindow, windowSchema } from '../../core/auth-token-reset/contracts.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { type EtcdCluster, firstAnswer } from './cluster.ts';
import { hasReason } from './errors.ts';
import type { EtcdMember } from './member.ts';

/**
 * The time for which authentication is disabled. An execution writes it into etcd itself before it disables anything. So the next execution
 * knows that authentication has to be enabled again, however the first one ended and wherever it ran.
 */
const WINDOW_KEY = '/etcd-remediation/authentication-window';
const BETWEEN_TRIES_MS = 100;
const LOGIN_MS = 5_000;

/** What is written down, and at which revision. */
export interface WrittenWindow {
  window: AuthenticationWindow | null;
  revision: string;
}

/** From whichever member can tell. */
export function readWindow(members: readonly EtcdMember[]): Promise<WrittenWindow> {
  return firstAnswer(members, read);
}

async function read(member: EtcdMember): Promise<WrittenWindow> {
  const { value, revision } = await member.readAgreed(WINDOW_KEY);
  return { window: value === undefined ? null : windowSchema.parse(JSON.parse(value)), revision };
}

/** @returns whether nobody has written anything else in the meantime */
function write(members: readonly EtcdMember[], window: AuthenticationWindow, revision: string): Promise<boolean> {
  return firstAnswer(members, (member) => member.putUnchanged(WINDOW_KEY, JSON.stringify(window), revision));
}

/**
 * Writes down that `through` is about to be asked to disable authentication. One execution at a time may be about it, and none that is at its end.
 * @throws PreconditionFailed
 */
export async function openWindow(
  through: EtcdMember,
  { execution, disabledAt, overAt }: Pick<AuthenticationWindow, 'execution' | 'disabledAt' | 'overAt'>,
): Promise<void> {
  const { window: other, revision } = await read(through);
  const isAnothers = other !== null && other.execution !== execution;
  const isTaken = isAnothers
    ? other.enabledAt === null && !other.ended && other.overAt > Date.now()
    : other?.ended === true;
  // What another member was asked before is still on its way, whoever has asked.
  const asked = [...new Set([...(other?.asked ?? []), through.name])];
  const window = { execution, disabledAt, enabledAt: null, overAt, asked, ended: false };
  if (!isTaken && (await write([through], window, revision))) return;
  throw new PreconditionFailed(
    isAnothers
      ? `The execution ${other.execution} is about to disable authentication and to enable it again. Nothing was changed; look how it ends.`
      : `The execution ${execution} was ended, so it disables nothing any more. Nothing was changed.`,
  );
}

/**
 * Writes down that authentication is enabled again. It stays an open window as long as a member that was asked has not answered.
 * @param answered the member that has done as it was asked; null where none is known to have
 * @returns the window with its end; null where none was written down
 */
export async function closeWindow(
  members: readonly EtcdMember[],
  answered: string | null,
  enabledAt: number,
): Promise<AuthenticationWindow | null> {
  const { window, revision } = await readWindow(members);
  if (window === null || window.enabledAt !== null) return window;
  const asked = window.asked.filter((name) => name !== answered);
  const closed = { ...window, asked, enabledAt: asked.length === 0 ? enabledAt : null };
  await write(members, closed, revision);
  return { ...closed, enabledAt };
}

/** Writes down that an execution is at its end: a step of it that still runs somewhere cannot open a window from here on. */
export async function endWindow(members: readonly EtcdMember[], execution: string): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const { window, revision } = await readWindow(members);
    const own =
      window?.execution === execution ? window : { execution, disabledAt: 0, enabledAt: 0, overAt: 0, asked: [] };
    if (await write(members, { ...own, ended: true }, revision)) return;
  }
  throw new EtcdUnavailable('What is written down of authentication changes again and again.');
}

/** Once nobody has to know it any more. Nothing where someone has written something else in the meantime. */
export async function forgetWindow(members: readonly EtcdMember[], { revision }: WrittenWindow): Promise<void> {
  await firstAnswer(members, (member) => member.deleteUnchanged(WINDOW_KEY, revision));
}

/**
 * Those of the members that were asked to disable authentication which may still do it: they are frozen, or cut off, with the request before
 * them. One that answers has done as it was asked by now; one that is gone has taken the request with it.
 */
export async function membersWithPendingDisable(etcd: EtcdCluster, { asked }: AuthenticationWindow): Promise<string[]> {
  const members = etcd.members.filter(({ name }) => asked.includes(name));
  const silent = await Promise.all(
    members.map((member) =>
      member.readThroughConsensus().then(
        () => false,
        (error: unknown) => error instanceof EtcdUnavailable && !hasReason(error, 'Refused'),
      ),
    ),
  );
  return members.filter((_, index) => silent[index]).map(({ name }) => name);
}

/**
 * Whether authentication is disabled, by a login, which etcd answers as the cluster has agreed on it.
 * @throws EtcdUnavailable, PreconditionFailed where no member has said
 */
export async function isAuthenticationDisabled(members: readonly EtcdMember[]): Promise<boolean> {
  const failures: unknown[] = [];
  for (const member of members) {
    try {
      return (await member.authentication.issueToken(Date.now() + LOGIN_MS)) === '';
    } catch (error) {
      if (hasReason(error, 'WrongPassword')) return false;
      failures.push(error);
    }
  }
  throw failures.find((error) => error instanceof EtcdUnavailable) ?? failures[0];
}

/**
 * Enables authentication, through all members at once: the first that can is quick enough, and one that is frozen holds up nobody.
 * @param until milliseconds since 1970
 * @throws what the first member said at last, when none could until then, or all refuse
 */
export async function enableAuthentication(members: readonly EtcdMember[], until: number): Promise<void> {
  for (;;) {
    try {
      await Promise.any(members.map((member) => member.authentication.enable()));
      return;
    } catch (thrown) {
      const { errors } = thrown as AggregateError;
      const mayPass = errors.some((error) => error instanceof EtcdUnavailable);
      if (!mayPass || Date.now() + BETWEEN_TRIES_MS > until) throw errors[0];
      await sleep(BETWEEN_TRIES_MS);
    }
  }
}
