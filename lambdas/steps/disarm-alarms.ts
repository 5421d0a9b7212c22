import { assessSpaceInput } from '../../core/contracts/space.ts';
import { chooseAlarmsToDisarm, describeSettled } from '../../core/decisions/space.ts';
import { etcdStep } from '../step.ts';

/**
 * Disarms each listed (member, NOSPACE) pair once every member is small enough, and lists again.
 * @throws VerificationFailed when a member is too large, or the alarm is raised again at once
 */
export const handler = etcdStep(assessSpaceInput, async (etcd, { parameters }) => {
  const observation = await etcd.observe();
  const disarmed = chooseAlarmsToDisarm(observation, parameters);
  for (const { memberId } of disarmed) await etcd.voterIn(observation).disarmNoSpace(memberId);
  describeSettled(await etcd.observe());
  return { disarmed };
});
