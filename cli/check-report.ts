import { CHECK_AREAS, type CheckLine, type CheckReport } from '../core/diagnosis/check.ts';
import { FEW, summaryOf } from './each-cluster.ts';
import { inColumns } from './format.ts';

/** The result of each: of a check, or why it failed. */
export type Checked = CheckReport | { outcome: 'NotChecked'; cluster: string; error: string; cause: string };

/** Of all that were asked for. */
export function checkOutcomeOf(checked: readonly Checked[]): Checked['outcome'] {
  if (checked.every(({ outcome }) => outcome === 'Well')) return 'Well';
  return checked.some(({ outcome }) => outcome === 'Findings') ? 'Findings' : 'NotChecked';
}

const KINDS = { Well: 'well', Findings: 'with something to correct', NotChecked: 'could not be checked' } as const;

/** Every cluster, and how many of each kind. Of many, those of which all is well are counted alone. */
export function describeChecks(checked: readonly Checked[]): string[] {
  const shown = checked.length > FEW ? checked.filter(({ outcome }) => outcome !== 'Well') : checked;
  return [
    ...shown.flatMap((each) => ['', ...describeCheck(each)]),
    ...summaryOf(
      'Checked',
      checked.map(({ outcome }) => KINDS[outcome]),
      Object.values(KINDS),
    ),
  ];
}

/** A line for each thing that was looked at; what has to be corrected stands at the end, where a terminal shows it. */
function describeCheck(checked: Checked): string[] {
  if (checked.outcome === 'NotChecked') {
    const { cluster, error, cause } = checked;
    return [`${cluster}: could not be checked`, ...`${error}: ${cause}`.split('\n').map((line) => `  ${line}`)];
  }
  const { cluster, summary, findings, well, unchecked, certificates } = checked;
  const lines = [
    ...well.map((each) => ({ mark: '✓', ...each })),
    ...unchecked.map((each) => ({ mark: '-', ...each })),
    ...findings.map((each) => ({ mark: '!', ...each })),
  ].toSorted((a, b) => placeOf(a) - placeOf(b));
  const width = Math.max(0, ...lines.map(({ area }) => area.length));
  const print = (isFinding: boolean) =>
    lines
      .filter(({ mark }) => (mark === '!') === isFinding)
      .map(({ mark, area, message }) => `  ${mark} ${area.padEnd(width)}  ${message}`);
  return [`${cluster}: ${summary}`, ...print(false), ...describeCertificates(certificates), ...print(true)];
}

function describeCertificates(certificates: CheckReport['certificates']): string[] {
  if (certificates.length === 0) return [];
  const rows = certificates.map(({ owner, endsAt, daysLeft }) => [`${daysLeft}`, endsAt.slice(0, 10), owner]);
  return ['  Certificates:', ...inColumns([['days left', 'ends', 'whose'], ...rows]).map((line) => `    ${line}`)];
}

function placeOf({ area }: CheckLine): number {
  return CHECK_AREAS.indexOf(area);
}
