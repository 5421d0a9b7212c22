import { type TokenView, viewTokens } from '../auth-token-reset/token-view.ts';
import { answeringIn, type ClusterView, isAgreed } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { votersOf } from '../cluster/configured-quorum.ts';
import { describeDowngrade } from '../cluster/downgrade.ts';
import type { Evidence } from '../cluster/evidence.ts';
import {
  adviceForStranger,
  describeListed,
  entriesOf,
  findMistakes,
  isProxyList,
  unlistedIn,
} from '../cluster/identity.ts';
import { FRAGMENTED_ABOVE_BYTES, FRAGMENTED_ABOVE_RATIO } from '../cluster/maintenance.ts';
import { forgetsToEnableTokens, losesPromotions, maySpoilData } from '../cluster/releases.ts';
import { PREVENT_ABOVE_RATIO } from '../space-reclaim/goals.ts';
import { describeContradiction, describeUse, isAboveShare } from '../space-reclaim/quotas.ts';
import { formatBytes, formatShare } from '../text/format.ts';
import type { Warning } from './diagnosis.ts';

/** What is not as it should be, but stops nothing yet. */
export function warningsOf(cluster: Cluster, evidence: Evidence, view: ClusterView): Warning[] {
  return [
    ...findMistakes(cluster.members, evidence),
    ...aboutEvidence(evidence, view),
    ...aboutSpace(evidence, view),
    ...aboutReleases(cluster, view),
    ...aboutDowngrade(evidence),
    ...aboutMembership(cluster, evidence),
    ...aboutTokens(view, viewTokens(cluster, evidence, view)),
    ...aboutHosts(cluster, evidence),
  ];
}

function aboutEvidence(evidence: Evidence, { hasQuorum, survey, members }: ClusterView): Warning[] {
  const warnings: Warning[] = [];
  if (hasQuorum && !isAgreed(evidence)) {
    const message = `A leader is followed by a quorum, and yet alarms could not be read, so one may be raised: ${evidence.agreementProblem}`;
    warnings.push({ kind: 'alarms-unknown', message });
  }
  if (evidence.loginProblem !== '') warnings.push({ kind: 'login-unfit', message: evidence.loginProblem });
  warnings.push(...aboutDeniedLogins(evidence));
  const unknown = members.filter(({ state }) => state === 'unknown');
  if (hasQuorum && !survey && unknown.length > 0) {
    const list = unknown.map(({ name, problem }) => `${name} ${problem}`).join(', ');
    const message = `A quorum agrees, and yet members do not name one leader: ${list}. An election came in between; look again.`;
    warnings.push({ kind: 'unsettled', message });
  }
  for (const { name, state, problem } of members) {
    if (state === 'behind') {
      const message = `${name} ${problem}. If it does not catch up, look at its disk and its network.`;
      warnings.push({ kind: 'behind', message });
    }
  }
  return warnings;
}

/** If no member takes the login, that is the incident. */
function aboutDeniedLogins({ members }: Evidence): Warning[] {
  const takers = members.filter(({ answering }) => answering);
  if (takers.length === 0) return [];
  return members.flatMap((seen): Warning[] => {
    if (seen.answering || !seen.deniesLogin) return [];
    const message = `${seen.name} does not take the login that ${namesOf(takers)} ${takers.length > 1 ? 'take' : 'takes'}: ${seen.problem}`;
    return [{ kind: 'login-unfit', message }];
  });
}

function aboutSpace(evidence: Evidence, view: ClusterView): Warning[] {
  const isFull = evidence.alarms.some(({ alarm }) => alarm === 'NOSPACE');
  const contradiction = describeContradiction(evidence);
  const contradicted: Warning[] = contradiction ? [{ kind: 'quota-contradicted', message: contradiction }] : [];
  const sizes = answeringIn(view).flatMap(({ name, dbSizeBytes, dbSizeInUseBytes, quotaBytes }) => {
    const warnings: Warning[] = [];
    if (!isFull && isAboveShare(PREVENT_ABOVE_RATIO, dbSizeBytes, quotaBytes)) {
      const message = `The database of ${name} has ${describeUse(dbSizeBytes, quotaBytes)}, which is more than ${formatShare(PREVENT_ABOVE_RATIO)}: the runbook for space-exceeded reclaims it before etcd refuses writes.`;
      warnings.push({ kind: 'nearly-full', message });
    }
    const freeBytes = dbSizeBytes - dbSizeInUseBytes;
    if (dbSizeBytes > FRAGMENTED_ABOVE_BYTES && freeBytes > dbSizeBytes * FRAGMENTED_ABOVE_RATIO) {
      const message = `Of the ${formatBytes(dbSizeBytes)} of the database of ${name} ${formatBytes(freeBytes)} are free: a defragmentation gives them back.`;
      warnings.push({ kind: 'fragmented', message });
    }
    return warnings;
  });
  return [...contradicted, ...sizes];
}

function aboutReleases({ auth }: Cluster, view: ClusterView): Warning[] {
  const byRelease = Map.groupBy(answeringIn(view), ({ version }) => version);
  const warnings = [...byRelease].flatMap(([release, members]) =>
    defectsOf(release, auth !== undefined).map((defect): Warning => {
      const message = `${namesOf(members)} ${members.length > 1 ? 'run' : 'runs'} etcd ${release}, in which ${defect}. Upgrade it.`;
      return { kind: 'known-defect', message };
    }),
  );
  if (byRelease.size < 2) return warnings;
  const list = [...byRelease].map(([release, members]) => `${release} on ${namesOf(members)}`).join(', ');
  const message = `Members run different releases of etcd: ${list}. That is right only while they are upgraded.`;
  return [...warnings, { kind: 'version-skew', message }];
}

function aboutDowngrade(evidence: Evidence): Warning[] {
  const message = describeDowngrade(evidence);
  return message === undefined ? [] : [{ kind: 'downgrade-enabled', message }];
}

/** @param hasTokens without authentication there are none that could be rejected */
function defectsOf(release: string, hasTokens: boolean): string[] {
  return [
    ...(maySpoilData(release)
      ? [
          'a member that is killed may come back with other data than the others (https://github.com/etcd-io/etcd/issues/13766)',
        ]
      : []),
    ...(hasTokens && forgetsToEnableTokens(release)
      ? [
          'a member that joins through a snapshot rejects every token until it is restarted (https://github.com/etcd-io/etcd/pull/13205)',
        ]
      : []),
    ...(losesPromotions(release)
      ? ['the promotion of a learner is not kept for an upgrade to 3.6 (https://github.com/etcd-io/etcd/issues/19557)']
      : []),
  ];
}

function aboutMembership(cluster: Cluster, evidence: Evidence): Warning[] {
  const { memberList } = evidence;
  const warnings: Warning[] = [];
  const voters = isAgreed(evidence) ? memberList.filter(({ isLearner }) => !isLearner) : votersOf(cluster);
  if (voters.length % 2 === 0) {
    const message = `There are ${voters.length} voters, which bear the loss of no more members than ${voters.length - 1} would.`;
    warnings.push({ kind: 'even-voters', message });
  }
  // A proxy's list names no member.
  if (!isAgreed(evidence) || isProxyList(memberList)) return warnings;
  const entries = entriesOf(cluster.members, evidence);
  for (const member of cluster.members) {
    if (entries.has(member)) continue;
    const message = `clusters.json names ${member.name} (${member.peerUrl}), and etcd has no such member.`;
    warnings.push({ kind: 'unknown-to-etcd', message });
  }
  const known = [...entries.values()];
  for (const stranger of memberList) {
    if (known.includes(stranger)) continue;
    const advice = adviceForStranger(stranger, cluster.members, unlistedIn(cluster.members, evidence));
    const message = `etcd has the member ${describeListed(stranger)}, which clusters.json does not name: ${advice}.`;
    warnings.push({ kind: 'not-configured', message });
  }
  return warnings;
}

function aboutTokens({ hasQuorum }: ClusterView, { isOpen, members, problem }: TokenView): Warning[] {
  const warnings: Warning[] = [];
  if (isOpen) {
    const message =
      'etcd runs without authentication, although clusters.json names a login: everybody may read and write. Where an execution for ' +
      'auth-token-invalid was ended, start it again, which enables it; otherwise "etcdctl auth enable".';
    warnings.push({ kind: 'authentication-disabled', message });
  }
  if (hasQuorum && problem !== '') {
    warnings.push({ kind: 'tokens-unknown', message: `Whether members take fresh tokens is not known: ${problem}` });
  }
  for (const { name, status, problem: why } of members) {
    if (status === 'ClockDiffers') warnings.push({ kind: 'clock-skew', message: `${name} ${why}` });
    if (['KeysDiffer', 'AuthStoreDiffers', 'Refuses', 'Unsettled'].includes(status)) {
      warnings.push({ kind: 'tokens-differ', message: `${name} ${why}` });
    }
  }
  return warnings;
}

function aboutHosts({ members }: Cluster, { hosts }: Evidence): Warning[] {
  const away = hosts.filter(({ reachable }) => reachable === false);
  const unknown = hosts.filter(({ reachable }) => reachable === 'unknown');
  const warnings = away.map(({ host, problem }): Warning => {
    const member = members.find((each) => each.host === host);
    const message = `The host ${host} (${member?.name ?? 'a spare one'}) is not reached: ${problem.replace(/\.$/, '')}.`;
    return { kind: 'host-unreachable', message };
  });
  if (unknown.length === 0) return warnings;
  const message = `Whether these hosts are reached is not known, ${unknown.map(({ host }) => host).join(', ')}: ${unknown[0]?.problem}`;
  return [...warnings, { kind: 'hosts-unknown', message }];
}

function namesOf(members: readonly { name: string }[]): string {
  return members.map(({ name }) => name).join(', ');
}
