import type { Candidate, ListedBackup, Loss } from '../core/quorum-recovery/contracts.ts';
import { describeListed } from '../core/quorum-recovery/listed-backups.ts';
import { formatBytes, inOneLine } from '../core/text/format.ts';

/** Of a success: the lines after it, and the report, have the rest. */
const MAX_SUMMARY_CHARS = 400;

/** The parts of an execution's report that a person reads; each runbook has some of them. */
export interface RunReport {
  outcome: string;
  summary: string;
  candidates?: Candidate[];
  backups?: ListedBackup[];
  ladder?: { rung: string; serves: boolean; why: string }[];
  winner?: Candidate;
  loss?: Loss;
  leftOut?: { member: string; problem: string }[];
  /** What would be done, a line each. */
  plan?: string[];
  archived?: { member: string; dataDir: string; walDir: string }[];
  /** Of quorum-lost: which file of etcd's configuration was written on each host, and where it is as it was before. */
  configured?: string[];
  remaining?: string[];
  /** Of auth-token-invalid: how long authentication was disabled, what became of the tokens, and how it does not happen again. */
  window?: { ms: number } | null;
  tokens?: string;
  advice?: string;
  scratchLeft?: string;
}

/** The summary in one line, as far as the lines after it do not say it: whole sentences, and no more than a terminal shows at a glance. */
export function shortSummary({ summary, loss }: RunReport): string {
  const rest = inOneLine(loss ? summary.replace(loss.explanation, '') : summary);
  if (rest.length <= MAX_SUMMARY_CHARS) return rest;
  const end = rest.slice(0, MAX_SUMMARY_CHARS).search(/[.!?] (?!.*[.!?] )/);
  return `${rest.slice(0, end === -1 ? MAX_SUMMARY_CHARS : end + 1)} …`;
}

/** The lines after the summary: what would be done, or what was done and is left to do. */
export function describeReport(report: RunReport): string[] {
  const { outcome, candidates, ladder, winner, loss, leftOut, archived, configured, remaining, scratchLeft } = report;
  const { window, tokens, advice } = report;
  const isPlan = outcome === 'Planned';
  const restart = ladder?.find(({ rung }) => rung === 'restart');
  const moved = archived?.filter(({ dataDir }) => dataDir !== '') ?? [];
  return [
    ...(restart ? [`Restart: ${restart.why}`] : []),
    ...(isPlan ? section('What could be restored, best first:', candidates?.map(describeCandidate)) : []),
    ...(isPlan ? section('Backups, the newest first:', report.backups?.map(describeListed)) : []),
    ...(!isPlan && winner ? [`Restored: ${describeCandidate(winner)}`] : []),
    ...(loss ? [`Loss: ${loss.explanation}`] : []),
    ...section(
      'Left out:',
      leftOut?.map(({ member, problem }) => `${member}: ${problem}`),
    ),
    ...(isPlan ? section('Plan:', report.plan) : []),
    ...(window ? [`Authentication was disabled for ${window.ms} ms.`] : []),
    ...(tokens ? [`Tokens: ${tokens}`] : []),
    ...(advice ? [`So that it does not happen again: ${advice}`] : []),
    ...section(
      'Moved aside, and kept:',
      moved.map(({ member, dataDir, walDir }) => `${member}: ${[dataDir, walDir].filter(Boolean).join(' and ')}`),
    ),
    ...section('Rewritten configuration of etcd:', configured),
    ...section(
      'Still wrong:',
      remaining?.map((incident) => `${incident}: run this command with --incident ${incident} next`),
    ),
    ...(scratchLeft ? [`Scratch folders are left, which hold copies of the data: ${scratchLeft}`] : []),
  ].map((line) => `  ${/^ */.exec(line)?.[0]}${inOneLine(line)}`);
}

function describeCandidate({ member, source, revision, totalKeys, sizeBytes, note }: Candidate): string {
  const what = `${member}: ${source}, revision ${revision}, ${totalKeys} keys, ${formatBytes(sizeBytes)}`;
  return note === '' ? what : `${what} (${note})`;
}

/** Nothing where there are no lines. */
function section(title: string, lines: readonly string[] = []): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}
