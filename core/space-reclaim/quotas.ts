import { describeId } from '../cluster/cluster-health.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { formatBytes } from '../text/format.ts';
import type { AssessedQuota, QuotaSource } from './contracts.ts';

/** How large a member's database may become, and what that rests on. */
interface Quota {
  /** Null where the member has none: it never refuses a write for lack of space. */
  bytes: number | null;
  source: QuotaSource;
}

export type QuotaOf = (member: AnsweringMember) => Quota;

/**
 * etcd raises NOSPACE where the database and the request that it is to take are together as large as the quota. A request has at most
 * 1.5 MiB by default, so a database below this share of the configured quota has not come near it.
 */
const NEAR_QUOTA_RATIO = 0.9;

/**
 * The quotas by which a full store is judged. Before 3.6 a member does not say its own, and what clusters.json says is a belief. An alarm
 * contradicts it of the member that has raised it, where its database is not near it: then the size that was seen is the bound. It may be
 * too low: the member may have been defragmented, or its quota raised, and the alarm left. Only a write shows that. Of the
 * others it says nothing: each member has a quota of its own.
 */
export function quotasIn(observation: Observation): QuotaOf {
  const raisers = raisersIn(observation);
  return (member) =>
    raisers.includes(member.id) && isFarBelow(member)
      ? { bytes: member.dbSizeBytes, source: 'alarm' }
      : configuredQuota(member);
}

/**
 * Whether the configured quotas do not explain an alarm: a member raised it far below its quota, or a silent member raised it and no
 * other is near its quota. Then the quota of every member that does not report its own is in doubt.
 */
export function areQuotasInDoubt(observation: Observation, assessed: readonly AssessedQuota[]): boolean {
  return assessed.some(({ quotaSource }) => quotaSource === 'alarm') || isRaisedUnseen(observation);
}

function isRaisedUnseen(observation: Observation): boolean {
  const answering = answeringIn(observation);
  const isUnseen = raisersIn(observation).some((id) => answering.every((member) => member.id !== id));
  return isUnseen && answering.every(isFarBelow);
}

/** Whether it is a belief at all, and its database is not near it. */
function isFarBelow({ dbSizeBytes, quotaBytes, quotaIsReported }: AnsweringMember): boolean {
  return !quotaIsReported && quotaBytes !== null && dbSizeBytes < quotaBytes * NEAR_QUOTA_RATIO;
}

function answeringIn({ members }: Observation): AnsweringMember[] {
  return members.filter((member) => member.answering);
}

/** An alarm outlives the member that has raised it (https://github.com/etcd-io/etcd/issues/14379), and says nothing of the others then. */
function raisersIn({ alarms, memberList }: Observation): string[] {
  const raised = alarms.filter(({ alarm }) => alarm === 'NOSPACE').map(({ memberId }) => memberId);
  return raised.filter((id) => memberList.some((listed) => listed.id === id));
}

/** Those of the assessment: the databases have become smaller since, and the alarm says nothing of what they are now. */
export function assessedQuotas(assessed: readonly AssessedQuota[]): QuotaOf {
  return (member) => {
    const found = assessed.find(({ name }) => name === member.name);
    if (member.quotaIsReported || !found) return configuredQuota(member);
    return { bytes: found.quotaBytes, source: found.quotaSource };
  };
}

function configuredQuota({ quotaBytes, quotaIsReported }: AnsweringMember): Quota {
  return { bytes: quotaBytes, source: quotaIsReported ? 'member' : 'configuration' };
}

/** What is wrong with the configured quota; undefined where no alarm contradicts it. */
export function describeContradiction(observation: Observation): string | undefined {
  const quotaOf = quotasIn(observation);
  const answering = answeringIn(observation);
  const bounded = answering.filter((member) => quotaOf(member).source === 'alarm');
  if (bounded.length === 0 && !isRaisedUnseen(observation)) return undefined;
  const configured = formatBytes(answering[0]?.quotaBytes ?? 0);
  const contradiction =
    bounded.length > 0
      ? `${bounded
          .map(
            ({ name, dbSizeBytes }) =>
              `by ${name}, whose database is ${formatBytes(dbSizeBytes)} of the ${configured} configured`,
          )
          .join(', and ')}: the real quota must be smaller`
      : `by ${raisersIn(observation)
          .map((id) => describeId(observation, id))
          .join(', ')}, and no database that is seen comes near the ${configured} configured ` +
        `(${answering.map(({ name, dbSizeBytes }) => `${name} ${formatBytes(dbSizeBytes)}`).join(', ')}): the real quota is smaller, or a ` +
        'database that is not seen larger';
  return (
    `NOSPACE is raised ${contradiction}. Correct quotaBackendBytes in clusters.json, or --quota-backend-bytes on the ` +
    'members. (Unless a member was defragmented, or its quota raised, after the alarm, which then only has to be disarmed: the runbook for ' +
    'space-exceeded finds that out by a write.)'
  );
}

/** Whether so many bytes are above a share of the quota. */
export function isAboveShare(ratio: number, bytes: number, quotaBytes: number | null): boolean {
  return quotaBytes !== null && bytes > quotaBytes * ratio;
}

/** `31.3 MiB of 8.0 GiB` */
export function describeUse(bytes: number, quotaBytes: number | null): string {
  return quotaBytes === null
    ? `${formatBytes(bytes)}, without a quota`
    : `${formatBytes(bytes)} of ${formatBytes(quotaBytes)}`;
}
