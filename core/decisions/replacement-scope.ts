import { type Cluster, type ConfiguredMember, clusterSchema } from '../contracts/clusters.ts';
import type { MemberParameters } from '../contracts/execution-input.ts';
import type { Observation } from '../contracts/observation.ts';
import { parse } from '../contracts/parse.ts';
import { InvalidInput, PreconditionFailed } from '../errors.ts';
import { refuseUnsafeAlarms } from './cluster-health.ts';
import { requireIdentities } from './identity.ts';
import { type Survey, type SurveyedMember, surveyMembers } from './member-survey.ts';

export interface ReplacementRequest {
  cluster: Cluster;
  parameters: MemberParameters;
  /** Empty if none was named. */
  member: string;
}

/** What is looked at: the members as they will be, and at the end the one that a replacement takes the place of. */
export interface ReplacementScope {
  cluster: Cluster;
  replaced: ConfiguredMember | undefined;
  /** In the order of the observation that the decisions need. */
  observed: ConfiguredMember[];
}

/** @throws InvalidInput when the named member or the replacement does not fit the cluster */
export function scopeOf({ cluster, parameters: { replacement }, member }: ReplacementRequest): ReplacementScope {
  const replaced = cluster.members.find(({ name }) => name === member);
  if (member !== '' && !replaced) {
    throw new InvalidInput(
      `There is no member "${member}" in cluster ${cluster.name}; there are ${cluster.members.map(({ name }) => name).join(', ')}.`,
    );
  }
  if (!replacement) return { cluster, replaced: undefined, observed: cluster.members };
  if (!replaced) {
    throw new InvalidInput('parameters.replacement takes the place of one member: say which with "member".');
  }
  for (const other of cluster.members) {
    const same = (['name', 'clientUrl', 'peerUrl', 'host'] as const).find(
      (field) => spellingOf(other[field]) === spellingOf(replacement[field]),
    );
    if (other !== replaced && same) {
      throw new InvalidInput(`parameters.replacement.${same} is that of ${other.name}, which stays in the cluster.`);
    }
  }
  const place = [...(cluster.spareHosts ?? []), ...cluster.members].find(({ host }) => host === replacement.host);
  if (!place) {
    throw new InvalidInput(
      `parameters.replacement.host "${replacement.host}" is not a host of cluster ${cluster.name}: Run Command may reach the hosts ` +
        'of its members and its "spareHosts" only. Add it there and deploy.',
    );
  }
  const members = cluster.members.map((each) =>
    each === replaced ? { ...replacement, layout: place.layout, learner: replaced.learner } : each,
  );
  const effective = parse(clusterSchema, { ...cluster, members }, 'The cluster with parameters.replacement in it');
  return { cluster: effective, replaced, observed: [...members, replaced] };
}

function spellingOf(value: string | undefined): string | undefined {
  return value?.includes('://') ? new URL(value).origin : value;
}

/**
 * What the gates of every decision look at.
 * @param begun as of {@link requireIdentities}
 */
export function surveyScope(
  scope: ReplacementScope,
  observation: Observation,
  begun = false,
): { survey: Survey; replaced: SurveyedMember | undefined } {
  refuseUnsafeAlarms(observation);
  requireIdentities(scope.cluster.members, observation, { replaced: scope.replaced, begun });
  const whole = surveyMembers(scope.observed, observation);
  refuseFullStore(observation);
  const count = scope.cluster.members.length;
  return { survey: { ...whole, members: whole.members.slice(0, count) }, replaced: whole.members[count] };
}

/**
 * @throws PreconditionFailed where the member whose place is to be taken is well; what answers at its client URL may be the new one by
 *   now, whose name in DNS is the same
 */
export function refuseHealthyReplaced(replaced: SurveyedMember | undefined, { members }: Survey): void {
  if (replaced?.state !== 'healthy' || members.some(({ id }) => id === replaced.id)) return;
  throw new PreconditionFailed(
    `${replaced.name} at ${replaced.configured.clientUrl} is healthy: this runbook replaces members that have failed.`,
  );
}

/** @throws PreconditionFailed */
function refuseFullStore({ alarms }: Observation): void {
  if (alarms.length === 0) return;
  throw new PreconditionFailed(
    'NOSPACE is raised: etcd takes no write that could prove a replacement, and would send the full database to the new member. Run the ' +
      'runbook for space-exceeded first, which does without members that do not answer, then start again.',
  );
}
