import { membersThat } from '../auth-token-reset/token-status.ts';
import { viewTokens } from '../auth-token-reset/token-view.ts';
import { daysUntil, endsWithin, outOfTime, PAGE_DAYS } from '../cluster/certificates.ts';
import { answeringIn, type ClusterView, isAgreed, viewCluster } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { votersOf } from '../cluster/configured-quorum.ts';
import type { Evidence } from '../cluster/evidence.ts';
import type { Measurement, MetricName } from '../cluster/metrics.ts';
import { type AnsweringMember, seenOf } from '../cluster/observation.ts';
import { isQuorumUnjudged } from '../quorum-recovery/quorum-assessment.ts';
import { diagnose } from './diagnose.ts';
import type { Diagnosis } from './diagnosis.ts';

type Values = Measurement['values'];

/** What one look at a cluster came to: in numbers, and in the words of the diagnosis. */
export interface Measured {
  measurements: Measurement[];
  summary: string;
}

/**
 * The result of one look at a cluster in numbers: those of the cluster first, then those of each member that answers. A value that could not be
 * read is left out. Alarms act on these, so they follow the diagnosis, which the workflow that an alarm starts makes as well.
 */
export function measure(cluster: Cluster, evidence: Evidence): Measured {
  const diagnosis = diagnose(cluster, evidence);
  const view = viewCluster(cluster, evidence);
  const answering = answeringIn(view);
  const fullest = Math.max(...answering.map(quotaUsedPercent));
  const measurements = [
    {
      dimensions: { cluster: cluster.name },
      values: {
        ...(!isQuorumUnjudged(cluster, evidence, view) && { HasLeader: view.hasQuorum ? 1 : 0 }),
        IncidentPresent: diagnosis.incident === 'healthy' ? 0 : 1,
        ...membership(cluster, view),
        ...agreement(evidence),
        InaccessibleMembers: inaccessibleIn(view, evidence),
        ...tokens(cluster, evidence, view),
        ...certificates(evidence),
        ...(answering.length > 0 && { QuotaUsedPercent: fullest }),
        DetectorRuns: 1,
        DetectorErrors: 0,
      },
    },
    ...answering.map((seen) => ({
      dimensions: { cluster: cluster.name, member: seen.name },
      values: { ...space(seen), ...lag(seen, view, diagnosis) },
    })),
  ];
  return { measurements, summary: diagnosis.summary };
}

/** The same with the age of the newest backup, among the numbers of the cluster. */
export function withBackupAge({ measurements, summary }: Measured, takenAt: string, nowMs: number): Measured {
  if (takenAt === '') return { measurements, summary };
  const BackupAgeSeconds = Math.max(0, Math.round((nowMs - Date.parse(takenAt)) / 1000));
  return {
    measurements: measurements.map((each) =>
      each.dimensions.member === undefined ? { ...each, values: { ...each.values, BackupAgeSeconds } } : each,
    ),
    summary,
  };
}

/** What is left to say of a cluster that could not be looked at. */
export function measureFailure(cluster: string): Measurement {
  return { dimensions: { cluster }, values: { DetectorRuns: 1, DetectorErrors: 1 } };
}

/** Without a quorum it is unknown which member is well; and while members name different leaders, it is an election that decides it. */
function membership(cluster: Cluster, { hasQuorum, members }: ClusterView): Values {
  if (!hasQuorum || members.some(({ state }) => state === 'unknown')) return {};
  const voters = votersOf(cluster);
  const healthy = members.filter(({ state, configured }) => state === 'healthy' && voters.includes(configured));
  const failed = members.filter(({ state }) => state === 'failed' || state === 'joining');
  return { HealthyVoters: healthy.length, FailedMembers: failed.length };
}

/** Those at whose addresses others answer are told of by nobody who is asked for them, though they may be well. */
function inaccessibleIn({ members }: ClusterView, evidence: Evidence): number {
  return members.filter(({ state, seen, configured }) => {
    const there = seenOf(configured, evidence.members);
    const isAnothers = there?.answering && seen.answering && there.id !== seen.id;
    return state === 'refusing' || state === 'unreached' || isAnothers;
  }).length;
}

/** What a quorum has to be asked for. An alarm that was not seen must never count as none. */
function agreement(evidence: Evidence): Values {
  const LoginUnfit = evidence.loginProblem === '' ? 0 : 1;
  if (!isAgreed(evidence)) return LoginUnfit ? { LoginUnfit } : {};
  const full = evidence.alarms.filter(({ alarm }) => alarm === 'NOSPACE');
  return { NoSpace: full.length, Corrupt: evidence.alarms.length - full.length, LoginUnfit };
}

function tokens(cluster: Cluster, evidence: Evidence, view: ClusterView): Values {
  const { members } = viewTokens(cluster, evidence, view);
  return members.length > 0 ? { TokensRejected: membersThat('RejectsTokens', members).length } : {};
}

function certificates({ certificates, readAt }: Pick<Evidence, 'certificates' | 'readAt'>): Values {
  const read = certificates.filter(({ endsAt }) => endsAt !== '');
  if (read.length === 0) return {};
  const isEnding = (each: (typeof read)[number]) =>
    outOfTime(each, readAt) !== '' || endsWithin(each, PAGE_DAYS, readAt);
  return {
    CertificateDaysLeft: Math.min(...read.map(({ endsAt }) => daysUntil(endsAt, readAt))),
    CertificatesEnding: read.filter(isEnding).length,
  };
}

/** 0 of a member that has no quota: it is never full. */
function quotaUsedPercent({ dbSizeBytes, quotaBytes }: AnsweringMember): number {
  return quotaBytes === null ? 0 : (100 * dbSizeBytes) / quotaBytes;
}

function space(seen: AnsweringMember): Values {
  const { dbSizeBytes, dbSizeInUseBytes } = seen;
  const freeBytes = dbSizeBytes - dbSizeInUseBytes;
  return {
    QuotaUsedPercent: quotaUsedPercent(seen),
    ...(dbSizeBytes > 0 && { FragmentationPercent: (100 * freeBytes) / dbSizeBytes }),
  };
}

/** Of a leader that is known, and of a member of its cluster: the log of another one has numbers of its own. */
function lag({ name, clusterId }: AnsweringMember, { survey }: ClusterView, { members }: Diagnosis): Values {
  if (survey?.leader.clusterId !== clusterId) return {};
  const entries = members.find((member) => member.name === name)?.lagEntries ?? '';
  return entries === '' ? {} : ({ RaftLagEntries: Number(entries) } satisfies Partial<Record<MetricName, number>>);
}
