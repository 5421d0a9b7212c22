import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';
import type { IncidentReport, TimelineEntry } from '../incident-report.ts';
import { Html, visible } from './html.ts';
import { COLORS } from './style.ts';

const WIDTH = 900;
const ROW_HEIGHT = 18;
const MIB = 1024 * 1024;

/** A drawing, and what its colors mean. */
export interface Drawing {
  svg: Html;
  key: { color: string; meaning: string }[];
}

/** What each kind of work is called, and painted with. */
export const KIND_NAMES: Readonly<Record<TimelineEntry['kind'], string>> = {
  step: 'step',
  hosts: 'command on hosts',
  wait: 'time that had to pass',
  approval: 'waited for a person',
  runbook: 'runbook',
  page: 'page',
  record: 'lock and record',
};
const KINDS = Object.keys(KIND_NAMES) as TimelineEntry['kind'][];

/** What ran when: a bar each. A runbook's own bar would cover those of its states. */
export function drawTimeline({ timeline, startedAt }: IncidentReport, untilMs: number): Drawing {
  const begin = Date.parse(startedAt);
  const bars = timeline.flatMap((entry, at) => {
    if (entry.kind === 'runbook') return [];
    const x1 = (Date.parse(entry.startedAt) - begin) / 1000;
    const x2 = ((entry.endedAt === null ? untilMs : Date.parse(entry.endedAt)) - begin) / 1000;
    return [{ row: String(at), state: entry.state, x1, x2, fill: paintOf(entry.kind), failed: entry.error !== '' }];
  });
  const names = new Map(bars.map(({ row, state }) => [row, state]));
  const svg = draw('What ran when', {
    height: bars.length * ROW_HEIGHT + 60,
    marginLeft: 230,
    x: {
      label: 'seconds since the start',
      labelAnchor: 'center',
      grid: true,
      domain: [0, lastOf(bars.map(({ x2 }) => x2))],
    },
    y: {
      label: null,
      domain: bars.map(({ row }) => row),
      tickFormat: (row: string) => names.get(row) ?? '',
      tickSize: 0,
    },
    marks: [
      Plot.barX(bars, { y: 'row', x1: 'x1', x2: 'x2', fill: 'fill', insetTop: 3, insetBottom: 3 }),
      // What took no time to speak of is seen all the same.
      Plot.tickX(bars, { y: 'row', x: 'x1', stroke: 'fill', strokeWidth: 2 }),
      Plot.text(
        bars.filter(({ failed }) => failed),
        { y: 'row', x: 'x2', text: () => '✗ failed', dx: 5, textAnchor: 'start', fill: 'var(--bad)' },
      ),
    ],
  });
  const used = KINDS.filter((kind) => timeline.some((entry) => entry.kind === kind && kind !== 'runbook'));
  return { svg, key: used.map((kind) => ({ color: paintOf(kind), meaning: KIND_NAMES[kind] })) };
}

function paintOf(kind: TimelineEntry['kind']): string {
  return COLORS[KINDS.indexOf(kind)] ?? 'currentColor';
}

/** Of each member the size of the database, what of it is in use, and the quota; undefined where nothing was read. */
export function drawSizes({ sizes, startedAt, cost }: IncidentReport): Drawing | undefined {
  if (sizes.length === 0) return undefined;
  const [file, used, limit] = COLORS as [string, string, string];
  const points = sizes.map((each) => ({
    ...{ x: since(each.at, startedAt), member: each.member, size: each.dbSizeBytes / MIB },
    inUse: each.dbSizeInUseBytes === null ? null : each.dbSizeInUseBytes / MIB,
    quota: each.quotaBytes === null ? null : each.quotaBytes / MIB,
  }));
  const members = [...new Set(points.map(({ member }) => member))];
  const measured = points.filter(({ inUse }) => inUse !== null);
  const quotas = points.filter(({ quota }) => quota !== null);
  const svg = draw('Size of the databases', {
    height: 240,
    fx: { label: null, domain: members },
    x: {
      label: 'seconds since the start',
      labelAnchor: 'center',
      ticks: 4,
      domain: [0, lastOf([cost.durationMs / 1000])],
    },
    y: { label: 'MiB', grid: true, zero: true },
    marks: [
      Plot.ruleY([0]),
      Plot.lineY(quotas, { fx: 'member', x: 'x', y: 'quota', stroke: limit, strokeDasharray: '6 4' }),
      Plot.dot(quotas, { fx: 'member', x: 'x', y: 'quota', stroke: limit, r: 2 }),
      Plot.lineY(points, { fx: 'member', x: 'x', y: 'size', stroke: file }),
      Plot.dot(points, { fx: 'member', x: 'x', y: 'size', fill: file, r: 3 }),
      Plot.lineY(measured, { fx: 'member', x: 'x', y: 'inUse', stroke: used }),
      Plot.dot(measured, { fx: 'member', x: 'x', y: 'inUse', fill: used, r: 3, symbol: 'square' }),
    ],
  });
  return {
    svg,
    key: [
      { color: file, meaning: 'database on disk' },
      { color: used, meaning: 'in use (squares)' },
      { color: limit, meaning: 'quota (dashed)' },
    ],
  };
}

/** How far each member has applied the log; undefined where nothing was read. */
export function drawRaft({ raft, startedAt, cost }: IncidentReport): Drawing | undefined {
  if (raft.length === 0) return undefined;
  const points = raft.flatMap(({ at, member, appliedIndex, leaderIndex }) => {
    const x = since(at, startedAt);
    return [
      { x, line: member, y: Number(appliedIndex) },
      ...(leaderIndex === null ? [] : [{ x, line: LEADER, y: Number(leaderIndex) }]),
    ];
  });
  const lines = [...new Set(points.map(({ line }) => line))];
  const color = (line: string) => COLORS[lines.indexOf(line) % COLORS.length] ?? 'currentColor';
  const svg = draw('Raft index applied', {
    height: 240,
    x: { label: 'seconds since the start', labelAnchor: 'center', domain: [0, lastOf([cost.durationMs / 1000])] },
    y: { label: null, grid: true, tickFormat: 'd' },
    marks: lines.flatMap((line) => {
      const own = points.filter((each) => each.line === line);
      return [
        Plot.lineY(own, { x: 'x', y: 'y', stroke: color(line) }),
        Plot.dot(own, { x: 'x', y: 'y', fill: color(line), r: 3 }),
        Plot.text(own.slice(-1), { x: 'x', y: 'y', text: 'line', dx: 8, textAnchor: 'start', fill: color(line) }),
      ];
    }),
  });
  return { svg, key: lines.map((line) => ({ color: color(line), meaning: line })) };
}

const LEADER = 'the leader';

/** Writes that were accepted, refused and not answered, a slice of time after the other; undefined outside of a drill. */
export function drawWrites({ drill, startedAt }: IncidentReport): Drawing | undefined {
  if (!drill) return undefined;
  const { from, sliceMs, accepted, refused, unanswered } = drill.writes;
  const begin = since(from, startedAt);
  const [good, bad, none] = ['var(--good)', 'var(--bad)', 'var(--open)'];
  const bars = Object.entries({ accepted, refused, unanswered }).flatMap(([kind, counts]) =>
    counts.flatMap((count, at) => {
      const x1 = begin + (at * sliceMs) / 1000;
      const fill = kind === 'accepted' ? good : kind === 'refused' ? bad : none;
      return count === 0 ? [] : [{ x1, x2: x1 + sliceMs / 1000, count, fill }];
    }),
  );
  const svg = draw('Writes', {
    height: 220,
    x: { label: 'seconds since the start of the remediation', labelAnchor: 'center' },
    y: { label: `writes each ${sliceMs} ms`, grid: true, zero: true },
    marks: [
      Plot.rectY(bars, { x1: 'x1', x2: 'x2', y: 'count', fill: 'fill' }),
      Plot.ruleY([0]),
      Plot.ruleX([0], { strokeDasharray: '2 3' }),
    ],
  });
  return {
    svg,
    key: [
      { color: good, meaning: 'accepted' },
      { color: bad, meaning: 'refused' },
      { color: none, meaning: 'not answered' },
    ],
  };
}

/** An SVG that takes its colors from the page. What it shows is in a table too, so that it is one picture to a screen reader. */
function draw(title: string, options: Plot.PlotOptions): Html {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    ...{ document, width: WIDTH, marginLeft: 60, marginRight: 90, marginBottom: 40, className: 'plot' },
    ...options,
  });
  // The library's own style names the class once for each drawing; the page's has all of it.
  for (const style of svg.querySelectorAll('style')) style.remove();
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${title}. The figures are in the table below.`);
  return new Html(visible(svg.outerHTML));
}

function since(at: string, startedAt: string): number {
  return (Date.parse(at) - Date.parse(startedAt)) / 1000;
}

/** At least something, so that the axis has a length. */
function lastOf(seconds: readonly number[]): number {
  return Math.max(1, ...seconds);
}
