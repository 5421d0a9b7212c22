import { type NewestBackup, problemOfNewest } from '../backups/newest.ts';
import { isSlow } from '../cluster/between.ts';
import {
  answeringIn,
  type ClusterView,
  isAgreed,
  type MemberFacts,
  nameOf,
  type ViewedMember,
  viewCluster,
} from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import type { Evidence } from '../cluster/evidence.ts';
import { mistakenAnswers } from '../cluster/identity.ts';
import { KEPT_FROM_US } from '../cluster/member-survey.ts';
import type { MemberObservation, Silence, SilentMember } from '../cluster/observation.ts';
import { isQuorumUnjudged, unjudgedQuorum } from '../quorum-recovery/quorum-assessment.ts';
import type { Seen } from '../runbook/runbook.ts';
import { type Incident, isIncident, RUNBOOKS } from '../runbooks.ts';
import { formatBytes, sentence } from '../text/format.ts';
import { describeLateCertificates } from './certificate-warnings.ts';
import { CONDITIONS, type Condition, type Diagnosis } from './diagnosis.ts';
import { warningsOf } from './diagnosis-warnings.ts';

/** For each condition that no runbook cures a summary where it is present. */
const OTHERS: Readonly<Record<Exclude<Condition, Incident>, (seen: Seen) => string | undefined>> = {
  'quorum-inaccessible': describeUnjudgedQuorum,
  'member-inaccessible': describeInaccessible,
};

/** Which incident a cluster has: each runbook is asked whether its own is there. It is one reading, from which nothing is changed. */
export function diagnose(cluster: Cluster, evidence: Evidence): Diagnosis {
  const view = viewCluster(cluster, evidence);
  const seen = { cluster, evidence, view };
  const present = CONDITIONS.flatMap((condition) => {
    const summary = isIncident(condition) ? RUNBOOKS[condition].present(seen) : OTHERS[condition](seen);
    return summary === undefined ? [] : [{ condition, summary }];
  });
  const [first, ...others] = present;
  return {
    incident: first?.condition ?? 'healthy',
    summary: first?.summary ?? describeHealth(seen),
    others: others.map(({ condition }) => condition),
    members: view.members.map((member) => factsOf(member, view)),
    hosts: evidence.hosts.map((reach) => ({
      ...reach,
      member: cluster.members.find(({ host }) => host === reach.host)?.name ?? '',
    })),
    warnings: warningsOf(cluster, evidence, view),
  };
}

/** The same, with the newest backup that there is. It is no part of the incident. */
export function withBackup(cluster: Cluster, diagnosis: Diagnosis, backup: NewestBackup | undefined): Diagnosis {
  if (!backup) return diagnosis;
  const problem = problemOfNewest(cluster, backup);
  return { ...diagnosis, backup, warnings: [...diagnosis.warnings, ...(problem ? [problem] : [])] };
}

/**
 * Whether it may be an election that hides the leader: that is over in some seconds, and another look shows another cluster. It can hide every
 * member too, for a login waits for a leader.
 */
export function mayElect(cluster: Cluster, evidence: Evidence): boolean {
  const areKept = evidence.members.every((seen) => !seen.answering && KEPT_FROM_US.includes(seen.silence));
  return !areKept && viewCluster(cluster, evidence).survey === undefined;
}

function describeUnjudgedQuorum({ cluster, evidence, view }: Seen): string | undefined {
  if (!isQuorumUnjudged(cluster, evidence, view)) return undefined;
  if (evidence.loginProblem !== '')
    return `From here it cannot be seen whether there is a quorum. ${evidence.loginProblem}`;
  const names = unjudgedQuorum(cluster, evidence).map(({ name }) => name);
  const kept = view.members.filter(({ name }) => names.includes(name));
  return (
    `From here it cannot be seen whether there is a quorum: ${names.join(', ')} may be one that works for everyone else. ` +
    [...causesOf(kept, evidence), ...describeKept(kept), ...adviceFor(kept)].join(' ')
  );
}

/** Certificates that are out of time, where TLS may be what keeps us from one of these. */
function causesOf(kept: readonly ViewedMember[], evidence: Evidence): string[] {
  const mayBeTls = kept.some(
    ({ seen }) => !seen.answering && (seen.silence === 'refused' || seen.silence === 'unreached'),
  );
  return mayBeTls ? describeLateCertificates(evidence) : [];
}

/** What keeps us from members. Where it is the same for several, it is reported once. */
function describeKept(kept: readonly ViewedMember[]): string[] {
  // Each names its own address.
  const alike = Map.groupBy(kept, ({ seen, problem, configured }) =>
    isStranger(seen) ? seen.problem : problem.replaceAll(configured.clientUrl, ''),
  );
  return [...alike.values()].map(([first, ...others]) => {
    const { name, problem, seen } = first as ViewedMember;
    if (isStranger(seen)) return seen.problem;
    return sentence(`${name} ${problem}`) + (others.length > 0 ? ` It is the same with ${namesOf(others)}.` : '');
  });
}

function isStranger(seen: MemberObservation): seen is SilentMember {
  return !seen.answering && seen.silence === 'stranger';
}

/** Of a stranger, and of one that answers for another, the sentence about it says what to correct. */
function adviceFor(kept: readonly ViewedMember[]): string[] {
  const having = (...silences: Silence[]) =>
    kept.filter(({ seen }) => !seen.answering && silences.includes(seen.silence));
  const refused = having('refused');
  // What takes the connection and answers late is at this address, as far as is known.
  const busy = kept.filter((member) => having('busy').includes(member) || isSlow(member.seen));
  const away = having('away', 'leaderless', 'unreached').filter(({ seen }) => !isSlow(seen));
  return [
    ...(away.length > 0
      ? [
          `Correct in clusters.json the clientUrl of ${namesOf(away)}, or the name server, the firewall or the proxy in between.`,
        ]
      : []),
    ...(refused.length > 0 ? [`Correct the login or the certificate for ${namesOf(refused)}.`] : []),
    ...(busy.length > 0
      ? [`Look at the load and the disk of ${namesOf(busy)}, and for a defragmentation under way; then wait.`]
      : []),
  ];
}

function namesOf(members: readonly { name: string }[]): string {
  return members.map(({ name }) => name).join(', ');
}

function describeInaccessible({ cluster, evidence, view }: Seen): string | undefined {
  if (isQuorumUnjudged(cluster, evidence, view)) return undefined;
  const kept = view.members.filter(({ state }) => state === 'refusing' || state === 'unreached');
  const mistakes = mistakenAnswers(cluster.members, evidence).filter(({ kind }) => kind !== 'another-cluster');
  if (kept.length === 0 && mistakes.length === 0) return undefined;
  const isOne = kept.length === 1;
  const standing =
    kept.length > 0
      ? `${[...causesOf(kept, evidence), ...describeKept(kept)].join(' ')}${describeWork(view)} Nothing shows that ${isOne ? 'it has' : 'they have'} failed, so ${isOne ? 'it is' : 'they are'} not replaced. If ${isOne ? 'it fails' : 'they fail'} now, it is not noticed.`
      : `${describeHealth({ evidence, view })} But the members that answer are not those of clusters.json, and no runbook changes anything before that is corrected.`;
  const isAnswered = ({ name }: ViewedMember) => evidence.members.some((seen) => seen.name === name && seen.answering);
  const silent = kept.filter((member) => !isAnswered(member));
  return [standing, ...mistakes.map(({ message }) => message), ...adviceFor(silent)].join(' ');
}

/** That the cluster is at work all the same, as those show that are seen. */
function describeWork(view: ClusterView): string {
  const seen = answeringIn(view);
  if (!view.hasQuorum || seen.length === 0) return '';
  const leaderIds = new Set(seen.map(({ leaderId }) => leaderId));
  const [leaderId = '0'] = leaderIds;
  const leads = leaderIds.size === 1 && leaderId !== '0' ? `, led by ${nameOf(view.observation, leaderId)}` : '';
  return ` A quorum is at work${leads}, as ${namesOf(seen)} ${seen.length === 1 ? 'shows' : 'show'}.`;
}

function describeHealth({ evidence, view }: Pick<Seen, 'evidence' | 'view'>): string {
  const others = view.members.filter(({ state }) => state === 'behind').map(({ name }) => name);
  const all = others.length > 0 ? `every member but ${others.join(', ')}` : 'every member';
  const leader = view.survey?.leader.name;
  const works = leader
    ? `${leader} leads, ${all} follows it and is caught up`
    : 'A quorum works, as far as can be seen from here';
  return isAgreed(evidence)
    ? `${works}, and no alarm is raised.`
    : `${works}, but whether an alarm is raised could not be read.`;
}

function factsOf({ name, seen, state, problem }: ViewedMember, view: ClusterView): MemberFacts {
  if (!seen.answering) return { name, state, problem, lagEntries: '', facts: problem };
  const applied = answeringIn(view).map((each) => BigInt(each.raftAppliedIndex));
  const furthest = applied.reduce((a, b) => (a > b ? a : b));
  const ahead = view.survey ? BigInt(view.survey.leader.raftAppliedIndex) : furthest;
  // The leader may have been read some entries earlier.
  const distance = ahead - BigInt(seen.raftAppliedIndex);
  const lagEntries = (distance > 0n ? distance : 0n).toString();
  const facts = [
    ...(seen.isLearner ? ['a learner'] : []),
    // Such a problem names the leader already.
    ...(problem.startsWith('follows ') ? [] : [stanceOf(seen, view)]),
    `etcd ${seen.version}`,
    `applied ${seen.raftAppliedIndex} (${lagEntries} behind)`,
    `revision ${seen.revision}`,
    `database ${formatBytes(seen.dbSizeBytes)} (${formatBytes(seen.dbSizeInUseBytes)} in use)${seen.quotaBytes === null ? ', no quota' : ` of ${formatBytes(seen.quotaBytes)}`}`,
  ];
  return { name, state, problem, lagEntries, facts: facts.join(', ') };
}

function stanceOf({ id, leaderId }: { id: string; leaderId: string }, { observation, survey }: ClusterView): string {
  if (leaderId === '0') return 'follows no leader';
  if (leaderId !== id) return `follows ${nameOf(observation, leaderId)}`;
  return survey?.leader.id === id ? 'leads' : 'believes that it leads';
}
