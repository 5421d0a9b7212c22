import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { comparableVoters } from '../../core/member-repair/comparable-voters.ts';
import { assessDataInput, type DataAssessment, type Difference } from '../../core/member-repair/contracts.ts';
import { assessData, describeDifference } from '../../core/member-repair/data-assessment.ts';
import { corruptAlarmsOf } from '../../core/member-repair/judge-hashes.ts';
import { summarizeData } from '../../core/member-repair/summaries.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { findDivergence, readHashes } from '../etcd/hashes.ts';
import { etcdStep } from '../step.ts';

const LAMBDA_RESERVE_MS = 20_000;
/** Each step of it reads all data of two members. */
const DIVERGENCE_MS = 60_000;

/**
 * One reading of every voter's hash at one revision: who holds other data than a majority, and may it be replaced? At the last reading,
 * since which revision. Nothing is written: a revision that all have is one that all have applied.
 */
export const handler = etcdStep(assessDataInput, async (etcd, input, { remainingMs }) => {
  const until = Date.now() + remainingMs() - LAMBDA_RESERVE_MS;
  const observation = await etcd.observe();
  const voters = comparableVoters(input.cluster.members, observation);
  const isStopped = corruptAlarmsOf(observation).length > 0;
  const assessment = assessData(observation, await readHashes(etcd, voters, until, isStopped), input);
  if (assessment.verdict !== 'Replace') return { ...assessment, summary: summarizeData(assessment) };
  const differences = await differencesOf(etcd, voters, assessment, until);
  const summary = [assessment.summary, ...differences.map(describeDifference)].join(' ');
  return { ...assessment, differences, summary };
});

async function differencesOf(
  etcd: EtcdCluster,
  voters: readonly AnsweringMember[],
  { condemned, compared }: Pick<DataAssessment, 'condemned' | 'compared'>,
  until: number,
): Promise<Difference[]> {
  const agree = compared.hashes.filter(({ id }) => !condemned.some((each) => each.id === id));
  // A leader that computes hash after hash keeps every client waiting.
  const agreeing =
    agree.find(({ id }) => !voters.some((voter) => voter.id === id && voter.leaderId === id)) ?? agree[0];
  if (!agreeing) return [];
  const differences: Difference[] = [];
  for (const { member } of condemned) {
    const by = Math.min(until, Date.now() + DIVERGENCE_MS / condemned.length);
    differences.push({ member, ...(await findDivergence(etcd, [agreeing.name, member], compared, by)) });
  }
  return differences;
}
