import { type Cluster, layoutOf } from '../contracts/clusters.ts';
import type { HostInspection } from '../contracts/host-commands.ts';
import type { PlannedTarget, ReplacementPlan, Target } from '../contracts/membership.ts';
import type { AnsweringMember, Observation } from '../contracts/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { formatBytes } from '../format.ts';
import { hasPeerUrl, requireQuorumWithout, type Survey, type SurveyedMember } from './member-survey.ts';
import { placeOf, type ReplacementRequest, scopeOf, surveyScope } from './replacement-scope.ts';

/** etcd lays out its log in segments of 64 MiB, and prepares the next one while it writes the first. */
const WAL_BYTES = 2 * 64 * 1024 * 1024;

/**
 * What has to be done for each target, now that its host was looked at.
 * @throws PreconditionFailed when a host is not as its replacement needs it; nothing was changed so far
 */
export function planReplacement(
  observation: Observation,
  request: ReplacementRequest & { targets: Target[]; inspections: { member: string; inspection: HostInspection }[] },
): ReplacementPlan {
  const scope = scopeOf(request);
  const { survey, replaced } = surveyScope(scope, observation);
  const unhealthy = request.targets.filter(({ member }) => find(survey, member).state !== 'healthy');
  if (unhealthy.length > 0) {
    requireQuorumWithout(
      unhealthy.map(({ member }) => member),
      survey,
      observation.memberList,
    );
  }
  const targets = unhealthy.map(({ member, kind }): PlannedTarget => {
    const surveyed = find(survey, member);
    const inspected = request.inspections.find((each) => each.member === member)?.inspection;
    if (surveyed.state === 'joining') return finish(surveyed);
    // It has failed since the assessment, or changed what it was: the readings begin anew.
    if (kind === 'joining' || !inspected) throw new EtcdUnavailable(`${member} ${surveyed.problem}`);
    requireFit(scope.cluster, surveyed, inspected, survey.leader);
    if (replaced) requireUnused(surveyed, inspected);
    const { unit, dataDir, walDir, user, group } = layoutOf(scope.cluster, surveyed.configured);
    const outdated = [idToRemove(surveyed, inspected), replaced?.listed?.id].filter((id) => id !== undefined);
    const removeIds = [...new Set(outdated)];
    const otherLearners = observation.memberList.some(
      (listed) => listed.isLearner && !removeIds.includes(listed.id) && listed !== surveyed.listed,
    );
    return {
      member,
      host: surveyed.configured.host as string,
      removeIds,
      prepare: true,
      asLearner: surveyed.configured.learner === true || (!otherLearners && isLearnerFirstRight(survey)),
      staysLearner: surveyed.configured.learner === true,
      wasActive: inspected.unit.activeState === 'active',
      revert: { unit, dataDir, walDir: walDir ?? '', user, group },
    };
  });
  return {
    cluster: scope.cluster,
    targets,
    steps: targets.flatMap((target) => describeSteps(target, scope.cluster)),
    archives: Object.fromEntries(request.inspections.map(({ member, inspection }) => [member, inspection.archives])),
  };
}

function find({ members }: Survey, name: string): SurveyedMember {
  return members.find((member) => member.name === name) as SurveyedMember;
}

function finish({ name, configured }: SurveyedMember): PlannedTarget {
  const staysLearner = configured.learner === true;
  return {
    member: name,
    host: configured.host ?? '',
    removeIds: [],
    prepare: false,
    asLearner: true,
    staysLearner,
    wasActive: true,
    revert: {},
  };
}

/**
 * A member's ID and its data belong together: whoever loses the data needs a new ID, or it could vote twice and forget what it
 * acknowledged. Only where it was added and has no data yet can the join simply go on.
 */
function idToRemove({ listed, configured }: SurveyedMember, { dataDir, walDir }: HostInspection): string | undefined {
  const neverStarted =
    listed?.name === '' && dataDir.empty && (walDir?.empty ?? true) && hasPeerUrl(listed, configured);
  return neverStarted ? undefined : listed?.id;
}

/**
 * A learner takes no part in votes until it is caught up, so it is the safe way in; but from 3.5.0 to 3.5.19 its promotion is
 * not written to the v3 store, and a later upgrade to 3.6 fails (https://github.com/etcd-io/etcd/issues/19557).
 */
function isLearnerFirstRight({ members }: Survey): boolean {
  return members
    .filter(({ version }) => version !== '')
    .every(({ version }) => {
      const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
      return major > 3 || (major === 3 && (minor === 4 || minor > 5 || (minor === 5 && patch >= 20)));
    });
}

/** @throws PreconditionFailed naming everything that does not fit */
function requireFit(
  cluster: Cluster,
  { name, configured }: SurveyedMember,
  { unit, etcdVersion, dataDir, configuration }: HostInspection,
  leader: AnsweringMember,
): void {
  const layout = layoutOf(cluster, configured);
  const neededBytes = leader.dbSizeBytes + WAL_BYTES;
  const peerUrls = configuration.initialAdvertisePeerUrls.split(',').map((url) => url.trim());
  const problems = [
    unit.loadState !== 'loaded' && `systemd has no usable unit "${layout.unit}" (${unit.loadState})`,
    etcdVersion === '' && `there is no etcd in ${layout.binDir}`,
    configuration.file === '' &&
      'etcd reads neither a config file nor an environment file, so its membership can be written nowhere',
    configuration.overriding.length > 0 &&
      `what would be written has no effect because of ${configuration.overriding.join(', ')}`,
    configuration.name !== name && `etcd is configured as "${configuration.name}", not as "${name}"`,
    !samePath(configuration.dataDir, layout.dataDir) &&
      `etcd's data dir is "${configuration.dataDir}", and clusters.json says ${layout.dataDir}`,
    !samePath(configuration.walDir, layout.walDir ?? '') &&
      `etcd's wal dir is "${configuration.walDir}", and clusters.json says ${layout.walDir ?? 'that there is none'}`,
    !peerUrls.some((url) => URL.canParse(url) && new URL(url).origin === new URL(configured.peerUrl).origin) &&
      `etcd announces the peer URL "${configuration.initialAdvertisePeerUrls}", and clusters.json says ${configured.peerUrl}`,
    dataDir.freeBytes < neededBytes &&
      `${formatBytes(dataDir.freeBytes)} are free at ${dataDir.realPath}, and the database with its log needs ${formatBytes(neededBytes)}`,
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return;
  throw new PreconditionFailed(
    `The host ${configured.host} is not ready for the replacement of ${name}; nothing was changed.\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
  );
}

/** A spare host may be in somebody's use: data on it is touched only where etcd's list says that an earlier run has begun with it. */
function requireUnused({ configured, listed }: SurveyedMember, { dataDir }: HostInspection): void {
  if (dataDir.empty || (listed && hasPeerUrl(listed, configured))) return;
  throw new PreconditionFailed(
    `${dataDir.path} on the replacement's host ${configured.host} holds data of etcd, and the cluster knows no member at ` +
      `${configured.peerUrl}: it may be a member of another cluster. Nothing was changed. Empty it, or name another host.`,
  );
}

function samePath(a: string, b: string): boolean {
  return a.replace(/\/+$/, '') === b.replace(/\/+$/, '');
}

function describeSteps(
  { member, host, removeIds, prepare, asLearner, staysLearner }: PlannedTarget,
  cluster: Cluster,
): string[] {
  const promotion = asLearner && !staysLearner ? [`promote ${member} once it is caught up`] : [];
  if (!prepare) return [`wait until ${member} is caught up`, ...promotion];
  const { member: configured, layout } = placeOf(cluster, member);
  return [
    `stop ${layout.unit} on ${host}`,
    `move ${layout.dataDir} aside on ${host}`,
    ...removeIds.map((id) => `remove member ${id} from etcd`),
    `add ${member} (${configured.peerUrl}) to etcd as a ${asLearner ? 'learner' : 'voter'}`,
    `write the membership into ${layout.configFile} on ${host}, and start ${layout.unit}`,
    `wait until ${member} is caught up`,
    ...promotion,
  ];
}
