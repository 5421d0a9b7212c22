import type { AnsweringMember, Observation, RaisedAlarm } from '../cluster/observation.ts';
import { VerificationFailed } from '../errors.ts';
import { formatShare } from '../text/format.ts';
import type { disarmAlarmsInput } from './contracts.ts';
import { goalRatioOf, isAbove, isUnproven } from './goals.ts';
import { assessedQuotas } from './quotas.ts';
import { type Request, requireReady } from './settled.ts';
import { describeSizes } from './sizes.ts';

/**
 * The alarms to disarm: each (member, NOSPACE) pair that etcd lists, whichever member raised it, even a member since removed
 * (https://github.com/etcd-io/etcd/issues/14379).
 * @throws VerificationFailed while a member is over the goal. Learners count where there is an alarm: one that is over its
 *   quota raises the alarm again at the next write (measured on 3.4.23, 3.5.16 and 3.5.30)
 */
export function chooseAlarmsToDisarm(
  observation: Observation,
  request: Request<typeof disarmAlarmsInput>,
): RaisedAlarm[] {
  const { parameters } = request;
  const cluster = requireReady(observation, request);
  const { alarms } = observation;
  const quotaOf = assessedQuotas(request.quotas);
  const goalRatio = goalRatioOf(observation, parameters);
  const isOver = (member: AnsweringMember) =>
    isAbove(goalRatio, member, 'dbSizeBytes', quotaOf) && !isUnproven(member, goalRatio, quotaOf);
  const voters = cluster.voters.filter(isOver);
  const learners = alarms.length > 0 ? cluster.learners.filter(isOver) : [];
  if (voters.length + learners.length === 0) return alarms;
  const names = (members: AnsweringMember[]) => members.map((member) => member.name).join(', ');
  throw new VerificationFailed(
    `Still over ${formatShare(goalRatio)} of the quota: ${names([...voters, ...learners])}. ` +
      (alarms.length > 0 ? 'Disarmed now, the alarm would be raised again by the next write, so it is kept. ' : '') +
      `${describeSizes(cluster, quotaOf)}\n` +
      (voters.length > 0
        ? `Look on ${names(voters)} for a compaction that is still running or a writer that fills the space at once; then start again. `
        : '') +
      (learners.length > 0
        ? `etcd does not defragment a learner: promote ${names(learners)}; or stop its service, so that the next run leaves it out, and replace it ` +
          'afterwards (incident member-failed), which gives it a small database. Then start again.'
        : ''),
  );
}
