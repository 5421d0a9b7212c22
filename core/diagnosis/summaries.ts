import type { FoundBackups } from '../backups/contracts.ts';
import type { Backups, CheckLine, SurveyedCluster } from './check.ts';

/** What the steps of a check have found, in a sentence each. */

export function summarizeSurvey({ survey, inspections }: Omit<SurveyedCluster, 'summary'>): string {
  const { secretsProblem, members, certificates } = survey;
  const next = inspections.length === 0 ? 'No host is configured.' : `Next: inspect ${count(inspections, 'host')}.`;
  if (secretsProblem !== '') return `The secrets are of no use: ${secretsProblem} ${next}`;
  const names = members.map(({ name }) => name).join(', ');
  return `${names === '' ? 'No member answers' : `Answering: ${names}`}; ${count(certificates, 'certificate')} read. ${next}`;
}

export function summarizeBackups(backups: Backups | null): string {
  if (!backups) return 'The configuration names no place for backups.';
  const { place, newestKey, newestAt, problem, own } = backups;
  if (problem !== '') return problem;
  // Beside those that are made here lies more: what is known of each, and of their rehearsals.
  if (own) return own.problem || newestOwn(place, own);
  return newestKey === ''
    ? `There is no backup in ${place}.`
    : `The newest backup in ${place} is ${newestKey}, of ${newestAt}.`;
}

function newestOwn(place: string, { backups: [newest] }: FoundBackups): string {
  return newest
    ? `The newest backup in ${place} is ${newest.name}.`
    : `There is no backup in ${place} that could be restored.`;
}

/** @param problem why no backup could be written; empty where one could */
export function summarizeTriedBackups(problem: string): string {
  return problem || 'A backup can be written.';
}

export function summarizeCheck(findings: readonly CheckLine[]): string {
  if (findings.length === 0) return 'Nothing was found.';
  return `${findings.length} to correct: ${[...new Set(findings.map(({ area }) => area))].join(', ')}.`;
}

function count({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? '' : 's'}`;
}
