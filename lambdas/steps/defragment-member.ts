import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { type Defragmented, defragmentMemberInput } from '../../core/space-reclaim/contracts.ts';
import { chooseNextDefragmentation } from '../../core/space-reclaim/next-defragmentation.ts';
import { summarizeDefragmentation } from '../../core/space-reclaim/summaries.ts';
import { hasReason } from '../etcd/errors.ts';
import { etcdStep } from '../step.ts';

/** Kept for waiting on a member whose defragmentation goes on after the call's deadline: etcd does not stop it. */
const WAIT_RESERVE_MS = 90_000;
const LAMBDA_RESERVE_MS = 10_000;

/**
 * Defragments one member's database, if that is still the next thing to do. Minutes may have passed since it was chosen: a
 * member may be down or lead by now. If it is not, nothing is done and the choice is made again. That also makes the step
 * safe to run twice.
 * @throws EtcdUnavailable when the member does not answer again in time
 */
export const handler = etcdStep(
  defragmentMemberInput,
  async (etcd, input, { remainingMs }): Promise<Defragmented & Summarized> => {
    const { member: name } = input;
    const observation = await etcd.observe();
    const before = observation.members.find((seen) => seen.name === name);
    if (!before?.answering || !isNext(() => chooseNextDefragmentation(observation, input, Date.now()), name)) {
      return summarized({ defragmentations: [] });
    }
    const member = etcd.member(name);
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
    // After its deadline the defragmentation was at least begun, and counts as a try.
    if (failure && !hasReason(failure, 'Deadline') && after.dbSizeBytes >= before.dbSizeBytes) throw failure;
    return summarized({
      defragmentations: [{ member: name, dbSizeBytesBefore: before.dbSizeBytes, dbSizeBytesAfter: after.dbSizeBytes }],
    });
  },
);

function summarized(done: Defragmented): Defragmented & Summarized {
  return { ...done, summary: summarizeDefragmentation(done) };
}

/** A cluster that is not settled is for the next choice to wait for, not for this step. */
function isNext(choose: () => ReturnType<typeof chooseNextDefragmentation>, name: string): boolean {
  try {
    const next = choose();
    return next.action === 'Defragment' && next.member === name;
  } catch (error) {
    if (error instanceof EtcdUnavailable) return false;
    throw error;
  }
}
