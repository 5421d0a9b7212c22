import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import { MAX_READINGS, READINGS } from '../cluster/confirmation.ts';
import { refuseDowngrade } from '../cluster/downgrade.ts';
import { adviceForStranger, describeListed, requireIdentities, unlistedIn } from '../cluster/identity.ts';
import type { MemberHealth } from '../cluster/member-health.ts';
import {
  isUnpromoted,
  requireQuorumWithout,
  type Survey,
  type SurveyedMember,
  withoutWaiting,
} from '../cluster/member-survey.ts';
import type { Observation } from '../cluster/observation.ts';
import { refuseUnseenLeader } from '../cluster/unseen-leader.ts';
import { PreconditionFailed } from '../errors.ts';
import { inspectionOf } from '../hosts/host-place.ts';
import type { MembersAssessment, Readings, Target } from './contracts.ts';
import {
  mayBeAtWork,
  type ReplacementRequest,
  refuseHealthyReplaced,
  scopeOf,
  surveyScope,
} from './replacement-scope.ts';
import { looksAtHosts, refuseUnjudged, unjudgedIn } from './unjudged-members.ts';

/**
 * Which members have failed, seen often enough? Everything here comes before the first change.
 * @throws InvalidInput, PreconditionFailed, UnsafeToProceed, EtcdUnavailable
 */
export function assessMembers(
  observation: Observation,
  { readings, ...request }: ReplacementRequest & { readings: Readings },
): MembersAssessment {
  const scope = scopeOf(request);
  refuseUnsafeAlarms(observation);
  requireIdentities(scope.cluster.members, observation, { replaced: scope.replaced, begun: true, untouched: true });
  refuseUnseenLeader(scope.observed, observation);
  const { survey, replaced } = withoutWaiting(observation, () => surveyScope(scope, observation));
  if (survey.strangers.length > 0) {
    const unlisted = unlistedIn(scope.observed, observation);
    const list = survey.strangers.map(
      (stranger) => `\n- ${describeListed(stranger)}: ${adviceForStranger(stranger, scope.cluster.members, unlisted)}`,
    );
    throw new PreconditionFailed(
      `etcd has members that clusters.json does not name:${list.join('')}\nNothing was changed. Correct this, then start again.`,
    );
  }
  refuseHealthyReplaced(replaced, survey);
  const named = request.member && (scope.replaced ? scope.named : request.member);
  const isNamedWell = survey.members.some(({ name, state }) => name === named && state === 'healthy');
  const unjudged = isNamedWell ? [] : unjudgedIn(survey, replaced);
  const looks = looksAtHosts(request.cluster, unjudged);
  if (looks.length === 0) refuseUnjudged(unjudged, []);
  const members = survey.members.map(describe);
  if (unjudged.length > 0) {
    const summary = unjudged.map(({ name, problem }) => `${name} ${problem}`).join(' ');
    const unsettled = { targets: [], equal: 0, total: readings.total };
    return { verdict: 'Look', summary, readings: unsettled, members, inspections: [], oldHost: looks };
  }
  const targets = chooseTargets(survey, scope.named);
  const next = countReadings(readings, targets);
  if (targets.length === 0) {
    const summary = request.member ? `${request.member} is healthy.` : 'Every member is healthy.';
    return { verdict: 'NothingToDo', summary, readings: next, members, inspections: [], oldHost: [] };
  }
  refuseUnapproved(
    targets.filter((target) => isToBeChanged(target, survey)),
    request.parameters.onlyMembers,
  );
  const failed = targets.filter(({ kind }) => kind === 'failed');
  if (failed.length > 0) refuseDowngrade(observation);
  requireQuorumWithout(
    targets.map(({ member }) => member),
    survey,
    observation.memberList,
  );
  const confirmed = failed.length === 0 || next.equal >= READINGS;
  return {
    verdict: confirmed ? 'Replace' : 'Confirm',
    summary: targets.map(({ member, problem }) => `${member} ${problem}`).join(' '),
    readings: next,
    members,
    inspections: failed.map(({ member }) => inspectionOf(scope.cluster, member)),
    oldHost:
      failed.length > 0 && replaced?.configured.host && mayBeAtWork(replaced)
        ? [inspectionOf(request.cluster, replaced.name)]
        : [],
  };
}

/** @throws PreconditionFailed where others have failed than those that may be replaced */
function refuseUnapproved(targets: readonly Target[], onlyMembers: readonly string[] | undefined): void {
  const others = targets.filter(({ member }) => onlyMembers && !onlyMembers.includes(member));
  if (others.length === 0) return;
  const approved = onlyMembers?.length ? `Only ${onlyMembers.join(', ')} may be replaced` : 'No member may be replaced';
  throw new PreconditionFailed(
    `${others.map(({ member, problem }) => `${member} ${problem}`).join(' ')} ${approved}: more was not approved. ` +
      'Nothing was changed. Start again for a new plan.',
  );
}

/** The others are only waited for: they are members, and behind. */
function isToBeChanged({ member, kind }: Target, { members }: Survey): boolean {
  return kind === 'failed' || members.some((surveyed) => surveyed.name === member && isUnpromoted(surveyed));
}

function chooseTargets(survey: Survey, named: string): Target[] {
  const targets = survey.members.flatMap(({ name, state, problem }) =>
    state === 'failed' || state === 'joining' ? [{ member: name, kind: state, problem }] : [],
  );
  if (!named || !targets.some(({ member }) => member === named)) return named ? [] : targets;
  const others = targets.filter((target) => target.member !== named && isToBeChanged(target, survey));
  if (others.length > 0) {
    throw new PreconditionFailed(
      `${named} is named, and ${others.map(({ member, problem }) => `${member} ${problem}`).join(' ')} etcd adds no member while another ` +
        'is down or joining. Leave "member" out to replace all of them.',
    );
  }
  return targets.filter(({ member }) => member === named);
}

function countReadings({ targets: before, equal, total }: Readings, targets: Target[]): Readings {
  const key = (list: Target[]) => list.map(({ member, kind }) => `${member} ${kind}`).join();
  if (total >= MAX_READINGS) {
    throw new PreconditionFailed(
      `${total} readings showed different members as failed, last ${key(before)}: the cluster flaps. Nothing was changed. Look at its network and disks, then start again.`,
    );
  }
  return { targets, equal: key(before) === key(targets) ? equal + 1 : 1, total: total + 1 };
}

function describe({ name, id, state, role, version, raftAppliedIndex, problem }: SurveyedMember): MemberHealth {
  return { name, id, state, role, version, raftAppliedIndex, problem };
}
