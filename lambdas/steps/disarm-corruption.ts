import { comparableVoters } from '../../core/member-repair/comparable-voters.ts';
import { disarmCorruptionInput } from '../../core/member-repair/contracts.ts';
import { alarmsToDisarm, requireDisarmed } from '../../core/member-repair/disarmed-alarms.ts';
import { corruptAlarmsOf } from '../../core/member-repair/judge-hashes.ts';
import { summarizeDisarmed } from '../../core/member-repair/summaries.ts';
import { readHashes } from '../etcd/hashes.ts';
import { etcdStep } from '../step.ts';

const LAMBDA_RESERVE_MS = 20_000;

/**
 * Compares every voter once more, and disarms each (member, CORRUPT) pair only then. Writes go on from here, so this is the last moment at
 * which data that differ do no more harm.
 * @throws UnsafeToProceed where they differ; VerificationFailed where an alarm is left
 */
export const handler = etcdStep(disarmCorruptionInput, async (etcd, { cluster }, { remainingMs }) => {
  const until = Date.now() + remainingMs() - LAMBDA_RESERVE_MS;
  const observation = await etcd.observe();
  const isStopped = corruptAlarmsOf(observation).length > 0;
  const compared = await readHashes(etcd, comparableVoters(cluster.members, observation), until, isStopped);
  const disarmed = alarmsToDisarm(observation, compared);
  for (const { memberId } of disarmed) await etcd.voterIn(observation).disarmCorrupt(memberId);
  requireDisarmed(await etcd.observe());
  const result = { disarmed, revision: compared.revision };
  return { ...result, summary: summarizeDisarmed(result) };
});
