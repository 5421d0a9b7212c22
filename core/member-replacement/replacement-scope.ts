import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import { type Cluster, type ConfiguredMember, clusterSchema } from '../cluster/clusters.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { type Survey, type SurveyedMember, surveyMembers } from '../cluster/member-survey.ts';
import { comparableUrl } from '../cluster/member-url.ts';
import type { Observation } from '../cluster/observation.ts';
import { InvalidInput, PreconditionFailed } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import { parse } from '../text/parse.ts';
import type { MemberParameters } from './contracts.ts';

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

/**
 * `named` is the member to replace, as the cluster will have it; empty for all that have failed.
 * @throws InvalidInput when the named member or the spare host does not fit the cluster
 */
export function scopeOf({
  cluster,
  parameters: { replacement },
  member,
}: ReplacementRequest): ReplacementScope & { named: string } {
  const replaced = cluster.members.find(({ name }) => name === member);
  if (member !== '' && !replaced) {
    throw new InvalidInput(
      `The cluster ${cluster.name} has no member "${member}". It has ${cluster.members.map(({ name }) => name).join(', ')}.`,
    );
  }
  if (!replacement) return { cluster, named: member, replaced: undefined, observed: cluster.members };
  if (!replaced) {
    throw new InvalidInput('parameters.replacement takes the place of one member: say which with "member".');
  }
  const spares = cluster.spareHosts ?? [];
  const spare = spares.find(({ host }) => host === replacement.host);
  if (!spare) {
    const known = spares.length > 0 ? `has ${spares.map(({ host }) => `"${host}"`).join(', ')}` : 'has none';
    throw new InvalidInput(
      `parameters.replacement.host "${replacement.host}" is no spare host of cluster ${cluster.name}, which ${known}. Add it to "spareHosts" in ` +
        `clusters.json, with its name and URLs. ${START_AGAIN}`,
    );
  }
  for (const other of cluster.members) {
    const same = (['name', 'clientUrl', 'peerUrl'] as const).find(
      (field) => spellingOf(other[field]) === spellingOf(spare[field]),
    );
    if (other !== replaced && same) {
      throw new InvalidInput(
        `The spare host ${spare.host} has the ${same} of ${other.name}, which stays in the cluster. Correct clusters.json. ${START_AGAIN}`,
      );
    }
  }
  const members = cluster.members.map((each) => (each === replaced ? { ...spare, learner: replaced.learner } : each));
  // It is a member now.
  const spareHosts = spares.filter((each) => each !== spare);
  const subject = `The cluster with the spare host ${spare.host} in it`;
  const effective = parse(clusterSchema, { ...cluster, members, spareHosts }, subject);
  return { cluster: effective, named: spare.name, replaced, observed: [...members, replaced] };
}

function spellingOf(value: string): string {
  return comparableUrl(value) ?? value;
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
  const { replaced } = scope;
  requireIdentities(scope.cluster.members, observation, { replaced, begun, untouched: !begun, writesNames: true });
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
    `${replaced.name} at ${replaced.configured.clientUrl} is healthy, and this runbook replaces members that have failed. Say with "member" which one has.`,
  );
}

/** Whether the member whose place another host takes may run unseen: one that etcd does not list is a member of this cluster no more. */
export function mayBeAtWork({ seen, listed }: SurveyedMember): boolean {
  return !seen.answering && listed !== undefined;
}

/** @throws PreconditionFailed */
function refuseFullStore({ alarms }: Observation): void {
  if (alarms.length === 0) return;
  throw new PreconditionFailed(
    'NOSPACE is raised: etcd takes no write that could prove a replacement, and would send the full database to the new member. Run the ' +
      'runbook for space-exceeded first, which does without members that do not answer, then start again.',
  );
}
