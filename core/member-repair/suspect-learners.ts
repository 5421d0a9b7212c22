import { describeId } from '../cluster/cluster-health.ts';
import type { Observation } from '../cluster/observation.ts';
import { PreconditionFailed } from '../errors.ts';
import { corruptAlarmsOf } from './judge-hashes.ts';

/**
 * etcd compares learners too, and gives nobody else their hash. So voters that agree do not answer an alarm that names a learner, nor one of up to 3.5, whose periodic
 * check does not say which member it is (ID 0, measured on 3.5.35), where no voter explains it.
 * @param explained whether a voter differs, or did: then an alarm of ID 0 is about that one
 * @param settled names of those that are replaced, or made voters and compared
 * @throws PreconditionFailed
 */
export function refuseSuspectLearners(observation: Observation, explained: boolean, settled: readonly string[]): void {
  const ids = corruptAlarmsOf(observation).map(({ memberId }) => memberId);
  const suspects = observation.memberList.filter(
    ({ id, name, isLearner }) =>
      isLearner && !settled.includes(name) && (ids.includes(id) || (!explained && ids.includes('0'))),
  );
  if (suspects.length === 0) return;
  const list = suspects.map(({ id }) => describeId(observation, id)).join(', ');
  throw new PreconditionFailed(
    `etcd has raised CORRUPT, and it may be for ${list}: a learner, which gives no hash. So nothing shows that its data are right, and CORRUPT stays raised. Stop its ` +
      'service on its host ("systemctl stop" of its unit), and start again: a member that is down is replaced, and then the alarm is disarmed.',
  );
}
