import { type Defragmentation, defragmentMemberInput } from '../../core/contracts/space.ts';
import { needsDefragmentation } from '../../core/decisions/space.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { etcdStep } from '../step.ts';

/** Kept for waiting on a member whose defragmentation goes on after the call's deadline: etcd does not stop it. */
const WAIT_RESERVE_MS = 90_000;
const LAMBDA_RESERVE_MS = 10_000;

/**
 * Defragments one member's database. Safe to run twice: it waits for a defragmentation that is still going on, and leaves
 * a member alone that has nothing left to give back.
 * @throws EtcdUnavailable when the member does not answer again in time, or is as large as before
 */
export const handler = etcdStep(
  defragmentMemberInput,
  async (etcd, { parameters, member: name }, { remainingMs }): Promise<Defragmentation> => {
    const member = etcd.member(name);
    const before = await member.waitUntilAnswering(remainingMs() - LAMBDA_RESERVE_MS);
    const unchanged = { member: name, dbSizeBytesBefore: before.dbSizeBytes, dbSizeBytesAfter: before.dbSizeBytes };
    if (!needsDefragmentation(before, parameters)) return unchanged;
    let failure: EtcdUnavailable | undefined;
    try {
      await member.defragment(remainingMs() - WAIT_RESERVE_MS);
    } catch (error) {
      // No answer is not yet a failure: what counts is the size of the database once the member answers again.
      if (!(error instanceof EtcdUnavailable)) throw error;
      failure = error;
    }
    const after = await member.waitUntilAnswering(remainingMs() - LAMBDA_RESERVE_MS);
    if (after.id !== before.id) {
      throw new PreconditionFailed(
        `${member.endpoint} was member ${before.id} before the defragmentation and is ${after.id} now: clientUrl must reach one member alone.`,
      );
    }
    if (failure && after.dbSizeBytes >= before.dbSizeBytes) throw failure;
    return { ...unchanged, dbSizeBytesAfter: after.dbSizeBytes };
  },
);
