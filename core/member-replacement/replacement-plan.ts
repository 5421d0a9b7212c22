import { type Cluster, type ConfiguredMember, type Layout, layoutOf } from '../cluster/clusters.ts';
import { refuseDowngrade } from '../cluster/downgrade.ts';
import { hasPeerUrl } from '../cluster/identity.ts';
import { requireQuorumWithout, type Survey, type SurveyedMember } from '../cluster/member-survey.ts';
import type { ListedMember, Observation } from '../cluster/observation.ts';
import { isLearnerFirstRight, isOlderRelease, WITHOUT_PROMOTION } from '../cluster/releases.ts';
import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import type { HostInspection, InspectionReport } from '../hosts/host-command-results.ts';
import { announcedPeerUrls, misfitsOf, roomMisfit, WAL_BYTES } from '../hosts/host-fit.ts';
import { newerData } from '../hosts/newer-data.ts';
import { seenLog, startOf } from '../hosts/service-commands.ts';
import { startCauses } from '../hosts/start-causes.ts';
import { type Condemned, condemn } from './condemned.ts';
import type { PlannedTarget, ReplacementPlan, Target } from './contracts.ts';
import { type ReplacementRequest, refuseHealthyReplaced, scopeOf, surveyScope } from './replacement-scope.ts';
import { describeSteps, describeWait } from './replacement-steps.ts';
import { requireNotAtWork, weighOldHost } from './two-views.ts';
import { refuseUnjudged, unjudgedIn } from './unjudged-members.ts';

interface Inspected {
  member: string;
  inspection: HostInspection;
}

/**
 * What has to be done for each target, now that its host was looked at.
 * @param lateCertificates by member: which of those on its host do not hold now
 * @throws PreconditionFailed when a host is not as its replacement needs it; nothing was changed so far
 */
export function planReplacement(
  seen: Observation,
  request: ReplacementRequest & {
    targets: Target[];
    inspections: Inspected[];
    oldHost: InspectionReport[];
    condemned?: Condemned[] | undefined;
  },
  lateCertificates: Readonly<Record<string, string[]>> = {},
): ReplacementPlan {
  const observation = request.condemned ? condemn(seen, request.condemned) : seen;
  const scope = scopeOf(request);
  const { survey, replaced } = surveyScope(scope, observation);
  if (request.targets.length === 0) {
    refuseUnjudged(unjudgedIn(survey, replaced), request.oldHost);
    throw new PreconditionFailed(
      'What could not be judged from here a moment ago can be by now. Nothing was changed; start again.',
    );
  }
  refuseHealthyReplaced(replaced, survey);
  const unhealthy = request.targets.filter(({ member }) => find(survey, member).state !== 'healthy');
  if (unhealthy.length > 0) {
    requireQuorumWithout(
      unhealthy.map(({ member }) => member),
      survey,
      observation.memberList,
    );
  }
  const oldHost: string[] = [];
  const targets = unhealthy.map(({ member, kind }): PlannedTarget => {
    const surveyed = find(survey, member);
    const inspected = inspectionOf(request, member);
    if (surveyed.state === 'joining') return finish(surveyed, survey);
    // It has failed since the assessment, or changed what it was: the readings begin again.
    if (kind === 'joining' || surveyed.state !== 'failed' || !inspected)
      throw new EtcdUnavailable(`${member} ${surveyed.problem}`);
    refuseDowngrade(observation);
    requireNotAtWork(surveyed, inspected);
    requireNotNewer(surveyed, inspected, observation);
    requireFit(scope.cluster, surveyed, inspected, survey, lateCertificates[member] ?? []);
    if (replaced) {
      requireUnused(surveyed, inspected, scope.cluster);
      oldHost.push(...weighOldHost(replaced, request.oldHost));
      const [old] = request.oldHost;
      if (old?.result) requireNotNewer(replaced, old.result, observation);
    }
    const outdated = [surveyed.listed?.id, replaced?.listed?.id].filter((id) => id !== undefined);
    const removeIds = [...new Set(outdated)];
    const otherLearners = observation.memberList.some(
      (listed) => listed.isLearner && !removeIds.includes(listed.id) && listed !== surveyed.listed,
    );
    const staysLearner = surveyed.configured.learner === true;
    const versions = [inspected.etcdVersion, ...survey.members.map(({ version }) => version)];
    const asLearner = staysLearner || (!otherLearners && isLearnerFirstRight(versions));
    if (!asLearner) requireVotersBesides(removeIds, observation, member);
    return {
      member,
      host: surveyed.configured.host as string,
      removeIds,
      prepare: true,
      asLearner,
      staysLearner,
      // One that waits for its peers, or that systemd starts again and again, counts as running.
      wasActive: !['inactive', 'failed'].includes(inspected.unit.activeState),
      start: startOf(scope.cluster, member, 'start', seenLog(inspected)).parameters,
      peerUrls: announcedPeerUrls(inspected),
    };
  });
  refuseOtherRemovals(targets, observation.memberList, request.parameters.removeOnly);
  return {
    cluster: scope.cluster,
    replaced: scope.replaced ?? null,
    targets,
    steps: [
      ...oldHost,
      ...targets.flatMap((target) => {
        const surveyed = find(survey, target.member);
        const inspection = inspectionOf(request, target.member);
        return target.prepare && inspection
          ? describeSteps(target, scope.cluster, { surveyed, replaced, inspection, leader: survey.leader })
          : describeWait(target);
      }),
    ],
    archives: Object.fromEntries(request.inspections.map(({ member, inspection }) => [member, inspection.archives])),
  };
}

/**
 * Since someone has approved, another person may have replaced the same member: then its name is that of one which is on its way in.
 * @throws PreconditionFailed where others would be removed than those that may be
 */
function refuseOtherRemovals(
  targets: readonly PlannedTarget[],
  memberList: readonly ListedMember[],
  removeOnly: readonly string[] | undefined,
): void {
  const others = targets.flatMap(({ member, removeIds }) =>
    removeIds.filter((id) => removeOnly && !removeOnly.includes(id)).map((id) => ({ member, id })),
  );
  if (others.length === 0) return;
  const list = others.map(({ member, id }) => {
    const isUnstarted = memberList.some((listed) => listed.id === id && listed.name === '');
    return `${member} is the member ${id} in etcd's list now${isUnstarted ? ', which was added and has never started' : ''}.`;
  });
  const approved = removeOnly?.length ? `Only ${removeOnly.join(', ')} may be removed` : 'No member may be removed';
  throw new PreconditionFailed(
    `${list.join(' ')} ${approved}: more was not approved. Another person or program may be replacing it: find out who. Nothing was changed. ` +
      'Start again for a new plan.',
  );
}

function inspectionOf({ inspections }: { inspections: Inspected[] }, name: string): HostInspection | undefined {
  return inspections.find(({ member }) => member === name)?.inspection;
}

/**
 * The data of a member that is replaced is moved aside: it must not be what the others have lost.
 * @throws UnsafeToProceed
 */
function requireNotNewer(
  { name, configured }: SurveyedMember,
  inspection: HostInspection,
  { members }: Observation,
): void {
  const newer = newerData(
    inspection,
    members.filter((seen) => seen.answering),
  );
  if (newer === '') return;
  throw new UnsafeToProceed(
    `${name} is not replaced, and nothing was changed: on its host ${configured.host} ${newer}`,
  );
}

function find({ members }: Survey, name: string): SurveyedMember {
  return members.find((member) => member.name === name) as SurveyedMember;
}

function finish({ name, configured, role }: SurveyedMember, { members }: Survey): PlannedTarget {
  const staysLearner = configured.learner === true;
  if (role === 'learner' && !staysLearner && !isLearnerFirstRight(members.map(({ version }) => version))) {
    throw new PreconditionFailed(
      `${name} is a learner, and this release of etcd does not write a promotion to its store, so that a later upgrade to 3.6 fails ` +
        `(https://github.com/etcd-io/etcd/issues/19557). ${WITHOUT_PROMOTION}`,
    );
  }
  return {
    member: name,
    host: configured.host ?? '',
    removeIds: [],
    prepare: false,
    asLearner: true,
    staysLearner,
    wasActive: true,
    start: {},
    peerUrls: [],
  };
}

/**
 * A voter counts from the moment in which it is added. Beside a single one it makes a quorum of two, which is gone until it runs:
 * if it did not start, it could not be removed again.
 */
function requireVotersBesides(removeIds: readonly string[], { memberList }: Observation, member: string): void {
  const staying = memberList.filter(({ id, isLearner }) => !isLearner && !removeIds.includes(id));
  if (staying.length > 1) return;
  throw new PreconditionFailed(
    `${staying.map(({ name }) => name).join('')} is the only voter that stays, and this release of etcd cannot add ${member} as a learner ` +
      'first. As a voter it would stop the cluster until it runs. Upgrade etcd to 3.5.20 or later, or add the member by hand.',
  );
}

/**
 * etcd compares the release of a new member with the version of its cluster, which is that of the oldest member. It stays behind while a member
 * that is not upgraded yet is down. gRPC does not report it. The stored version follows it within seconds (measured on 3.6.16 and 3.7.3).
 * @throws PreconditionFailed naming everything that does not fit
 */
function requireFit(
  cluster: Cluster,
  { name, configured }: SurveyedMember,
  inspection: HostInspection,
  { leader, members }: Survey,
  lateCertificates: readonly string[],
): void {
  const clusterVersions = members.flatMap(({ seen }) => (seen.answering ? [seen.storageVersion || seen.version] : []));
  const problems = replacementMisfits(layoutOf(cluster, configured), configured, inspection, {
    clusterVersions,
    dbSizeBytes: leader.dbSizeBytes,
  }).concat(lateCertificates);
  if (problems.length === 0) return;
  throw new PreconditionFailed(
    `The host ${configured.host} is not ready for the replacement of ${name}; nothing was changed.\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
  );
}

/**
 * Why a member could not be replaced on its host: empty where it could.
 * @param clusterVersions what the members that answer store by, or run; @param dbSizeBytes of the database that a new member is sent
 */
export function replacementMisfits(
  layout: Layout,
  configured: ConfiguredMember,
  inspection: HostInspection,
  { clusterVersions, dbSizeBytes }: { clusterVersions: readonly string[]; dbSizeBytes: number },
): string[] {
  const { etcdVersion, dataDir, walDir } = inspection;
  const isKnown = etcdVersion !== '' && clusterVersions.length > 0;
  const isOlderThanAll = isKnown && clusterVersions.every((version) => isOlderRelease(etcdVersion, version));
  const older = isOlderThanAll
    ? [
        `etcd ${etcdVersion} in ${layout.binDir} is older than every member (${clusterVersions.join(', ')}), and a cluster takes in no such`,
      ]
    : [];
  const neededBytes = dbSizeBytes + WAL_BYTES;
  return [
    ...older,
    ...startCauses(inspection, neededBytes),
    ...misfitsOf(configured, layout, inspection, 'member-failed'),
    ...roomMisfit(dataDir, neededBytes, 'the database with its log needs'),
    ...(walDir === null ? [] : roomMisfit(walDir, WAL_BYTES, 'the log needs')),
  ];
}

/**
 * A spare host may have another use. Its data is touched only if etcd's list, or the membership that was written there, says
 * that an earlier run has begun with it.
 */
function requireUnused(
  { configured, listed }: SurveyedMember,
  { dataDir, walDir, configuration }: HostInspection,
  { members }: Cluster,
): void {
  if ((dataDir.empty && (walDir?.empty ?? true)) || (listed && hasPeerUrl(listed, configured))) return;
  const peerUrls = configuration.initialCluster.split(',').map((entry) => entry.slice(entry.indexOf('=') + 1));
  const isBegun =
    configuration.initialClusterState === 'existing' && members.every((member) => hasPeerUrl({ peerUrls }, member));
  if (isBegun) return;
  throw new PreconditionFailed(
    `${dataDir.path} on the replacement's host ${configured.host} holds data of etcd, and the cluster knows no member at ` +
      `${configured.peerUrl}: it may be a member of another cluster. Nothing was changed. Empty it, or name another host.`,
  );
}
