import type { MemberHealth, MembersAssessment, Readings, Target } from '../contracts/membership.ts';
import type { Observation } from '../contracts/observation.ts';
import { PreconditionFailed } from '../errors.ts';
import { MAX_READINGS, READINGS } from './confirmation.ts';
import { refuseDowngrade } from './downgrade.ts';
import { inspectionOf } from './host-place.ts';
import { isUnpromoted, requireQuorumWithout, type Survey, type SurveyedMember } from './member-survey.ts';
import { type ReplacementRequest, refuseHealthyReplaced, scopeOf, surveyScope } from './replacement-scope.ts';

/**
 * Which members have failed, seen often enough? Everything here comes before the first change.
 * @throws InvalidInput, PreconditionFailed, UnsafeToProceed, EtcdUnavailable
 */
export function assessMembers(
  observation: Observation,
  { readings, ...request }: ReplacementRequest & { readings: Readings },
): MembersAssessment {
  const scope = scopeOf(request);
  const { survey, replaced } = surveyScope(scope, observation);
  if (survey.strangers.length > 0) {
    const list = survey.strangers.map(
      ({ name, id, peerUrls }) => `${name || '(not started)'} (${id}, ${peerUrls.join(' ')})`,
    );
    throw new PreconditionFailed(
      `etcd has members that clusters.json does not name: ${list.join(', ')}. Add them to clusters.json, or remove them from etcd.`,
    );
  }
  refuseHealthyReplaced(replaced, survey);
  const targets = chooseTargets(survey, scope.named);
  const members = survey.members.map(describe);
  const next = countReadings(readings, targets);
  if (targets.length === 0) {
    const summary = request.member ? `${request.member} is healthy.` : 'Every member is healthy.';
    return { verdict: 'NothingToDo', summary, readings: next, members, inspections: [] };
  }
  refuseRefused(targets, survey);
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
  };
}

/** @throws PreconditionFailed where others have failed than those that may be replaced */
function refuseUnapproved(targets: readonly Target[], onlyMembers: readonly string[] | undefined): void {
  const others = targets.filter(({ member }) => onlyMembers && !onlyMembers.includes(member));
  if (others.length === 0) return;
  throw new PreconditionFailed(
    `${others.map(({ member, problem }) => `${member} ${problem}`).join(' ')} Only ${onlyMembers?.join(', ')} may be replaced: nobody has approved of ` +
      'more. Nothing was changed; start again, and the plan is made anew.',
  );
}

/** Something answers there and does not let us in: that is no failed member, and another one with the same data would not either. */
function refuseRefused(targets: readonly Target[], { members }: Survey): void {
  const refused = members.filter(
    ({ name, seen }) => !seen.answering && seen.refused && targets.some(({ member }) => member === name),
  );
  if (refused.length === 0) return;
  const list = refused.map(({ name, problem }) => `${name} ${problem}`).join(' ');
  throw new PreconditionFailed(
    `${list}\nIt runs and refuses this runbook, and replacing it would not help. Nothing was changed.`,
  );
}

/** The others are only waited for: they are members, and behind. */
function isToBeChanged({ member, kind }: Target, { members }: Survey): boolean {
  return kind === 'failed' || members.some((surveyed) => surveyed.name === member && isUnpromoted(surveyed));
}

function chooseTargets(survey: Survey, named: string): Target[] {
  const targets = survey.members.flatMap(({ name, state, problem }) =>
    state === 'healthy' ? [] : [{ member: name, kind: state, problem }],
  );
  if (!named || !targets.some(({ member }) => member === named)) return named ? [] : targets;
  const others = targets.filter((target) => target.member !== named && isToBeChanged(target, survey));
  if (others.length > 0) {
    throw new PreconditionFailed(
      `${named} is named, and ${others.map(({ member, problem }) => `${member} ${problem}`).join(' ')} etcd adds no member while another ` +
        'is down or on its way in: leave "member" out, to see to all of them.',
    );
  }
  return targets.filter(({ member }) => member === named);
}

function countReadings({ targets: before, equal, total }: Readings, targets: Target[]): Readings {
  const key = (list: Target[]) => list.map(({ member, kind }) => `${member} ${kind}`).join();
  if (total >= MAX_READINGS) {
    throw new PreconditionFailed(
      `${total} readings showed different members as failed, last ${key(before)}: the cluster flaps. Look at its network and disks.`,
    );
  }
  return { targets, equal: key(before) === key(targets) ? equal + 1 : 1, total: total + 1 };
}

function describe({ name, id, state, role, version, raftAppliedIndex, problem }: SurveyedMember): MemberHealth {
  return { name, id, state, role, version, raftAppliedIndex, problem };
}
