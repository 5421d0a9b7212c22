import { EtcdUnavailable, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import {
  type Defragmented,
  defragmentMemberInput,
  type NextDefragmentation,
} from '../../core/space-reclaim/contracts.ts';
import { chooseNextDefragmentation } from '../../core/space-reclaim/next-defragmentation.ts';
import { summarizeDefragmentation, summarizeNextDefragmentation } from '../../core/space-reclaim/summaries.ts';
import { hasReason } from '../etcd/errors.ts';
import { whenSettled } from '../etcd/when-settled.ts';
import { etcdStep } from '../step.ts';

/** Kept for waiting on a member whose defragmentation goes on after the call's deadline: etcd does not stop it. */
const WAIT_RESERVE_MS = 90_000;
const LAMBDA_RESERVE_MS = 10_000;
/** To read the cluster once more: each question to a member that answers no more has a deadline of 5 s. */
const NEXT_RESERVE_MS = 60_000;

type Next = NextDefragmentation | { action: 'Choose' };
/** Choose-next-defragmentation waits, and explains what it cannot decide. */
const CHOOSE: Next = { action: 'Choose' };

/**
 * Defragments one member's database, if that is still the next thing to do, and says what is next then. Minutes may have passed since
 * the member was chosen: it may be down or lead by now. If it is not the next any more, nothing is done, and the new choice is the result. That also
 * makes the step safe to run twice.
 * @throws EtcdUnavailable when the member does not answer again in time
 */
export const handler = etcdStep(
  defragmentMemberInput,
  async (etcd, input, { remainingMs }): Promise<Defragmented & Summarized> => {
    const { member: name, ...request } = input;
    const observation = await etcd.observe();
    const before = observation.members.find((seen) => seen.name === name);
    const choice = nowOrLater(() => chooseNextDefragmentation(observation, request, Date.now()));
    if (!before?.answering || choice.action !== 'Defragment' || choice.member !== name) {
      return summarized([], choice);
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
    const then = { ...request, defragmented: [...request.defragmented, name] };
    const decide = () => whenSettled(etcd, (reading) => chooseNextDefragmentation(reading, then, Date.now()));
    return summarized(
      [{ member: name, dbSizeBytesBefore: before.dbSizeBytes, dbSizeBytesAfter: after.dbSizeBytes }],
      // What was done is to be known, whatever the next reading says.
      remainingMs() < NEXT_RESERVE_MS ? CHOOSE : await decide().catch(askAgain),
    );
  },
);

function summarized(defragmentations: Defragmented['defragmentations'], next: Next): Defragmented & Summarized {
  return {
    defragmentations,
    next: { ...next, summary: summarizeNextDefragmentation(next) },
    summary: summarizeDefragmentation({ defragmentations }),
  };
}

/** A cluster that is not settled is for the next choice to wait for, not for this step. */
function nowOrLater(choose: () => Next): Next {
  try {
    return choose();
  } catch (error) {
    if (error instanceof EtcdUnavailable) return CHOOSE;
    throw error;
  }
}

function askAgain(error: unknown): Next {
  if (error instanceof RemediationError) return CHOOSE;
  throw error;
}
