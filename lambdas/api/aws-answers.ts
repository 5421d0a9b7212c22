import { Problem } from '../../core/api/problems.ts';
import { AwsUnavailable } from '../../core/errors.ts';
import { requireRefusal } from '../aws.ts';

/**
 * The answer of AWS to a request, or of a refusal by one of these names what `refused` makes of it.
 * @param refused by the names of AWS's exceptions; it returns an answer, or throws
 * @throws Problem `unavailable` where AWS did not answer; any other refusal as it is, for no caller can do anything about it
 */
export async function answerOf<Answer>(
  request: Promise<Answer>,
  refused: Readonly<Record<string, (refusal: Error) => Answer | Promise<Answer>>> = {},
): Promise<Answer> {
  try {
    return await request;
  } catch (error) {
    const refusal = refusalIn(error);
    const known = Object.hasOwn(refused, refusal.name) ? refused[refusal.name] : undefined;
    if (!known) throw refusal;
    return known(refusal);
  }
}

function refusalIn(error: unknown): Error {
  try {
    return requireRefusal(error, 'AWS');
  } catch (unavailable) {
    if (!(unavailable instanceof AwsUnavailable)) throw unavailable;
    const detail = 'An AWS API did not answer in time, or takes no more requests now. Try again in a moment.';
    // What it was may hold an address or an account's ID, which is nothing that a caller has to see.
    throw new Problem('unavailable', detail, { cause: unavailable });
  }
}
