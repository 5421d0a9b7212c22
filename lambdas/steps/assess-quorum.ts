import { RemediationError } from '../../core/errors.ts';
import { assessQuorumInput } from '../../core/quorum-recovery/contracts.ts';
import { assessQuorum } from '../../core/quorum-recovery/quorum-assessment.ts';
import { summarizeReading } from '../../core/quorum-recovery/summaries.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { etcdStep } from '../step.ts';

/** One reading of every member: does any of them still agree with a quorum on anything? */
export const handler = etcdStep(assessQuorumInput, async (etcd, input) => {
  // A member that waits for its peers answers neither, so both are asked at once. etcd's list and its alarms cannot be read without a quorum.
  const [members, reads] = await Promise.all([
    etcd.observeMembers(),
    Promise.all(etcd.members.map(readThroughConsensus)),
  ]);
  const own = etcd.ofThisCluster(members).map(({ name }) => name);
  const linearizable = reads.filter(({ member }) => own.includes(member));
  const assessment = assessQuorum({ members, memberList: [], alarms: [] }, linearizable, input);
  if (assessment.verdict !== 'NothingToDo') return { ...assessment, summary: summarizeReading(assessment) };
  // Once the quorum is lost nobody can tell any more.
  const loginProblem = await etcd.findLoginProblem(members);
  return { ...assessment, summary: [assessment.summary, loginProblem].filter(Boolean).join(' ') };
});

async function readThroughConsensus(member: EtcdMember): Promise<{ member: string; works: boolean; problem: string }> {
  try {
    await member.readThroughConsensus();
    return { member: member.name, works: true, problem: '' };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { member: member.name, works: false, problem: error.message };
  }
}
