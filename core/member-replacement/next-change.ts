import type { Cluster } from '../cluster/clusters.ts';
import { refuseDowngrade } from '../cluster/downgrade.ts';
import { hasPeerUrl } from '../cluster/identity.ts';
import { requireQuorumWithout, type Survey, type SurveyedMember } from '../cluster/member-survey.ts';
import type { ListedMember, Observation } from '../cluster/observation.ts';
import { isLearnerFirstRight, WITHOUT_PROMOTION } from '../cluster/releases.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { inspectionOf, placeOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { stopOf } from '../hosts/service-commands.ts';
import { condemn } from './condemned.ts';
import type { ChooseNextChange, NextChange, PlannedTarget } from './contracts.ts';
import { type ReplacementScope, refuseHealthyReplaced, surveyScope } from './replacement-scope.ts';

/**
 * A wait lasts about 10 s. A new member does not answer until it has received and applied the whole database. So it gets 3 minutes to
 * start, and the time that the database takes at 10 MiB a second...
 */
const MAX_SILENT_WAITS = 18;
const BYTES_PER_WAIT = 100 * 1024 * 1024;
/** ...and one that answers gets 10 minutes without any progress. */
const MAX_IDLE_WAITS = 60;

/** Two hours of waiting, and far more changes than any cluster needs. */
const MAX_TURNS = 1_000;

/**
 * The one next thing to do, decided again from what the cluster looks like now and from what this execution did on hosts.
 *
 * Everything that leaves the cluster leaves before anything joins it, for etcd adds no member while another voter is down. A member
 * leaves etcd's list before its data is moved: a listed ID and an empty data dir must never meet. A start of the service would
 * make a voter that has forgotten its votes and what it acknowledged. Then one member after the other joins: added,
 * configured and started, caught up, promoted.
 *
 * Members that are condemned leave and join one after the other, for they are voters at work; what has failed already comes before them. Leadership
 * is first moved away from each of them.
 *
 * @throws EtcdUnavailable while the other members are not settled; UnsafeToProceed, PreconditionFailed
 */
export function chooseNextChange(observation: Observation, request: ChooseNextChange): NextChange {
  const { condemned, targets } = request;
  if (!condemned) return chooseChangeOf(observation, request);
  const move = moveAway(observation, request);
  if (move) return move;
  const failed = targets.filter((target) => !condemned.some(({ member }) => member === target.member));
  const turns = [
    { targets: failed, condemned: [] },
    ...condemned.map((each) => ({
      targets: targets.filter(({ member }) => member === each.member),
      condemned: [each],
    })),
  ];
  for (const turn of turns) {
    const seen = condemn(observation, turn.condemned);
    // Those who have had their turn are voters like any other, and do not wait for one that is away now.
    if (areBack(turn.targets, seen, request)) continue;
    return chooseChangeOf(seen, { ...request, targets: turn.targets });
  }
  return { action: 'Finish' };
}

function areBack(targets: readonly PlannedTarget[], seen: Observation, request: ChooseNextChange): boolean {
  const { survey } = surveyScope(scopeInView(request), seen, true);
  return targets.every(({ member }) =>
    survey.members.some(({ name, state }) => name === member && state === 'healthy'),
  );
}

/** @throws EtcdUnavailable where nobody else can lead now */
function moveAway(observation: Observation, request: ChooseNextChange): NextChange | undefined {
  const { survey } = surveyScope(scopeInView(request), condemn(observation, request.condemned ?? []), true);
  const leader = survey.members.find(({ id }) => id === survey.leader.id);
  if (leader?.seen.answering !== true || leader.seen.condemned === undefined) return undefined;
  const [transferee] = survey.members
    .filter(({ state, listed }) => state === 'healthy' && listed?.isLearner === false)
    .toSorted((a, b) => Number(BigInt(b.raftAppliedIndex) - BigInt(a.raftAppliedIndex)));
  if (transferee) return { action: 'MoveLeadership', member: leader.name, transferee: transferee.name };
  throw new EtcdUnavailable(`${leader.name} leads and is to be replaced, and no other voter can lead now.`);
}

function chooseChangeOf(observation: Observation, request: ChooseNextChange): NextChange {
  const { targets } = request;
  const { survey, replaced } = surveyScope(scopeInView(request), observation, true);
  refuseHealthyReplaced(replaced, survey);
  if (request.turn > MAX_TURNS) {
    throw new PreconditionFailed(
      `After ${request.turn} turns there is still something to do: another person or program changes the membership, or a member falls behind as fast ` +
        'as it catches up. Find out what disturbs the cluster, then start again.',
    );
  }
  const names = targets.map(({ member }) => member);
  // A target that has joined is a voter like any other.
  const notWell = survey.members.filter(({ name, state }) => names.includes(name) && state !== 'healthy');
  requireQuorumWithout(
    notWell.map(({ name }) => name),
    survey,
    observation.memberList,
  );
  requireSettledWithout(names, survey);
  // Those that etcd lists already go first, because it adds no member while a voter that it lists is down.
  const isListed = ({ member }: PlannedTarget) => survey.members.some(({ name, listed }) => name === member && listed);
  const arriving = [...targets.filter(isListed), ...targets.filter((target) => !isListed(target))];
  const departure = chooseDeparture(observation.memberList, survey, replaced, request);
  if (departure?.action === 'StopService' || departure?.action === 'RemoveMember') refuseDowngrade(observation);
  if (departure) return departure;
  const arrival = arriving
    .map((target) => chooseArrival(target, survey, observation, request))
    .find((next) => next !== undefined);
  if (arrival?.action === 'AddMember') refuseDowngrade(observation, arrival.member);
  return arrival ?? { action: 'Finish' };
}

/** What has to be observed for the choice: the members as they will be, and the one whose place is taken. */
export function scopeInView({ cluster, replaced }: ChooseNextChange): ReplacementScope {
  return { cluster, replaced: replaced ?? undefined, observed: [...cluster.members, ...(replaced ? [replaced] : [])] };
}

/** A second member that fails now is not this execution's: it waits for it, and stops when it does not come back. */
function requireSettledWithout(targets: readonly string[], { members }: Survey): void {
  const unsettled = members.filter(({ name, state }) => state !== 'healthy' && !targets.includes(name));
  if (unsettled.length === 0) return;
  const list = unsettled.map(({ name, problem }) => `${name} ${problem}`).join(' ');
  throw new EtcdUnavailable(`The members that stay are not all well: ${list}`);
}

function chooseDeparture(
  memberList: readonly ListedMember[],
  { members }: Survey,
  replaced: SurveyedMember | undefined,
  request: ChooseNextChange,
): NextChange | undefined {
  const { cluster, targets, execution } = request;
  const leaving = targets.filter(({ prepare }) => prepare).map(({ member }) => member);
  const running = leaving.filter((member) => !isDone(request, 'StopService', member));
  for (const member of running) requireStillFailed(members.find(({ name }) => name === member) as SurveyedMember);
  if (running.length > 0) {
    return { action: 'StopService', commands: running.map((member) => stopOf(cluster, member)) };
  }
  for (const { member, prepare, removeIds } of targets) {
    const isArchived = isDone(request, 'ArchiveDataDir', member);
    const own = members.find(({ name }) => name === member);
    const current = prepare && !isArchived ? (own?.listed ?? replaced?.listed)?.id : undefined;
    if (current !== undefined && !removeIds.includes(current)) throw addedByAnother(member, current);
    const id = current ?? removeIds.find((outdated) => memberList.some((listed) => listed.id === outdated));
    if (id !== undefined) return { action: 'RemoveMember', member, id };
  }
  const commands = leaving
    .filter((member) => !isDone(request, 'ArchiveDataDir', member))
    .map((member) => {
      const { unit, dataDir, walDir, user, group } = placeOf(cluster, member).layout;
      return command(cluster, member, { unit, dataDir, walDir: walDir ?? '', user, group, execution });
    });
  return commands.length > 0 ? { action: 'ArchiveDataDir', commands } : undefined;
}

/** What the plan names is the whole of what is removed. */
function addedByAnother(member: string, id: string): PreconditionFailed {
  return new PreconditionFailed(
    `${member} is the member ${id} in etcd's list now, which this plan does not remove: another person or program added it since the plan was made. Find out ` +
      'who else is replacing it, and let only one of you go on. Then start again for a new plan.',
  );
}

/** The last look before the first change: a member that came back by itself is left alone, and so is one of which nothing is known. */
function requireStillFailed({ name, state, problem }: SurveyedMember): void {
  if (state === 'failed') return;
  if (state === 'unjudged') throw new EtcdUnavailable(`${name} ${problem} Nothing is done to it.`);
  throw new PreconditionFailed(`${name} has come back, so it is not replaced. Start again if it fails again.`);
}

function chooseArrival(
  target: PlannedTarget,
  survey: Survey,
  { memberList }: Observation,
  request: ChooseNextChange,
): NextChange | undefined {
  const { cluster, execution } = request;
  const member = survey.members.find(({ name }) => name === target.member) as SurveyedMember;
  const { name, listed, configured, seen, state } = member;
  if (!listed) {
    // It had joined and was removed by another: what it announced is not known.
    const peerUrls = target.peerUrls.length > 0 ? target.peerUrls : [configured.peerUrl];
    return { action: 'AddMember', member: name, peerUrls, asLearner: target.asLearner };
  }
  if (seen.answering && seen.id === listed.id) {
    if (state === 'healthy') return undefined;
    const isOnlyUnpromoted = state === 'joining' && listed.isLearner && !target.staysLearner && member.isCaughtUp;
    if (isOnlyUnpromoted && !isLearnerFirstRight(survey.members.map(({ version }) => version))) {
      throw new PreconditionFailed(
        `${name} was added as a learner by another person or program, and this release of etcd does not write its promotion to its store ` +
          `(https://github.com/etcd-io/etcd/issues/19557). ${WITHOUT_PROMOTION}`,
      );
    }
    if (isOnlyUnpromoted) return { action: 'PromoteMember', member: name, id: listed.id };
    return waitFor(member, MAX_IDLE_WAITS, request);
  }
  if (target.prepare && !isDone(request, 'JoinCluster', name)) {
    const { unit, configFile, dataDir, walDir } = placeOf(cluster, name).layout;
    const initialCluster = initialClusterOf(cluster, memberList);
    const parameters = { unit, configFile, dataDir, walDir: walDir ?? '', initialCluster, execution };
    return { action: 'JoinCluster', commands: [command(cluster, name, parameters)] };
  }
  const transferWaits = Math.ceil(survey.leader.dbSizeBytes / BYTES_PER_WAIT);
  return waitFor(member, MAX_SILENT_WAITS + transferWaits, request);
}

function waitFor(
  { name, problem }: SurveyedMember,
  maxWaits: number,
  { cluster, waits }: ChooseNextChange,
): NextChange {
  if (waits < maxWaits) return { action: 'WaitForMember', member: name };
  return { action: 'GiveUp', problem: `${name} was started and ${problem}`, ...inspectionOf(cluster, name) };
}

function command(cluster: Cluster, member: string, parameters: Record<string, string>): HostCommand {
  return { member, host: placeOf(cluster, member).host, parameters };
}

function isDone({ done }: ChooseNextChange, action: NextChange['action'], member: string): boolean {
  return done.includes(`${action} ${member}`);
}

/** `node1=http://10.0.1.11:2380,...`: every member of etcd's list, those too that have not started and so have no name there. */
function initialClusterOf({ members }: Cluster, memberList: readonly ListedMember[]): string {
  return memberList
    .flatMap((listed) => {
      const name = listed.name || (members.find((member) => hasPeerUrl(listed, member))?.name ?? listed.id);
      return listed.peerUrls.map((url) => `${name}=${url}`);
    })
    .join(',');
}
