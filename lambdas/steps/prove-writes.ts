import { narrowTo } from '../../core/cluster/narrowed-observation.ts';
import { EtcdUnavailable, VerificationFailed } from '../../core/errors.ts';
import { type ProvenWrites, proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import {
  describeRefusedWrite,
  provenWrites,
  returnedMembers,
  valueToAskFor,
} from '../../core/space-reclaim/proven-writes.ts';
import { summarizeSizes } from '../../core/space-reclaim/summaries.ts';
import { explainFilling } from '../etcd/analyze-store.ts';
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
  const observe = async () => narrowTo(input.members, cluster.members, await etcd.observe(undefined, input.members));
  const observation = await observe();
  const returned = returnedMembers(observation, input.leftOut);
  const refusedBy = async (member: EtcdMember, valueBytes: number, error: unknown) => {
    if (!hasReason(error, 'NoSpace')) return error;
    const refused = { member: member.name, valueBytes, refusal: (error as Error).message, returned };
    const { message } = describeRefusedWrite(await observe(), input, refused);
    return new VerificationFailed(`${message}${await explainFilling(etcd, cluster)}`);
  };
  if (input.refused) {
    const leader = etcd.leaderIn(observation);
    const valueBytes = valueToAskFor(observation, input);
    try {
      await askForRoom(leader, `${KEY_PREFIX}${execution}/room`, valueBytes);
    } catch (error) {
      throw await refusedBy(leader, valueBytes, error);
    }
  }
  for (const seen of observation.members) {
    if (!seen.answering || seen.isLearner) continue;
    const member = etcd.member(seen.name);
    const value = new Date().toISOString();
    try {
      await proveWrite(member, `${KEY_PREFIX}${execution}/${seen.name}`, value);
    } catch (error) {
      // Another member than the one that was asked has less room, and has raised the alarm.
      throw await refusedBy(member, value.length, error);
    }
  }
  const proven = provenWrites(await observe(), input);
  return { ...proven, summary: [summarizeSizes(proven.members), proven.summary].filter(Boolean).join(' ') };
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

async function proveWrite(member: EtcdMember, key: string, value: string): Promise<void> {
  await member.put(key, value);
  const found = await member.readLocally(key);
  await member.delete(key);
  if (found !== value) throw new EtcdUnavailable(`${member.name} accepted a write and does not serve it yet.`);
}
