import { isSlow, whatToCorrect } from '../cluster/between.ts';
import type { SurveyedMember } from '../cluster/member-survey.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { judgeWork, type WorkOnHost } from '../hosts/at-work.ts';
import type { HostInspection, InspectionReport } from '../hosts/host-command-results.ts';
import { mayBeAtWork } from './replacement-scope.ts';

const FROZEN = 'Do that, or restart its service there, which keeps its data as well. Find out who has frozen it.';
const UNTOLD =
  'If it is of no use, stop it there ("systemctl stop" of its unit), and start again: what is stopped is replaced.';

/**
 * A member that cannot be reached from here may still run. Its own host is asked before its service is stopped.
 * @throws PreconditionFailed naming what differs between the two views
 */
export function requireNotAtWork(surveyed: SurveyedMember, inspection: HostInspection): void {
  if (surveyed.seen.answering) return;
  const { state, how } = judgeWork(inspection, surveyed.listed?.id ?? '');
  if (state === 'stopped' || state === 'broken') return;
  throw twoViews(surveyed, { state, how });
}

function twoViews({ name, configured, problem, seen }: SurveyedMember, { state, how }: WorkOnHost): PreconditionFailed {
  const elsewhere = state === 'at-work' || isSlow(seen) ? whatToCorrect(seen) : UNTOLD;
  const whatToDo = state === 'frozen' ? FROZEN : elsewhere;
  return new PreconditionFailed(
    `${name} is not replaced, and nothing was changed: two views of it differ. From here it ${problem} Its host ${configured.host} ${how}. ${whatToDo}`,
  );
}

/**
 * A spare host is for one that is gone. Where the old one is not, it says whether the member there is at work, whom the others would lose.
 * @returns what the plan says of it
 * @throws PreconditionFailed where it is at work, or where its host is there and cannot say
 */
export function weighOldHost(replaced: SurveyedMember, [report]: readonly InspectionReport[]): string[] {
  const { name, configured, listed } = replaced;
  if (!mayBeAtWork(replaced)) return [];
  if (!configured.host) return [`whether ${name} still runs is unknown: clusters.json names no "host" for it`];
  // It has fallen silent since the assessment.
  if (!report) throw new EtcdUnavailable(`${name} ${replaced.problem}`);
  if (report.error === 'HostUnreachable') {
    return [`whether ${name} still runs is unknown, because its host cannot be reached: ${report.problem}`];
  }
  if (!report.result) {
    throw new PreconditionFailed(
      `${name} is not replaced, and nothing was changed: its host ${configured.host} does not say whether it runs. ` +
        `${report.error}: ${report.problem} Correct that, or shut the host down. Then start again.`,
    );
  }
  const { state, how } = judgeWork(report.result, listed?.id ?? '');
  if (state !== 'stopped' && state !== 'broken') throw twoViews(replaced, { state, how });
  return [`leave ${name} as it is on ${configured.host}, which ${how}`];
}
