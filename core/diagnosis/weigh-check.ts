import type { FoundBackups } from '../backups/contracts.ts';
import { lateAfterMinutes } from '../backups/newest.ts';
import { daysSince } from '../cluster/certificates.ts';
import { type Cluster, type ConfiguredMember, hostsOf, layoutOf } from '../cluster/clusters.ts';
import { judgeWork } from '../hosts/at-work.ts';
import type { InspectionReport } from '../hosts/host-command-results.ts';
import { ignoredSettings } from '../hosts/host-fit.ts';
import { HOLDS_NOTHING } from '../hosts/missing-data.ts';
import { newerData } from '../hosts/newer-data.ts';
import { replacementMisfits } from '../member-replacement/replacement-plan.ts';
import { describeLeftRecoveries } from '../quorum-recovery/left-recoveries.ts';
import { releasesMisfit, restoreMisfits } from '../quorum-recovery/recovery-fit.ts';
import { checkRehearsals } from '../rehearsal/check-rehearsals.ts';
import { formatBytes, formatShare } from '../text/format.ts';
import type { CheckArea, CheckLine, CheckReport, SERVES, WeighCheck } from './check.ts';
import { line, namesOf, type Weighed } from './check-lines.ts';
import { CERTIFICATE_WARNINGS, IDENTITY_WARNINGS, type Warning } from './diagnosis.ts';
import { summarizeCheck } from './summaries.ts';
import { certificateTable, describeLate, weighCertificates } from './weigh-certificates.ts';

/** Half of what a function has for one: a database that grows, or a disk that slows down, has not reached the end of it yet. */
const SLOW_BACKUP_MS = 7 * 60_000;
/** An older backup is hardly worth restoring. */
const OLD_BACKUP_DAYS = 7;

/** Where a warning of a diagnosis belongs; any other one is about the cluster as a whole. */
const AREAS: Partial<Record<Warning['kind'], CheckArea>> = {
  'login-unfit': 'login',
  'authentication-disabled': 'login',
  'tokens-differ': 'login',
  'tokens-unknown': 'login',
  ...Object.fromEntries(IDENTITY_WARNINGS.map((kind) => [kind, 'identity' as const])),
  'nearly-full': 'quota',
  'quota-contradicted': 'quota',
  fragmented: 'quota',
  'known-defect': 'releases',
  'version-skew': 'releases',
  'downgrade-enabled': 'releases',
  'host-unreachable': 'hosts',
  'hosts-unknown': 'hosts',
};

/** What that means for a client without a login, by which clients members were seen to serve. */
const WITHOUT_LOGIN: Readonly<Record<(typeof SERVES)[number], string>> = {
  anybody: 'anyone who reaches a client port may read and write',
  certificates:
    'etcd serves only clients with a certificate that it trusts; where it has authentication enabled, each as the user that its certificate names',
  nobody: 'etcd has authentication enabled, and serves only clients with a login',
  unknown: 'whether etcd serves clients without a login or a certificate could not be seen',
};

/**
 * What a remediation of this cluster would meet with: what is wrong with the cluster now, and what would keep a runbook from its work, though nothing
 * is wrong yet. What could not be looked at is a finding, unless the configuration says that it is not there.
 * @param now as Date.now() returns it
 */
export function weighCheck(input: WeighCheck, now: number): CheckReport {
  const parts = [
    weighCluster(input, now),
    weighSecrets(input),
    weighCertificates(input, now),
    weighReleases(input),
    weighQuota(input),
    weighHosts(input),
    weighRecoveries(input),
    weighBackups(input, now),
  ];
  const findings = parts.flatMap((part) => part.findings ?? []);
  const well = parts.flatMap((part) => part.well ?? []);
  // A part may find nothing where another one, such as a warning of the diagnosis, has found something.
  const wrongAreas = new Set(findings.filter(({ area }) => area !== 'hosts').map(({ area }) => area));
  return {
    outcome: findings.length === 0 ? 'Well' : 'Findings',
    cluster: input.cluster.name,
    summary: summarizeCheck(findings),
    findings,
    well: well.filter(({ area }) => !wrongAreas.has(area)),
    unchecked: parts.flatMap((part) => part.unchecked ?? []),
    certificates: certificateTable(input.survey.certificates, now),
  };
}

/** A host that is not reached, a certificate and backups are reported with the others, by what the check itself finds. */
const REPORTED_ELSEWHERE: readonly Warning['kind'][] = [
  'host-unreachable',
  'hosts-unknown',
  'backup-late',
  'backups-unknown',
  ...CERTIFICATE_WARNINGS,
];

function weighCluster({ cluster, diagnosis, undiagnosed, survey, inspected }: WeighCheck, now: number): Weighed {
  if (!diagnosis) {
    // What keeps anybody from looking at the cluster is told of the secrets.
    if (survey.secretsProblem !== '') return {};
    return { findings: [line('cluster', `It could not be diagnosed: ${undiagnosed}`)] };
  }
  const { incident, summary, others, warnings } = diagnosis;
  const besides = others.length > 0 ? ` Besides: ${others.join(', ')}.` : '';
  return {
    findings: [
      ...(incident === 'healthy'
        ? []
        : [line('cluster', `${incident}: ${summary}${besides}${describeLate(survey.certificates, now)}`)]),
      ...findAtWork({ cluster, survey, inspected }),
      ...warnings
        .filter(({ kind }) => !REPORTED_ELSEWHERE.includes(kind))
        .map(({ kind, message }) => line(AREAS[kind] ?? 'cluster', message)),
    ],
    // Of one that does not answer nothing of it is known.
    well:
      incident !== 'healthy'
        ? []
        : [
            line('cluster', summary),
            line('identity', `${namesOf(cluster.members)} answer as themselves, and are the members that etcd lists`),
            ...(cluster.auth ? [line('login', 'every member takes the login, and the tokens of every other')] : []),
          ],
    unchecked: cluster.auth ? [] : [line('login', `clusters.json names no "auth": ${WITHOUT_LOGIN[survey.serves]}`)],
  };
}

/** The two views of a member together: it cannot be reached where clusters.json says, and its own host shows that it runs. */
function findAtWork({ cluster, survey, inspected }: Pick<WeighCheck, 'cluster' | 'survey' | 'inspected'>): CheckLine[] {
  return cluster.members.flatMap(({ name, clientUrl }) => {
    const report = inspected.find(({ member }) => member === name);
    if (!report?.result || survey.members.some((answering) => answering.name === name)) return [];
    const { state, how } = judgeWork(report.result, '');
    if (state !== 'at-work') return [];
    const message = `${name} could not be asked at its clientUrl ${clientUrl}, and its host ${report.host} ${how}: it has not failed. Correct its clientUrl in clusters.json, or what is in between`;
    return [line('cluster', message)];
  });
}

function weighSecrets({ cluster: { auth, tls }, survey: { secretsProblem } }: WeighCheck): Weighed {
  const named = [auth?.secret, tls?.secret].filter((secret) => secret !== undefined);
  if (named.length === 0) return { unchecked: [line('secrets', 'clusters.json names none')] };
  if (secretsProblem !== '') return { findings: [line('secrets', secretsProblem)] };
  const names = [...new Set(named)];
  return {
    well: [line('secrets', `${names.join(' and ')} can be read and ${names.length > 1 ? 'are' : 'is'} complete`)],
  };
}

/** A diagnosis looks for known defects, and only where etcd serves us. */
function weighReleases({ diagnosis, survey: { members } }: WeighCheck): Weighed {
  if (members.length === 0) return {};
  const refusing = diagnosis?.members.filter(({ state }) => state === 'refusing').map(({ name }) => name) ?? [];
  const [unjudged = [], judged = []] = [true, false].map((isRefusing) =>
    members.filter(({ name }) => (diagnosis === null || refusing.includes(name)) === isRefusing),
  );
  return {
    well: judged.length === 0 ? [] : [line('releases', describeReleases(judged))],
    unchecked:
      unjudged.length === 0
        ? []
        : [
            line(
              'releases',
              `${describeReleases(unjudged)}: nobody held it against known defects, for it could not be diagnosed`,
            ),
          ],
  };
}

function describeReleases(members: WeighCheck['survey']['members']): string {
  const byRelease = [...Map.groupBy(members, ({ version }) => version)];
  return byRelease.map(([version, same]) => `etcd ${version} on ${namesOf(same)}`).join(', ');
}

function weighQuota({ survey: { members } }: WeighCheck): Weighed {
  if (members.length === 0) return {};
  const shares = members.map(({ name, dbSizeBytes, quotaBytes }) => {
    const size = `${name} ${formatBytes(dbSizeBytes)}`;
    if (quotaBytes === null) return `${size}, without a quota`;
    return `${size} of ${formatBytes(quotaBytes)} (${formatShare(dbSizeBytes / quotaBytes)})`;
  });
  return { well: [line('quota', shares.join(', '))] };
}

function weighHosts({ cluster, survey, inspected }: WeighCheck): Weighed {
  if (hostsOf(cluster).length === 0) {
    const message =
      'clusters.json names none, so no member can be replaced and no quorum recovered. If you want that, add each member\'s "host", and the "layout"';
    return { unchecked: [line('hosts', message)] };
  }
  const homeless = cluster.members
    .filter(({ host }) => host === undefined)
    .map(({ name }) =>
      line('hosts', `clusters.json names no "host" for ${name}: it can neither be replaced nor restored. Add it`),
    );
  const seen = cluster.members.flatMap((configured) => {
    const inspection = inspected.find(({ member }) => member === configured.name)?.result;
    return inspection ? [{ configured, inspection }] : [];
  });
  const weighed = inspected.map((report) => weighHost(report, { cluster, survey }));
  return {
    findings: [
      ...homeless,
      ...weighed.flatMap(({ findings = [] }) => findings),
      ...releasesMisfit(seen).map((problem) => line('hosts', problem)),
    ],
    well: weighed.flatMap(({ well = [] }) => well),
  };
}

function weighRecoveries({ diagnosis, inspected }: WeighCheck): Weighed {
  const conditions = diagnosis ? [diagnosis.incident, ...diagnosis.others] : undefined;
  return { findings: describeLeftRecoveries(inspected, conditions).map((message) => line('hosts', message)) };
}

function weighHost(
  { member, host, result, problem }: InspectionReport,
  { cluster, survey }: Pick<WeighCheck, 'cluster' | 'survey'>,
): Weighed {
  const owner = member === '' ? `the spare host ${host}` : `${member} on ${host}`;
  if (!result) return { findings: [line('hosts', `${owner} could not be looked at: ${problem}`)] };
  const configured: ConfiguredMember | undefined = [...cluster.members, ...(cluster.spareHosts ?? [])].find(
    (each) => each.host === host,
  );
  if (!configured) return {};
  const layout = layoutOf(cluster, configured);
  const dbSizeBytes = Math.max(0, ...survey.members.map((each) => each.dbSizeBytes));
  const clusterVersions = survey.members.map(({ version, storageVersion }) => storageVersion || version);
  const misfits = new Set([
    ...replacementMisfits(layout, configured, result, { clusterVersions, dbSizeBytes }),
    // What the host itself would salvage is there besides; compressed, by an unknown ratio.
    ...(member === '' || configured.learner
      ? []
      : restoreMisfits(
          { configured, layout, inspection: result, scratchBytes: dbSizeBytes },
          dbSizeBytes,
          dbSizeBytes,
        )),
  ]);
  const stopped =
    member !== '' && result.unit.loadState === 'loaded' && result.unit.mainPid === 0
      ? [`the unit "${layout.unit}" has no process (${result.unit.activeState})`]
      : [];
  const work = judgeWork(result, '');
  const frozen = member !== '' && work.state === 'frozen' ? [`its host ${work.how}`] : [];
  const forgotten = member !== '' && result.raftLog?.holds === 'nothing' ? [HOLDS_NOTHING] : [];
  // Of a member that answers the log goes on, whatever unit the host was asked for.
  const isAnswering = survey.members.some(({ name }) => name === member);
  const newer = isAnswering || !survey.isLed ? '' : newerData(result, survey.members);
  const unfit = [...misfits, ...stopped, ...frozen, ...forgotten, ...(newer === '' ? [] : [`there ${newer}`])].map(
    (misfit) => line('hosts', `${owner}: ${misfit}`),
  );
  const ignored = ignoredSettings(result);
  const findings = [
    ...unfit,
    ...(ignored === ''
      ? []
      : [line('hosts', `${owner}: ${ignored}: since 3.7 they are called otherwise. Rename them, or leave them out`)]),
  ];
  if (unfit.length > 0) return { findings };
  const { unit, etcdVersion, dataDir } = result;
  const fit =
    member === '' || configured.learner ? 'fit for a replacement' : 'fit for a replacement and for a recovery';
  const message = `${owner}: ${fit} (unit ${layout.unit} ${unit.activeState}, etcd ${etcdVersion}, ${formatBytes(dataDir.freeBytes)} free)`;
  return { findings, well: [line('hosts', message)] };
}

function weighBackups({ cluster, backups, unwritable, inspected }: WeighCheck, now: number): Weighed {
  if (!cluster.backups || !backups) {
    const message = 'clusters.json names none: a quorum recovery has what is left on the hosts, and nothing else';
    return { unchecked: [line('backups', message)] };
  }
  const { place, newestKey, newestAt, problem, own } = backups;
  if (problem !== '') return { findings: [line('backups', `${place}: ${problem}`)] };
  if (unwritable !== '') {
    return { findings: [line('backups', `${place}: a backup could not be written: ${unwritable}`)] };
  }
  if (own) {
    const of = { cluster, place, everyMinutes: cluster.backups.everyMinutes ?? 0, now };
    const { findings = [], well = [] }: Weighed = weighOwnBackups(own, of);
    const rehearsals = checkRehearsals({ cluster, own, inspected, nowMs: now });
    const lines = (message?: string) => (message === undefined ? [] : [line('backups', message)]);
    return {
      findings: [...findings, ...lines(rehearsals.finding)],
      well: [...well, ...lines(rehearsals.well)],
      unchecked: lines(rehearsals.unchecked),
    };
  }
  if (newestKey === '') {
    const message = `${place} holds nothing: look what makes the backups, and whether "backups" in clusters.json is right`;
    return { findings: [line('backups', message)] };
  }
  const days = daysSince(newestAt, now);
  const age = days < 1 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`;
  const newest = `the newest of ${place} is ${newestKey}, ${age} old`;
  if (days > OLD_BACKUP_DAYS) return { findings: [line('backups', `${newest}: look what makes them`)] };
  return { well: [line('backups', newest)] };
}

/** What is made here is known: how often, and what is in it. */
function weighOwnBackups(
  { count, backups: [newest], problem }: FoundBackups,
  { cluster, place, everyMinutes, now }: { cluster: Cluster; place: string; everyMinutes: number; now: number },
): Weighed {
  const find = (message: string) => ({ findings: [line('backups', `${place}: ${message}`)] });
  if (problem !== '') return find(problem);
  if (!newest) {
    return find(
      'no backup of this cluster was made yet: look at the executions of etcd-remediation-backup. If there is none, start one with its name: {"cluster":"NAME"}',
    );
  }
  const { name, takenAt, record } = newest;
  if (!record) return find(`what is known of the newest backup cannot be read: ${newest.problem}`);
  const ageMinutes = Math.floor((now - Date.parse(takenAt)) / 60_000);
  const message = `the newest backup, ${name}, is ${ageMinutes} minutes old, and one is made every ${everyMinutes}`;
  // One that is late may still be under way.
  if (ageMinutes > lateAfterMinutes(everyMinutes)) {
    return find(`${message}: look at the executions of etcd-remediation-backup`);
  }
  if (record.tookMs > SLOW_BACKUP_MS && record.way !== 'host') {
    const hasHost = cluster.members.some((member) => member.name === record.member && member.host);
    const then = hasHost
      ? `one that takes longer is copied and sent by the host of ${record.member}, which takes free room there of the size of its database`
      : `one that takes longer is thrown away, for clusters.json names no "host" for ${record.member} that could go on with it`;
    return find(
      `the newest backup, ${name}, took ${Math.round(record.tookMs / 60_000)} of the 14 minutes that a function has for it, and ${then}: look what is ` +
        "slow, the member's disk or the way from it to S3",
    );
  }
  const byHost = record.way === 'host' ? `; the host of ${record.member} has copied and sent it` : '';
  return {
    well: [
      line('backups', `${place}: ${count} of this cluster; ${message}; it holds revision ${record.revision}${byHost}`),
    ],
  };
}
