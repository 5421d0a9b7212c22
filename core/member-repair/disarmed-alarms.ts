import { describeId } from '../cluster/cluster-health.ts';
import type { HashReading } from '../cluster/compared-hashes.ts';
import type { Observation, RaisedAlarm } from '../cluster/observation.ts';
import { UnsafeToProceed, VerificationFailed } from '../errors.ts';
import { requireAllCompared } from './data-assessment.ts';
import { corruptAlarmsOf, judgeHashes, tableOf } from './judge-hashes.ts';
import { refuseSuspectLearners } from './suspect-learners.ts';

/**
 * The alarms to disarm once all voters hold the same data: each (member, CORRUPT) pair that etcd lists, also of a member that was removed.
 * @throws UnsafeToProceed where one differs; EtcdUnavailable where one could not be asked; PreconditionFailed as refuseSuspectLearners
 */
export function alarmsToDisarm(observation: Observation, compared: HashReading): RaisedAlarm[] {
  const { dissenters } = judgeHashes(compared, observation);
  if (dissenters.length > 0) {
    throw new UnsafeToProceed(
      `${dissenters.map(({ name }) => name).join(', ')} holds other data than a majority of the voters, so CORRUPT stays raised, and etcd takes no write:` +
        `${tableOf(compared)}\nStart again: the next execution replaces what differs.`,
    );
  }
  requireAllCompared(compared, observation);
  refuseSuspectLearners(observation, true, []);
  return corruptAlarmsOf(observation);
}

/** @throws VerificationFailed */
export function requireDisarmed(observation: Observation): void {
  const raised = corruptAlarmsOf(observation);
  if (raised.length === 0) return;
  throw new VerificationFailed(
    `CORRUPT of ${raised.map(({ memberId }) => describeId(observation, memberId)).join(', ')} was disarmed and is raised again. etcd itself has compared members since: look into ` +
      'the log of the leader for what it found, then start again.',
  );
}
