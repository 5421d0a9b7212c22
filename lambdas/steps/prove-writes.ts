import { type ProvenWrites, proveWritesInput } from '../../core/contracts/space.ts';
import { narrowTo } from '../../core/decisions/narrowed-observation.ts';
import { describeRefusedWrite, describeReturned, describeSettled, valueToAskFor } from '../../core/decisions/space.ts';
import { EtcdUnavailable, VerificationFailed } from '../../core/errors.ts';
import { hasReason } from '../etcd/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { etcdStep } from '../step.ts';

const KEY_PREFIX = '/etcd-remediation/proof/';
/** Where requests of this size are too large already, there is nothing left to ask. */
const SMALLEST_VALUE_BYTES = 16 * 1024;

/**
 * Writes, reads and deletes a key through every voter in question, each call pinned to it, and looks once more for alarms. Where etcd had
 * refused writes, it is asked before that whether it takes a large one: a small one finds room in any page that is free.
 * @throws VerificationFailed when a member still refuses writes
 */
export const handler = etcdStep(proveWritesInput, async (etcd, input): Promise<ProvenWrites> => {
  const { execution, cluster } = input;
  const observe = async () => narrowTo(input.members, cluster.members, await etcd.observe());
  const observation = await observe();
  const returned = describeReturned(observation, input.leftOut);
  if (input.refused) {
    const leader = etcd.leaderIn(observation);
    const valueBytes = valueToAskFor(observation, input);
    try {
      await askForRoom(leader, `${KEY_PREFIX}${execution}/room`, valueBytes);
    } catch (error) {
      if (!hasReason(error, 'NoSpace')) throw error;
      const refused = { member: leader.name, valueBytes, refusal: (error as Error).message, returned };
      throw describeRefusedWrite(await observe(), input, refused);
    }
  }
  for (const seen of observation.members) {
    if (seen.answering && !seen.isLearner) {
      await proveWrite(etcd.member(seen.name), `${KEY_PREFIX}${execution}/${seen.name}`, returned);
    }
  }
  return describeSettled(await observe(), input);
});

/** In smaller and smaller pieces, where etcd is configured to take no request of this size. */
async function askForRoom(member: EtcdMember, key: string, valueBytes: number): Promise<void> {
  for (let bytes = valueBytes; bytes >= SMALLEST_VALUE_BYTES; bytes = Math.floor(bytes / 2)) {
    try {
      await member.askForRoom(key, bytes);
      return;
    } catch (error) {
      if (!hasReason(error, 'TooLarge')) throw error;
    }
  }
}

async function proveWrite(member: EtcdMember, key: string, returned: string): Promise<void> {
  const value = new Date().toISOString();
  try {
    await member.put(key, value);
    const found = await member.readLocally(key);
    await member.delete(key);
    if (found !== value) throw new EtcdUnavailable(`${member.name} accepted a write and does not serve it yet.`);
  } catch (error) {
    if (!hasReason(error, 'NoSpace')) throw error;
    throw new VerificationFailed(
      `${member.name} still refuses writes although no alarm was left: ${(error as Error).message} ${returned}If the alarm comes back at once, the ` +
        "member's real quota is smaller than quotaBackendBytes in clusters.json: compare it with --quota-backend-bytes.",
    );
  }
}
