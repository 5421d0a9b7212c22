import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { requireQuorumWithout, type Survey } from '../cluster/member-survey.ts';
import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed, VerificationFailed } from '../errors.ts';
import { type SeenLog, startOf } from '../hosts/service-commands.ts';
import type { ChooseNextTokenAction, NextTokenAction, TokenObservation } from './contracts.ts';
import { isOpen, membersThat, surveyTokens } from './token-status.ts';

/** A wait lasts 5 s: a member with a large database takes minutes to start. */
const MAX_WAITS = 36;
/** A restart and its waits for each of seven members, and a toggle. */
const MAX_TURNS = 300;

/**
 * The one next thing to do, decided again from what members say to fresh tokens: restart one member that rejects them and wait for it.
 * Only if that does not help or is impossible, disable authentication and enable it again.
 *
 * @throws UnsafeToProceed where a member that quorum needs would be restarted; VerificationFailed where nothing has helped;
 *   EtcdUnavailable, PreconditionFailed
 */
export function chooseNextTokenAction(observation: TokenObservation, request: ChooseNextTokenAction): NextTokenAction {
  const { cluster, restartable, mayToggle, done, waits, turn, execution } = request;
  refuseUnsafeAlarms(observation);
  if (turn > MAX_TURNS) {
    throw new PreconditionFailed(
      `After ${turn} turns members still reject tokens, and others than before: find out who restarts members or changes authentication.`,
    );
  }
  requireIdentities(cluster.members, observation, { begun: true });
  if (isOpen(observation)) {
    if (observation.window?.execution === execution) return { action: 'EnableAuthentication' };
    throw new PreconditionFailed(
      'Authentication was disabled while this runbook ran, and it is unknown by whom. Enable it ("etcdctl auth enable"), and start again.',
    );
  }
  requireIdentities(cluster.members, observation);
  const { survey, members } = surveyTokens(cluster.members, observation);
  const rejecting = membersThat('RejectsTokens', members).filter((name) => request.rejecting.includes(name));
  const restarted = restartable.filter((name) => done.includes(restartOf(name)));
  const away = members.find(({ name, status }) => restarted.includes(name) && !isSettled(status));
  if (away && waits < MAX_WAITS) return { action: 'WaitForMember', member: away.name };
  if (away) {
    throw new VerificationFailed(
      `${away.name} was restarted, and is not back: it ${away.problem} Look at its service and its log.`,
    );
  }
  const next = rejecting.find(
    (name) =>
      restartable.includes(name) && !restarted.includes(name) && canDoWithout(name, survey, observation, mayToggle),
  );
  if (next !== undefined) {
    return { action: 'RestartService', ...startOf(cluster, next, 'restart', runningLog(next, observation)) };
  }
  if (rejecting.length === 0) return { action: 'Finish' };
  const [through] = leaderFirst(membersThat('TakesTokens', members), survey.leader.name);
  if (!mayToggle || done.includes('ToggleAuthentication')) {
    throw new VerificationFailed(
      `${rejecting.join(', ')} still rejects every token. ${describeTried(done)} Nothing else may be done by this runbook. Look at its log; then ` +
        'replace it as a failed member: incident member-failed, with its name.',
    );
  }
  if (through === undefined)
    throw new EtcdUnavailable(
      'No member accepts a token, and without a token authentication cannot be disabled. The logs of the members may say why. Correct that, then start again.',
    );
  return { action: 'ToggleAuthentication', through };
}

/**
 * Whether the others are a quorum without it. Where there is another way, a member that they need is no reason to stop.
 * @throws UnsafeToProceed where there is none; EtcdUnavailable where the others may yet catch up
 */
function canDoWithout(
  name: string,
  survey: Survey,
  { memberList }: TokenObservation,
  isThereAnotherWay: boolean,
): boolean {
  try {
    requireQuorumWithout([name], survey, memberList);
    return true;
  } catch (error) {
    if (error instanceof UnsafeToProceed && isThereAnotherWay) return false;
    throw error;
  }
}

function describeTried(done: readonly string[]): string {
  const tried = done.map((each) =>
    each === 'ToggleAuthentication'
      ? 'authentication was disabled and enabled again'
      : `the service of ${each.slice(each.indexOf(' ') + 1)} was restarted`,
  );
  return tried.length === 0 ? 'Nothing was tried.' : `Tried: ${tried.join('; ')}.`;
}

/** What a member that answers says of its log. It writes on: how far that goes on the disk is not known from here. */
function runningLog(name: string, { members }: TokenObservation): SeenLog {
  const seen = members.find((each) => each.name === name);
  return { clusterId: seen?.answering ? seen.clusterId : '', commitIndex: '' };
}

/** What is kept in `done`. */
function restartOf(member: string): string {
  return `RestartService ${member}`;
}

/** Whether a member that was restarted says yes or no by now. */
function isSettled(status: string): boolean {
  return status === 'TakesTokens' || status === 'RejectsTokens';
}

/** The leader first, for it need not pass the request on. */
function leaderFirst(takers: readonly string[], leader: string): string[] {
  return takers.toSorted((a, b) => Number(b === leader) - Number(a === leader));
}
