import { disarmAlarmsInput } from '../../core/space-reclaim/contracts.ts';
import { chooseAlarmsToDisarm } from '../../core/space-reclaim/disarmed-alarms.ts';
import { provenWrites } from '../../core/space-reclaim/proven-writes.ts';
import { summarizeDisarming } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

/**
 * Disarms each listed (member, NOSPACE) pair once every member that answers is small enough, and lists again.
 * @throws VerificationFailed when a member is too large, or the alarm is raised again at once
 */
export const handler = etcdStep(disarmAlarmsInput, async (etcd, input) => {
  const observation = await etcd.observe();
  const disarmed = chooseAlarmsToDisarm(observation, input);
  // At once: etcd takes writes after the last of them.
  await Promise.all(disarmed.map(({ memberId }) => etcd.voterIn(observation).disarmNoSpace(memberId)));
  provenWrites(await etcd.observe(), input);
  return { disarmed, summary: summarizeDisarming(disarmed) };
});
