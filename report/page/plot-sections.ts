import type { IncidentReport } from '../incident-report.ts';
import { type Html, html, NOTHING } from './html.ts';
import { type Drawing, drawRaft, drawSizes, drawTimeline, drawWrites } from './plots.ts';
import { measure, moment, table } from './values.ts';

/** The plots, each with its figures as a table. */
export function plotsOf(report: IncidentReport): Html {
  const { timeline, startedAt, cost } = report;
  const until = Date.parse(startedAt) + cost.durationMs;
  const drawn = [
    timeline.length > 0 ? figure('Timeline', drawTimeline(report, until), NOTHING) : NOTHING,
    figure('Size of the databases', drawSizes(report), sizes(report)),
    figure('Raft index that each member has applied', drawRaft(report), raft(report)),
    figure('Writes of the drill', drawWrites(report), writes(report)),
  ];
  return drawn.some(({ text }) => text !== '') ? html`<section><h2>In pictures</h2>${drawn}</section>` : NOTHING;
}

function figure(title: string, drawing: Drawing | undefined, figures: Html): Html {
  if (!drawing) return NOTHING;
  return html`<figure><figcaption>${title}</figcaption><ul class="key">${drawing.key.map(
    ({ color, meaning }) => html`<li><span style="background: ${color}"></span>${meaning}</li>`,
  )}</ul><div class="wide">${drawing.svg}</div>${
    figures.text === '' ? NOTHING : html`<details><summary>The figures</summary>${figures}</details>`
  }</figure>`;
}

function sizes({ sizes: read }: IncidentReport): Html {
  return table(
    'Size of the databases',
    ['When', 'Member', 'On disk', 'In use', 'Quota'],
    read.map(({ at, member, dbSizeBytes, dbSizeInUseBytes, quotaBytes }) => [
      moment(at),
      html`${member}`,
      measure('dbSizeBytes', dbSizeBytes, 'bytes'),
      known('dbSizeInUseBytes', dbSizeInUseBytes),
      known('quotaBytes', quotaBytes),
    ]),
  );
}

function known(name: string, bytes: number | null): Html {
  return bytes === null ? html`not told` : measure(name, bytes, 'bytes');
}

function raft({ raft: read }: IncidentReport): Html {
  return table(
    'Raft index that each member has applied',
    ['When', 'Member', 'Applied', "The leader's"],
    read.map(({ at, member, appliedIndex, leaderIndex }) => [
      moment(at),
      html`${member}`,
      html`<data value="${appliedIndex}" data-figure="appliedIndex">${appliedIndex}</data>`,
      html`${leaderIndex ?? 'not known'}`,
    ]),
  );
}

function writes({ drill }: IncidentReport): Html {
  if (!drill) return NOTHING;
  const { from, sliceMs, accepted, refused, unanswered } = drill.writes;
  const rows = accepted.map((count, at) => ({
    at: new Date(Date.parse(from) + at * sliceMs).toISOString(),
    counts: [count, refused[at] ?? 0, unanswered[at] ?? 0],
  }));
  return table(
    `Writes each ${sliceMs} ms`,
    ['From', 'Accepted', 'Refused', 'Not answered'],
    rows.map(({ at, counts }) => [
      moment(at),
      ...counts.map((count, kind) => measure(['accepted', 'refused', 'unanswered'][kind] ?? '', count, 'count')),
    ]),
  );
}
