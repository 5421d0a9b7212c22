import type { MemberObservation } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import {
  type chooseNextDefragmentationInput,
  type Defragmented,
  defragmentMemberInput,
  type NextDefragmentation,
} from '../../core/space-reclaim/contracts.ts';
import { chooseNextDefragmentation } from '../../core/space-reclaim/next-defragmentation.ts';
import type { Request } from '../../core/space-reclaim/settled.ts';
import { summarizeDefragmentation, summarizeNextDefragmentation } from '../../core/space-reclaim/summaries.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { hasReason } from '../etcd/errors.ts';
import { whenSettled } from '../etcd/when-settled.ts';
import { etcdStep } from '../step.ts';

/** Kept for waiting on a member whose defragmentation goes on after the call's deadline: etcd does not stop it. */
const WAIT_RESERVE_MS = 90_000;
const LAMBDA_RESERVE_MS = 10_000;
/** To read the cluster once more: each question to a member that answers no more has a deadline of 5 s. */
const NEXT_RESERVE_MS = 60_000;

type Next = NextDefragmentation | { action: 'Choose' };
type Question = Request<typeof chooseNextDefragmentationInput>;

/**
 * Defragments one member's database, if that is the next thing to do, and says what is next then. The member is only expected to be next: it may
 * gain nothing, be down, or lead by now. If it is not the next, nothing is done, and the choice is the result. That also
 * makes the step safe to run twice.
 * @throws EtcdUnavailable when the member does not answer again in time
 */
export const handler = etcdStep(
  defragmentMemberInput,
  async (etcd, input, { remainingMs }): Promise<Defragmented & Summarized> => {
    const { member: name, ...request } = input;
    const { next, before } = await decide(etcd, request, name);
    if (!before?.answering || next.action !== 'Defragment' || next.member !== name) return summarized([], next);
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
    return summarized(
      [{ member: name, dbSizeBytesBefore: before.dbSizeBytes, dbSizeBytesAfter: after.dbSizeBytes }],
      // What was done is to be known, whatever the next reading says.
      remainingMs() < NEXT_RESERVE_MS ? { action: 'Choose' } : (await decide(etcd, then, name)).next,
    );
  },
);

interface Decision {
  next: Next;
  /** The member as it was when that was decided. */
  before?: MemberObservation | undefined;
}

/** What cannot be decided, or has to be refused, is for choose-next-defragmentation: it waits and explains, and nobody takes it for one that has begun. */
async function decide(etcd: EtcdCluster, request: Question, name: string): Promise<Decision> {
  try {
    return await whenSettled(etcd, (reading) => ({
      next: chooseNextDefragmentation(reading, request, Date.now()),
      before: reading.members.find((seen) => seen.name === name),
    }));
  } catch (error) {
    if (error instanceof RemediationError) return { next: { action: 'Choose' } };
    throw error;
  }
}

function summarized(defragmentations: Defragmented['defragmentations'], chosen: Next): Defragmented & Summarized {
  const next = { ...chosen, summary: summarizeNextDefragmentation(chosen) };
  return { defragmentations, next, summary: summarizeDefragmentation({ defragmentations, next }) };
}
