import { expect, it } from 'vitest';
import { Course, earlierDrills, earlierRuns } from '../../cli/course.ts';
import type { IncidentReport } from '../../report/incident-report.ts';

type Entry = IncidentReport['timeline'][number];

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();

function entry(state: string, from: number, to: number, kind: Entry['kind'] = 'step'): Entry {
  return {
    ...{ state, runbook: 'space-reclaim', kind, startedAt: at(from), endedAt: at(to) },
    ...{ members: [], attempts: 1, retriedFor: [], error: '', summary: '' },
  };
}

function report(endedAt: number, timeline: Entry[], more: Partial<IncidentReport> = {}): IncidentReport {
  const known = { cluster: 'orders', outcome: 'Remediated', drill: null, startedAt: at(0), endedAt: at(endedAt) };
  return { ...known, timeline, ...more } as IncidentReport;
}

const EARLIER = [
  report(20, [entry('Assess', 0, 2), entry('Defragment', 2, 10), entry('Defragment', 10, 18), entry('Verify', 18, 20)]),
  report(40, [entry('Assess', 0, 4), entry('Defragment', 4, 20), entry('Defragment', 20, 36), entry('Verify', 36, 40)]),
  report(24, [entry('Assess', 0, 2), entry('Defragment', 2, 12), entry('Defragment', 12, 22), entry('Verify', 22, 24)]),
];

it('tells which step of how many it is, and how long the rest has taken before: the median of it', () => {
  const course = new Course(EARLIER);
  expect(course.enter('Assess')(0)).toBe('step 1 of about 4, about 24 s left');
  expect(course.enter('Defragment')(2_000)).toBe('step 2 of about 4, about 20 s left');
  // For the second time: what came after it is less.
  expect(course.enter('Defragment')(0)).toBe('step 3 of about 4, about 12 s left');
  expect(course.enter('Verify')(2_500)).toBe('step 4 of about 4, longer than before');
});

it('only counts what it has never seen', () => {
  expect(new Course([]).enter('Assess')(5_000)).toBe('still running, step 1');
  const course = new Course(EARLIER);
  course.enter('Assess');
  expect(course.enter('Move leadership')(0)).toBe('still running, step 2');
});

it('leaves out how long a person took to answer, and counts no wait as a step', () => {
  const course = new Course([
    report(3_700, [
      entry('Diagnose', 0, 10),
      entry('Ask for approval', 10, 3_610, 'approval'),
      entry('Wait a moment', 3_610, 3_620, 'wait'),
      entry('Replace', 3_620, 3_700),
    ]),
  ]);
  expect(course.enter('Diagnose')(0)).toBe('step 1 of about 3, about 2 min left');
});

it('measures by remediations of the same cluster that ended as this one should, and by no drill', () => {
  const drill = { scenario: 'full' } as IncidentReport['drill'];
  const reports = [
    report(1, []),
    report(2, [], { cluster: 'billing' }),
    report(3, [], { outcome: 'PreconditionFailed' }),
    report(4, [], { outcome: 'Planned' }),
    report(5, [], { drill }),
    report(6, [], { drill, outcome: 'VerificationFailed' }),
  ];
  const ends = (chosen: IncidentReport[]) => chosen.map(({ endedAt }) => endedAt);
  expect(ends(earlierRuns(reports, { cluster: 'orders', dryRun: false }))).toEqual([at(1)]);
  expect(ends(earlierRuns(reports, { cluster: 'orders', dryRun: true }))).toEqual([at(4)]);
  expect(ends(earlierDrills(reports, 'full'))).toEqual([at(5)]);
});
