import { describeId, refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import type { HashReading } from '../cluster/compared-hashes.ts';
import { READINGS } from '../cluster/confirmation.ts';
import type { Observation } from '../cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { type Condemned, condemn } from '../member-replacement/condemned.ts';
import { assessMembers } from '../member-replacement/member-assessment.ts';
import type { AssessData, DataAssessment, Difference } from './contracts.ts';
import { corruptAlarmsOf, describeAlarms, describeDissent, type Judgement, judgeHashes } from './judge-hashes.ts';
import { refuseSuspectLearners } from './suspect-learners.ts';

/**
 * Who holds other data than a majority of all voters, seen often enough? To the replacement these have failed, and so have those that do
 * not answer: its own gates are asked of all of them. Everything here comes before the first change.
 * @param compared the hashes of all voters that answer
 * @throws InvalidInput, PreconditionFailed, UnsafeToProceed, EtcdUnavailable
 */
export function assessData(
  observation: Observation,
  compared: HashReading,
  { cluster, parameters, readings }: AssessData,
): DataAssessment {
  // An alarm of a kind that is not known stays, and stops everything.
  refuseUnsafeAlarms(condemn(observation, []));
  const judgement = judgeHashes(compared, observation);
  const alarms = corruptAlarmsOf(observation);
  const condemned = judgement.dissenters.map((dissenter) => ({
    member: dissenter.name,
    id: dissenter.id,
    problem: describeDissent(dissenter, judgement, compared),
  }));
  const found = { condemned, compared, alarms, differences: [], stepsBefore: [], stepsAfter: [] };
  if (condemned.length === 0 && alarms.length === 0) {
    const none = { inspections: [], oldHost: [], members: [], readings };
    return { verdict: 'NothingToDo', summary: describeAgreement(judgement, compared), ...none, ...found };
  }
  refuseFullStore(observation);
  const assessment = assessMembers(condemn(observation, condemned), { cluster, parameters, member: '', readings });
  const targets = assessment.readings.targets.map(({ member }) => member);
  if (assessment.verdict !== 'Look') {
    // One that is to be a voter is compared once it is.
    const staysLearner = (name: string) => cluster.members.some((member) => member.name === name && member.learner);
    const settled = assessment.readings.targets.filter(
      ({ member, kind }) => kind === 'failed' || !staysLearner(member),
    );
    refuseSuspectLearners(
      observation,
      condemned.length > 0,
      settled.map(({ member }) => member),
    );
  }
  const summary = [
    targets.length > 0 ? assessment.summary : describeAgreement(judgement, compared),
    describeAlarms(observation, judgement),
  ].join(' ');
  const steps = {
    stepsBefore: stepsBefore(condemned, judgement, observation),
    stepsAfter: stepsAfter(observation),
  };
  if (assessment.verdict !== 'NothingToDo') return { ...assessment, summary, ...found, ...steps };
  requireAllCompared(compared, observation);
  const verdict = assessment.readings.equal >= READINGS ? 'Disarm' : 'Confirm';
  return { ...assessment, verdict, summary, ...found, ...steps };
}

function describeAgreement({ agreeing }: Judgement, { revision }: HashReading): string {
  const names = agreeing.map(({ name }) => name).join(', ');
  return `${names} hold the same data at revision ${revision}.`;
}

/** @throws EtcdUnavailable where a voter could not be asked */
export function requireAllCompared({ hashes }: HashReading, { memberList }: Observation): void {
  const missing = memberList.filter(({ id, isLearner }) => !isLearner && !hashes.some((hash) => hash.id === id));
  if (missing.length === 0) return;
  throw new EtcdUnavailable(
    `The data of ${missing.map(({ name, id }) => name || id).join(', ')} could not be compared, and CORRUPT stays raised until they are.`,
  );
}

/** @throws PreconditionFailed: nothing could be written at the end, and etcd compacts nothing while CORRUPT is raised */
function refuseFullStore({ alarms }: Observation): void {
  if (!alarms.some(({ alarm }) => alarm === 'NOSPACE')) return;
  throw new PreconditionFailed(
    'NOSPACE is raised besides: a repair could not be proven by a write, and a space reclaim is refused while members may hold different data. Nothing was changed. Raise ' +
      'the quota of every member (--quota-backend-bytes, and quotaBackendBytes in clusters.json), restart one after the other, disarm NOSPACE of each, and start again.',
  );
}

function stepsBefore(condemned: readonly Condemned[], { agreeing }: Judgement, { members }: Observation): string[] {
  const leads = condemned.find(({ id }) => members.some((seen) => seen.answering && seen.id === id && isLeader(seen)));
  const names = agreeing.map(({ name }) => name).join(' or ');
  return [
    ...condemned.map(({ member, problem }) => `${member} ${problem.replace(/\.$/, '')}, so it is replaced`),
    ...(leads ? [`move leadership from ${leads.member} to ${names}: a new member has its data from the leader`] : []),
  ];
}

function isLeader({ id, leaderId }: { id: string; leaderId: string }): boolean {
  return id === leaderId;
}

function stepsAfter(observation: Observation): string[] {
  const raised = corruptAlarmsOf(observation).map(({ memberId }) => describeId(observation, memberId));
  return [
    'compare the data of all voters',
    ...(raised.length > 0 ? [`disarm CORRUPT of ${raised.join(', ')}: until then etcd takes no write`] : []),
    'write and delete a key through every voter',
  ];
}

/** Between which revisions clients of a member may have read what others do not hold, as far as that was found. */
export function describeDifference({ member, sameAt, differentAt }: Difference): string {
  if (sameAt === '') {
    return `The data of ${member} differ at revision ${differentAt}, and it is not known since when: clients of it may have read wrong data before as well.`;
  }
  const since =
    BigInt(differentAt) - BigInt(sameAt) === 1n
      ? `from revision ${differentAt} on`
      : `from a revision on that is after ${sameAt} and not after ${differentAt}`;
  return `The data of ${member} differ ${since}: clients of it may have read wrong data since then. etcd cannot tell which clients.`;
}
