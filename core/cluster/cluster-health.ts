import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import type { ConfiguredMember } from './clusters.ts';
import { adviceForStranger, describeListed, requireIdentities } from './identity.ts';
import type { AnsweringMember, Observation, Silence, SilentMember } from './observation.ts';

/**
 * Further behind than this, a member is not caught up. etcd keeps 5,000 entries for a slow follower before it has to send
 * a snapshot (etcd's `--experimental-snapshot-catchup-entries`); a fifth of that leaves room for the time between two readings.
 */
const MAX_LAG_ENTRIES = 1000n;

/** A cluster in which every configured member answers, follows one leader and is caught up. */
export interface SettledCluster {
  leader: AnsweringMember;
  voters: AnsweringMember[];
  learners: AnsweringMember[];
}

/** Which member did not answer, at which address, and why: most problems begin with the address. */
export function silentAt({ name, endpoint, problem }: SilentMember): string {
  return problem.startsWith(endpoint) ? `${name}: ${problem}` : `${name} (${endpoint}): ${problem}`;
}

const CORRUPT_ADVICE =
  'The runbook for data-corrupt compares the members, replaces the one that differs, and disarms the alarm. No other runbook starts while it is raised.';
const UNKNOWN_ADVICE =
  "This release does not know an alarm of that kind: look it up in etcd's documentation, disarm it once its cause is gone, and start again.";

/**
 * CORRUPT blocks everything, and so does an alarm of a kind that this release does not know. NOSPACE does not.
 * @throws UnsafeToProceed
 */
export function refuseUnsafeAlarms(observation: Observation): void {
  const unsafe = observation.alarms.filter((raised) => raised.alarm !== 'NOSPACE');
  if (unsafe.length === 0) return;
  const list = unsafe
    .map((raised) => `${raised.alarm} on member ${describeId(observation, raised.memberId)}`)
    .join(', ');
  const isKnown = unsafe.every(({ alarm }) => alarm === 'CORRUPT');
  throw new UnsafeToProceed(
    `etcd has raised ${list}. Members may hold different data, and any change could spread the damage; nothing was done and ` +
      `no alarm was disarmed. ${isKnown ? CORRUPT_ADVICE : UNKNOWN_ADVICE}`,
  );
}

/**
 * That every configured member answers, that etcd's members are the configured ones, and that all belong to one cluster.
 * @param whenSilent what a member that does not answer means: before the first change the runbook stops; in the middle of
 *   it a member may just be restarting, so it waits
 * @param unlisted members of the configuration that do not answer and that etcd does not list, by name; they are not asked for
 * @throws PreconditionFailed, or EtcdUnavailable to wait, naming each member in question
 */
export function requireConfiguredMembers(
  observation: Observation,
  configured: readonly ConfiguredMember[],
  whenSilent: 'stop' | 'wait',
  unlisted: readonly string[] = [],
): AnsweringMember[] {
  requireIdentities(configured, observation, { untouched: whenSilent === 'stop' });
  const answering = observation.members.filter((member) => member.answering);
  const silent = observation.members.filter((member) => !member.answering);
  if (silent.length > 0) {
    const list = silent.map((member) => `- ${silentAt(member)}`).join('\n');
    const message =
      `${silent.length} of ${observation.members.length} members cannot be used:\n${list}\n` +
      adviceFor(silent, observation);
    throw whenSilent === 'wait' ? new EtcdUnavailable(message) : new PreconditionFailed(message);
  }
  if (new Set(answering.map((member) => member.clusterId)).size > 1) {
    const list = answering.map((member) => `${member.name}: cluster ${member.clusterId}`).join(', ');
    throw new PreconditionFailed(
      `The configured members belong to different clusters (${list}), so a change could reach the wrong one. Correct the clientUrl of those that are of another cluster.`,
    );
  }
  // A learner that was added and never started has no database, and takes no part in anything.
  const unknown = observation.memberList.filter(
    (listed) => !answering.some((member) => member.id === listed.id) && !(listed.isLearner && listed.name === ''),
  );
  if (unknown.length > 0) {
    const list = unknown.map(
      (listed) => `\n- ${describeListed(listed)}: ${adviceForStranger(listed, configured, unlisted)}`,
    );
    throw new PreconditionFailed(
      `etcd has members that clusters.json does not name, and each has its own database, which must be looked after:${list.join('')}\nCorrect this, then start again.`,
    );
  }
  const removed = answering.filter(
    (member) => observation.memberList.length > 0 && !observation.memberList.some((listed) => listed.id === member.id),
  );
  if (removed.length > 0) {
    throw new PreconditionFailed(
      `${removed.map((member) => `${member.name} (${member.id})`).join(', ')} was removed from etcd's member list and answers all the same. ` +
        'The incident member-failed adds it to etcd again. If it is to be gone, stop it and take it out of clusters.json.',
    );
  }
  return answering;
}

function adviceFor(silent: readonly SilentMember[], { alarms, memberList }: Observation): string {
  const having = (...silences: Silence[]) =>
    silent.filter(({ silence }) => silences.includes(silence)).map(({ name }) => name);
  const running = having('refused', 'busy', 'leaderless');
  const unreached = having('unreached');
  const gone = having('away');
  const advice: string[] = [];
  if (running.length > 0) {
    advice.push(
      `A member that runs, and refuses us or has no leader, has not failed: correct what is wrong with ${running.join(', ')}.`,
    );
  }
  if (unreached.length > 0) {
    advice.push(
      `Nothing says that ${unreached.join(', ')} failed, only that we do not get there: correct what is said above, and start again.`,
    );
  }
  if (memberList.length === 0) {
    advice.push(
      'No quorum could be asked, so alarms were not read: bring members back, and if no leader is found, see the incident quorum-lost.',
    );
  } else if (gone.length > 0) {
    advice.push(
      alarms.some(({ alarm }) => alarm === 'NOSPACE')
        ? `Bring back ${gone.join(', ')}, or start the runbook for space-exceeded again: it leaves out what does not answer then.`
        : `Bring back ${gone.join(', ')} first, or see the incident member-failed: only while NOSPACE is raised are members left out.`,
    );
  }
  return advice.join(' ');
}

/**
 * That one leader is followed by all and that everyone is caught up, which waiting usually brings about.
 * @throws EtcdUnavailable saying what is still missing
 */
export function requireSettled(members: readonly AnsweringMember[]): SettledCluster {
  const leaderIds = new Set(members.map((member) => member.leaderId));
  const leader = members.find((member) => leaderIds.size === 1 && leaderIds.has(member.id));
  if (!leader) {
    const list = members.map((member) => `${member.name} follows ${nameOf(members, member.leaderId)}`).join(', ');
    throw new EtcdUnavailable(
      leaderIds.size === 1 && !leaderIds.has('0')
        ? `The leader does not answer from here, but it works: members follow it. ${list}. Correct its clientUrl, or the network in between.`
        : `The members do not agree on a leader: ${list}. An election may be under way. If it lasts, look at the network between them.`,
    );
  }
  const behind = members.filter((member) => isBehind(leader, member));
  if (behind.length > 0) {
    const list = behind
      .map((member) => `${member.name} has applied ${member.raftAppliedIndex} of ${leader.raftAppliedIndex} entries`)
      .join(', ');
    throw new EtcdUnavailable(
      `Not every member is caught up: ${list}. If it lasts, look at the disk, the network and the log of those that are behind.`,
    );
  }
  return {
    leader,
    voters: members.filter((member) => !member.isLearner),
    learners: members.filter((member) => member.isLearner),
  };
}

/** Whether `member` lacks more of the log than the time between two readings explains. */
export function isBehind(leader: AnsweringMember, member: AnsweringMember): boolean {
  return BigInt(leader.raftAppliedIndex) - BigInt(member.raftAppliedIndex) > MAX_LAG_ENTRIES;
}

function nameOf(members: readonly AnsweringMember[], id: string): string {
  return id === '0' ? 'no leader' : (members.find((member) => member.id === id)?.name ?? id);
}

/** `8e9e05c52164694d (node1)`, or without the name for a member that is gone. One that does not answer has its name in etcd's list. */
export function describeId({ members, memberList }: Observation, id: string): string {
  const seen = members.find((candidate) => candidate.answering && candidate.id === id);
  const name = memberList.find((listed) => listed.id === id)?.name || seen?.name;
  return name ? `${id} (${name})` : id;
}
