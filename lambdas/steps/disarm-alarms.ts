import { assessSpaceInput } from '../../core/contracts/space.ts';
import { chooseAlarmsToDisarm } from '../../core/decisions/space.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import { etcdStep } from '../step.ts';

/** Disarms each listed (member, NOSPACE) pair once every member is small enough, and lists again. */
export const handler = etcdStep(assessSpaceInput, async (etcd, { parameters }) => {
  const observation = await etcd.observe();
  const disarmed = chooseAlarmsToDisarm(observation, parameters);
  const voter = observation.members.find((member) => member.answering && !member.isLearner);
  for (const { memberId } of disarmed) await etcd.member(voter?.name ?? '').disarmNoSpace(memberId);
  const left = (await etcd.observe()).alarms;
  if (left.length > 0) {
    const list = left.map((raised) => `${raised.alarm} on ${raised.memberId}`).join(', ');
    throw new EtcdUnavailable(
      `After disarming, etcd lists alarms again: ${list}. A writer may have filled the space at once.`,
    );
  }
  return { disarmed };
});
