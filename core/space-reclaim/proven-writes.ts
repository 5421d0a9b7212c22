import type { Observation } from '../cluster/observation.ts';
import { VerificationFailed } from '../errors.ts';
import { formatBytes } from '../text/format.ts';
import type { LeftOutMember, ProvenWrites, proveWritesInput } from './contracts.ts';
import { assessedQuotas } from './quotas.ts';
import { describeUnlisted, type Request, requireReady } from './settled.ts';
import { describeMembers, describeSizes } from './sizes.ts';

/** etcd takes no larger request by default (--max-request-bytes), and a key and a header go with the value. */
const LARGEST_VALUE_BYTES = 1.5 * 1024 * 1024 - 16 * 1024;

/**
 * The members as they are at the end of a remediation.
 * @throws VerificationFailed when an alarm is raised again; EtcdUnavailable while members are not settled
 */
export function provenWrites(
  observation: Observation,
  request: Pick<Request<typeof proveWritesInput>, 'cluster' | 'leftOut' | 'quotas'>,
): ProvenWrites {
  const cluster = requireReady(observation, request);
  const quotaOf = assessedQuotas(request.quotas);
  if (observation.alarms.length > 0) {
    throw new VerificationFailed(
      `NOSPACE is raised again right after it was disarmed. ${describeSizes(cluster, quotaOf)}\n${returnedMembers(observation, request.leftOut)}Either ` +
        "a writer fills the space at once, or a member's real quota is smaller than quotaBackendBytes in clusters.json.",
    );
  }
  const { leftOut, unlisted } = cluster;
  return {
    members: describeMembers(cluster, quotaOf),
    leftOut,
    remaining: leftOut.length + unlisted.length > 0 ? ['member-failed'] : [],
    summary: [leftOutAdvice(leftOut), describeUnlisted(cluster)].filter(Boolean).join(' '),
  };
}

/** A member that comes back with a full database raises NOSPACE as soon as it applies a write (measured on 3.4.23, 3.5.16 and 3.5.30). */
export function returnedMembers({ members }: Observation, leftOut: readonly string[]): string {
  const returned = members.filter(({ answering, name }) => answering && leftOut.includes(name)).map(({ name }) => name);
  if (returned.length === 0) return '';
  const isOne = returned.length === 1;
  return `${returned.join(', ')} ${isOne ? 'was' : 'were'} left out, and ${isOne ? 'is back with the database that it had: start again, so that it has its turn' : 'are back with the databases that they had: start again, so that they have their turn'}. `;
}

function leftOutAdvice(leftOut: readonly LeftOutMember[]): string {
  if (leftOut.length === 0) return '';
  const names = leftOut.map(({ member }) => member).join(', ');
  const [were, it, replaced, databases] =
    leftOut.length === 1
      ? ['was left out and still does not answer', 'it', 'it', 'the database that it has']
      : ['were left out and still do not answer', 'they', 'them', 'the databases that they have'];
  return (
    `${names} ${were}: replace ${replaced} next (incident member-failed). Should ${it} come back with ${databases}, NOSPACE is raised again: ` +
    'then run the runbook for space-exceeded once more.'
  );
}

/**
 * How large a value to ask for, after etcd has refused writes: the largest that may be, or half of the room that the quota leaves.
 * So the question does not raise the alarm of a small store. A quota that was only concluded is no reason to ask for less.
 */
export function valueToAskFor(
  { members }: Observation,
  { quotas }: Pick<Request<typeof proveWritesInput>, 'quotas'>,
): number {
  const quotaOf = assessedQuotas(quotas);
  const rooms = members.flatMap((member) => {
    if (!member.answering) return [];
    const { bytes, source } = quotaOf(member);
    return bytes === null || source === 'alarm' ? [] : [(bytes - member.dbSizeBytes) / 2];
  });
  return Math.max(0, Math.floor(Math.min(LARGEST_VALUE_BYTES, ...rooms)));
}

/** A member has refused a write of the size that was refused before the remediation. @param refusal of etcd */
export function describeRefusedWrite(
  { members }: Observation,
  { quotas }: Pick<Request<typeof proveWritesInput>, 'quotas'>,
  { member, valueBytes, refusal, returned }: { member: string; valueBytes: number; refusal: string; returned: string },
): VerificationFailed {
  const answering = members.filter((each) => each.answering);
  const believed = answering.filter(({ quotaIsReported }) => !quotaIsReported);
  const [configured] = believed;
  const sizes = answering
    .map(
      ({ name, dbSizeBytes, dbSizeInUseBytes }) =>
        `\n- ${name}: database ${formatBytes(dbSizeBytes)}, in use ${formatBytes(dbSizeInUseBytes)}`,
    )
    .join('');
  const isConcluded = answering.some((each) => assessedQuotas(quotas)(each).source === 'alarm');
  return new VerificationFailed(
    `No alarm was left, and ${member} refuses a write of ${formatBytes(valueBytes)} all the same, so ` +
      `NOSPACE is raised again: ${refusal}${sizes}\n${returned}` +
      (configured?.quotaBytes
        ? `The real quota ${isConcluded ? 'is' : 'may be'} smaller than the ${formatBytes(configured.quotaBytes)} of quotaBackendBytes in clusters.json: ` +
          'compare it with --quota-backend-bytes of the members. '
        : '') +
      'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json) or delete keys, then start again.',
  );
}
