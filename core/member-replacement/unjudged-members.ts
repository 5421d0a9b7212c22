import type { Cluster } from '../cluster/clusters.ts';
import type { Survey, SurveyedMember } from '../cluster/member-survey.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { judgeWork } from '../hosts/at-work.ts';
import type { InspectionReport } from '../hosts/host-command-results.ts';
import { inspectionOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';

/** Members of which nothing was seen that says how they are. */
export function unjudgedIn({ members }: Survey, replaced: SurveyedMember | undefined): SurveyedMember[] {
  return [...members, ...(replaced ? [replaced] : [])].filter(({ state }) => state === 'unjudged');
}

/**
 * The hosts of those that we did not get to have another view of them, where the configuration names any. One that refuses us, or is busy, has said
 * itself that it runs.
 */
export function looksAtHosts(cluster: Cluster, unjudged: readonly SurveyedMember[]): HostCommand[] {
  return unjudged.flatMap(({ name, seen }) => {
    const isUnreached = !seen.answering && seen.silence === 'unreached';
    const hasHost = cluster.members.some((member) => member.name === name && member.host);
    return isUnreached && hasHost ? [inspectionOf(cluster, name)] : [];
  });
}

/**
 * What keeps us from a member is no failure of it, and another member in its place would not be reached any better.
 * @param reports what their hosts say
 * @throws EtcdUnavailable where all of them are only busy
 */
export function refuseUnjudged(unjudged: readonly SurveyedMember[], reports: readonly InspectionReport[]): void {
  if (unjudged.length === 0) return;
  const list = unjudged.map((member) => `${member.name} ${member.problem}${describeHost(member, reports)}`).join('\n');
  if (unjudged.every(isBusy)) throw new EtcdUnavailable(list);
  throw new PreconditionFailed(
    `${list}\nNothing of this proves that a member has failed, and replacing it would not help. Correct it, and start again. Nothing was changed.`,
  );
}

function isBusy({ seen }: SurveyedMember): boolean {
  return !seen.answering && seen.silence === 'busy';
}

/** The other view of it, and the conclusion from both. */
function describeHost({ name, listed }: SurveyedMember, reports: readonly InspectionReport[]): string {
  const report = reports.find(({ member }) => member === name);
  if (!report) return '';
  if (!report.result) return ` Its host ${report.host} could not be asked: ${report.problem}`;
  const { state, how } = judgeWork(report.result, listed?.id ?? '');
  const view = ` Its host ${report.host} ${how}`;
  switch (state) {
    case 'at-work':
      return `${view}: it runs. Correct its clientUrl, or what is between it and here.`;
    case 'frozen':
    case 'untold':
      return `${view}.`;
    case 'broken':
    case 'stopped':
      return `${view}: once its clientUrl, or what is in between, is corrected, it is replaced.`;
  }
}
