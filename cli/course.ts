import type { IncidentReport } from '../report/incident-report.ts';

/** What came after a step in an earlier remediation. */
interface Rest {
  steps: number;
  ms: number;
}

/** How far a remediation is, measured by those that went the same way before. Without any it only counts. */
export class Course {
  readonly #rests = new Map<string, Rest[]>();
  readonly #entered = new Map<string, number>();
  #steps = 0;

  /** @param earlier reports of remediations that are likely to go the same way */
  constructor(earlier: readonly IncidentReport[]) {
    for (const report of earlier) this.#learn(report);
  }

  /** A step has begun. @returns what to say of it once it has taken so long */
  enter(state: string): (elapsedMs: number) => string {
    const step = ++this.#steps;
    const rests = this.#rests.get(placeOf(state, this.#entered)) ?? [];
    if (rests.length === 0) return () => `still running, step ${step}`;
    const steps = step + Math.round(median(rests.map((rest) => rest.steps)));
    const ms = median(rests.map((rest) => rest.ms));
    return (elapsedMs) => `step ${step} of about ${steps}, ${describeRest(ms - elapsedMs)}`;
  }

  #learn({ timeline, endedAt }: IncidentReport): void {
    if (endedAt === null) return;
    const entered = new Map<string, number>();
    const steps = timeline
      .filter(({ kind }) => kind !== 'wait')
      .toSorted((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt));
    for (const [index, { state, startedAt }] of steps.entries()) {
      const rest = steps.slice(index + 1);
      const forPeopleMs = rest.filter(({ kind }) => kind === 'approval').reduce((sum, each) => sum + msOf(each), 0);
      const ms = Date.parse(endedAt) - Date.parse(startedAt) - forPeopleMs;
      const place = placeOf(state, entered);
      this.#rests.set(place, [...(this.#rests.get(place) ?? []), { steps: rest.length, ms }]);
    }
  }
}

/** The newest reports of remediations of this cluster that ended as this one should. */
export function earlierRuns(
  reports: readonly IncidentReport[],
  { cluster, dryRun }: { cluster: string; dryRun: boolean },
): IncidentReport[] {
  const outcome = dryRun ? 'Planned' : 'Remediated';
  return reports.filter((each) => each.drill === null && each.cluster === cluster && each.outcome === outcome);
}

/** The same of a drill. */
export function earlierDrills(reports: readonly IncidentReport[], scenario: string): IncidentReport[] {
  return reports.filter(({ drill, outcome }) => drill?.scenario === scenario && outcome === 'Remediated');
}

/** A state, and for the how manieth time it is entered. */
function placeOf(state: string, entered: Map<string, number>): string {
  const times = (entered.get(state) ?? 0) + 1;
  entered.set(state, times);
  return `${state} ${times}`;
}

function msOf({ startedAt, endedAt }: { startedAt: string; endedAt: string | null }): number {
  return endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt);
}

function describeRest(ms: number): string {
  if (ms <= 0) return 'longer than before';
  const seconds = Math.ceil(ms / 1000);
  return `about ${seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
