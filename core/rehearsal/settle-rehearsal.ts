import { POSTPONED } from '../backups/contracts.ts';
import {
  describeRehearsals,
  isLate,
  type PassedRehearsal,
  type Rehearsals,
  rehearsedEveryDays,
  secondsOf,
} from '../backups/rehearsal.ts';
import type { Cluster } from '../cluster/clusters.ts';
import type { Measurement } from '../cluster/metrics.ts';
import { ERROR_NAMES } from '../errors.ts';
import { compareRestored } from './compare-restored.ts';
import type { RecordedRehearsal, RecordRehearsal } from './contracts.ts';

/** The execution's end has all of a problem. */
const PROBLEM_CHARS = 2_000;

/** What came of a rehearsal, and what is known from now on; `rehearsals` is null where it adds nothing to that. */
export interface Settled {
  recorded: RecordedRehearsal;
  rehearsals: Rehearsals | null;
}

type Failure = NonNullable<RecordRehearsal['failure']>;

/**
 * @param before what is known of earlier ones: null where there were none, undefined where it cannot be read. What cannot be read may say that one has
 * passed, so only one that passes takes its place.
 */
export function settleRehearsal(input: RecordRehearsal, before: Rehearsals | null | undefined, now: Date): Settled {
  const { cluster, backup, member } = input;
  const of = { at: now.toISOString(), backup: backup?.name ?? '', member };
  const about = { format: 1 as const, cluster: cluster.name };
  const whyLater = whyPutOff(input);
  if (whyLater !== undefined) {
    const summary = `Nothing is rehearsed now. ${whyLater}`;
    const recorded = { outcome: 'Postponed' as const, error: '', cause: '', rehearsal: null, summary };
    // From the first on one is due. Later ones add nothing to that.
    const last = { ...of, outcome: 'Postponed' as const, error: '', problem: whyLater.slice(0, PROBLEM_CHARS) };
    return { recorded, rehearsals: before === null ? { ...about, last, passed: null } : null };
  }
  const end = passOrFail(input, now);
  if ('tookMs' in end) {
    const rehearsals: Rehearsals = {
      ...about,
      last: { ...of, outcome: 'Passed', error: '', problem: '' },
      passed: end,
    };
    const summary = [`Passed: ${describeRehearsals(rehearsals)}.`, ...end.unknown].join(' ');
    return { recorded: { outcome: 'Passed', error: '', cause: '', rehearsal: end, summary }, rehearsals };
  }
  const { error, cause } = end;
  const recorded = { outcome: 'Failed' as const, error, cause, rehearsal: null, summary: `${error}: ${cause}` };
  // What was asked for was wrong: that says nothing of a backup.
  if (error === ERROR_NAMES.InvalidInput) return { recorded, rehearsals: null };
  const problem = cause.slice(0, PROBLEM_CHARS);
  const last = { ...of, outcome: 'Failed' as const, error, problem };
  return { recorded, rehearsals: before === undefined ? null : { ...about, last, passed: before?.passed ?? null } };
}

/** That AWS itself did not answer, by the names of a step, and of what Step Functions asks of DynamoDB and of Lambda. */
const AWS_AWAY = new RegExp(`^(${ERROR_NAMES.AwsUnavailable}$|DynamoDb\\.|Lambda\\.(?!Unknown$))`);

/** Why it says nothing of a backup, where it says nothing: something else came first, or AWS does not answer. */
function whyPutOff({ failure, result }: RecordRehearsal): string | undefined {
  if (failure?.error === POSTPONED) return failure.cause;
  if (failure) return AWS_AWAY.test(failure.error) ? `${failure.error}: ${failure.cause}` : undefined;
  return result && 'gaveWay' in result ? result.gaveWay : undefined;
}

function passOrFail(
  { backup, member, etcdVersion, result, failure }: RecordRehearsal,
  now: Date,
): PassedRehearsal | Failure {
  if (failure) return failure;
  if (!backup || !result || 'gaveWay' in result)
    return { error: ERROR_NAMES.VerificationFailed, cause: 'Nothing was restored.' };
  const { name, record } = backup;
  const { differing, unknown } = compareRestored(record, result);
  if (differing.length > 0) {
    const cause =
      `The backup ${name} was restored on the host of ${member}, and it is not what was recorded when it was made: ${differing.join('; ')}. Do not rely on ` +
      'it. Make another backup now and rehearse that. If it is the same, compare the members with each other: one of them may hold other data.';
    return { error: ERROR_NAMES.VerificationFailed, cause };
  }
  const { revision, tookMs } = result;
  const { takenAt, sizeBytes } = record;
  return { at: now.toISOString(), backup: name, takenAt, member, etcdVersion, revision, sizeBytes, tookMs, unknown };
}

/** What is measured of one that was put off is that none has passed in time; of one that was asked for wrongly nothing; of one that has failed always. */
export function measureRehearsal(
  cluster: Cluster,
  { recorded }: Settled,
  before: Rehearsals | null | undefined,
  now: Date,
): Measurement[] {
  const everyDays = rehearsedEveryDays(cluster);
  if (recorded.outcome === 'Postponed') {
    const isUnproven = everyDays !== undefined && isLate(before ?? null, everyDays, now.getTime());
    return isUnproven ? measureEnd(cluster.name, { outcome: 'Failed', rehearsal: null }) : [];
  }
  return recorded.error === ERROR_NAMES.InvalidInput ? [] : measureEnd(cluster.name, recorded);
}

/** What is measured of the end of a rehearsal. */
export function measureEnd(
  cluster: string,
  { outcome, rehearsal }: { outcome: string; rehearsal: PassedRehearsal | null },
): Measurement[] {
  const measured = (values: Measurement['values']) => [{ dimensions: { cluster }, values }];
  if (rehearsal) return measured({ RestoreUnproven: 0, RehearsalSeconds: secondsOf(rehearsal) });
  if (outcome === 'NotDue') return measured({ RestoreUnproven: 0 });
  return outcome === 'Failed' ? measured({ RestoreUnproven: 1 }) : [];
}
