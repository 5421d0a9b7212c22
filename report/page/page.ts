import { describeNewest } from '../../core/backups/newest.ts';
import { sentence, splitAtBefore } from '../../core/text/format.ts';
import type { IncidentReport } from '../incident-report.ts';
import { Html, html, NOTHING } from './html.ts';
import { plotsOf } from './plot-sections.ts';
import { KIND_NAMES } from './plots.ts';
import { storeOf } from './store-section.ts';
import { STYLE } from './style.ts';
import { measure, moment, table } from './values.ts';

/** So that nothing that a report says can ask for anything, wherever it is opened. */
const NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'";

/** As core quotes them: `Seen: "..." (Auth/authenticate, gRPC code 14).` */
const WORDS_OF_ERRORS = / Seen: "[^"]*" \([^)]*\)\.?/g;

/** One page that needs nothing else: a responder reads on it what was wrong, what was done, what it cost and what is left. */
export function renderPage(report: IncidentReport): string {
  const { cluster, outcome, id } = report;
  const title = `etcd cluster ${cluster || '(unknown)'}: ${outcome}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${NOTHING_ELSE}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>etcd cluster ${cluster || '(unknown)'} <span class="outcome ${toneOf(report)}" data-figure="outcome">${outcome}</span></h1>
<p class="words">${splitAtBefore(report.summary).now}</p>
${facts(report)}
</header>
${section('What to do now', next(report))}
${section('What is lost', loss(report))}
${section('What was wrong', wrong(report))}
${section('What was done', changes(report))}
${section('What fills the store', storeOf(report))}
${section('Old data that is kept', oldData(report))}
${section('Approvals', approvals(report))}
${section('When what ran', timeline(report))}
${plotsOf(report)}
${section('What a drill measured', drill(report))}
${section('Decisions, and what they were made by', decisions(report))}
${section('Commands on hosts', hostCommands(report))}
${section('What this report cannot say', list(report.unknown))}
<footer><p class="faint">Remediation <code>${id}</code>, <code>${report.execution}</code>. Times are UTC.</p></footer>
</main>
</body>
</html>
`;
  return page.text;
}

function toneOf({ outcome, remaining }: IncidentReport): string {
  if (['Planned', 'RUNNING', 'AlreadyInProgress'].includes(outcome)) return 'open';
  return isSuccess({ outcome }) && remaining.length === 0 ? 'good' : 'bad';
}

function isSuccess({ outcome }: Pick<IncidentReport, 'outcome'>): boolean {
  return ['Remediated', 'NothingToDo'].includes(outcome);
}

/** Nothing where there is nothing to say. */
function section(title: string, content: Html): Html {
  return content.text === '' ? NOTHING : html`<section><h2>${title}</h2>${content}</section>`;
}

function facts(report: IncidentReport): Html {
  const { incidents, runbooks, startedAt, endedAt, cost, requestedBy, reason, alarm, remaining, drill } = report;
  const started = [alarm && `alarm ${alarm}`, requestedBy, reason].filter(Boolean).join(', ');
  const rows: [string, Html][] = [
    ['What was wrong', html`${incidents.join(', ') || 'nothing was found'}`],
    ['Runbooks', html`${[...new Set(runbooks.map(({ runbook }) => runbook))].join(', ') || 'none'}`],
    ['Started', moment(startedAt)],
    ['Ended', endedAt === null ? html`not yet` : moment(endedAt)],
    ['Took', measure('durationMs', cost.durationMs, 'ms')],
    ...(drill ? [['Noticed after', measure('detectMs', drill.detectMs, 'ms')] as [string, Html]] : []),
    ['Waited for people', measure('waitedForPeopleMs', cost.waitedForPeopleMs, 'ms')],
    ...(cost.authenticationDisabledMs === null
      ? []
      : [
          ['Authentication disabled', measure('authenticationDisabledMs', cost.authenticationDisabledMs, 'ms')] as [
            string,
            Html,
          ],
        ]),
    ['State transitions', measure('stateTransitions', cost.stateTransitions, 'count')],
    ['Started by', html`${started || 'not given'}`],
    ...(report.backup === null
      ? []
      : [['Newest backup at its start', html`${describeNewest(report.backup)}`] as [string, Html]]),
    ['Still wrong', html`${remaining.join(', ') || (isSuccess(report) ? 'nothing' : 'not known')}`],
  ];
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function next(report: IncidentReport): Html {
  return html`<ol>${report.next.map(
    ({ text, command }) =>
      html`<li><span class="words">${text}</span>${command === '' ? NOTHING : html`<br><code>${command}</code>`}</li>`,
  )}</ol>`;
}

function loss({ loss: { atMostWrites, keptRevision, explanation } }: IncidentReport): Html {
  const bound =
    atMostWrites === null
      ? html`How many writes is unknown.`
      : atMostWrites === 0
        ? html`No acknowledged write.`
        : html`At most ${measure('atMostWrites', atMostWrites, 'count')} acknowledged writes.`;
  const kept = keptRevision === null ? NOTHING : html` Kept up to revision ${keptRevision}.`;
  return html`<div class="box"><p><strong>${bound}</strong>${kept}</p><p class="words">${explanation}</p></div>`;
}

/** What the runbooks have begun with, without the words of errors, which stand in the table of what ran. */
function wrong({ runbooks }: IncidentReport): Html {
  const befores = new Set(runbooks.map(({ summary }) => splitAtBefore(summary).before).filter(Boolean));
  return html`${[...befores].map((before) => html`<p class="words">${before.replace(WORDS_OF_ERRORS, '')}</p>`)}`;
}

function changes({ changes: { done, perhaps }, runbooks }: IncidentReport): Html {
  const nothing = runbooks.every(({ dryRun }) => dryRun)
    ? 'Nothing: nothing was to be changed.'
    : 'Nothing was changed.';
  return html`${runbooks.map(
    ({ runbook, incident, dryRun, outcome, summary }) =>
      html`<p><strong>${runbook}</strong> (${incident}${dryRun ? ', dry run' : ''}): ${outcome}. <span class="words">${splitAtBefore(summary).now}</span></p>`,
  )}${
    done.length + perhaps.length === 0
      ? html`<p>${nothing}</p>`
      : html`<ol>${done.map((change) => html`<li>${change}</li>`)}</ol>`
  }${perhaps.length === 0 ? NOTHING : html`<h3>Begun, and its end is unknown</h3>${list(perhaps)}`}`;
}

function oldData({ oldData: kept }: IncidentReport): Html {
  if (kept.length === 0) return NOTHING;
  return html`<p>Nothing removes it automatically. Once you do not need it any more, remove it with these commands. They cannot be undone.</p>${table(
    'Where it is',
    ['Member', 'Host', 'Path', 'Command, on that host'],
    kept.map(({ member, host, path, removal }) => [
      html`${member}`,
      html`${host || 'see the configuration'}`,
      html`<code>${path}</code>`,
      html`<code>${removal}</code>`,
    ]),
  )}`;
}

function approvals({ approvals: answers }: IncidentReport): Html {
  if (answers.length === 0) return NOTHING;
  return table(
    'Who answered what',
    ['For', 'Answer', 'By', 'Reason', 'When'],
    answers.map(({ incident, decision, by, reason, at }) => [
      html`${incident}`,
      html`${decision}`,
      html`${by || 'nobody'}`,
      html`${reason}`,
      moment(at),
    ]),
  );
}

function timeline({ timeline: entries, startedAt }: IncidentReport): Html {
  if (entries.length === 0) return NOTHING;
  const begin = Date.parse(startedAt);
  return table(
    'Each state that took time, in order',
    ['After', 'For', 'What', 'Runbook', 'Members', 'What it found or did'],
    entries.map(({ state, runbook, kind, startedAt: from, endedAt, members, attempts, retriedFor, error, summary }) => [
      // The clock of a start may be a moment late.
      measure('after', Math.max(0, Date.parse(from) - begin), 'ms'),
      endedAt === null ? html`not ended` : measure('for', Date.parse(endedAt) - Date.parse(from), 'ms'),
      html`${state} <span class="faint">(${KIND_NAMES[kind]})</span>`,
      html`${runbook}`,
      html`${members.join(', ')}`,
      html`${error === '' ? NOTHING : html`<strong class="bad">${error}.</strong> `}<span class="words">${summary}</span>${
        attempts > 1 ? html` <span class="faint">${retries(attempts, retriedFor)}</span>` : NOTHING
      }`,
    ]),
  );
}

function retries(attempts: number, retriedFor: readonly string[]): string {
  const names = [...new Set(retriedFor)].join(', ');
  return `Tried ${attempts} times${names && ` (${names})`}.`;
}

function drill({ drill: measured }: IncidentReport): Html {
  if (!measured) return NOTHING;
  const { scenario, etcd, ackedWrites, lostWrites, maxWriteStallMs, maxSilenceMs, checks } = measured;
  return html`<p>The drill <strong>${scenario}</strong> on etcd ${etcd}. ${measure('ackedWrites', ackedWrites, 'count')} writes were acknowledged; ${
    lostWrites === null ? 'they could not be read back' : html`${measure('lostWrites', lostWrites, 'count')} are lost`
  }. Longest time between two accepted writes: ${measure('maxWriteStallMs', maxWriteStallMs, 'ms')}; between two answers of any kind: ${measure(
    'maxSilenceMs',
    maxSilenceMs,
    'ms',
  )}.</p>${table(
    'What had to be true at its end',
    ['Check', 'Holds', 'Detail'],
    checks.map(({ name, ok, detail }) => [
      html`${name}`,
      ok ? html`<span class="good">yes</span>` : html`<strong class="bad">no</strong>`,
      html`${detail}`,
    ]),
  )}`;
}

function decisions({ decisions: made }: IncidentReport): Html {
  if (made.length === 0) return NOTHING;
  return table(
    'In order',
    ['When', 'Step', 'Decision', 'Why'],
    made.map(({ at, runbook, step, decision, summary, evidence }) => [
      moment(at),
      html`${step} <span class="faint">${runbook}</span>`,
      html`${decision}`,
      html`<span class="words">${summary}</span>${evidence.length === 0 ? NOTHING : list(evidence)}`,
    ]),
  );
}

function hostCommands({ hostCommands: ends }: IncidentReport): Html {
  if (ends.length === 0) return NOTHING;
  return table(
    'How each ended',
    ['When', 'Command', 'Host', 'Member', 'End'],
    ends.map(({ startedAt, command, host, member, end, problem }) => [
      moment(startedAt),
      html`<code>${command}</code>`,
      html`${host}`,
      html`${member}`,
      end === 'done'
        ? html`done`
        : html`<strong class="bad">${sentence(end)}</strong> <span class="words">${problem}</span>`,
    ]),
  );
}

function list(lines: readonly string[]): Html {
  return lines.length === 0 ? NOTHING : html`<ul>${lines.map((line) => html`<li class="words">${line}</li>`)}</ul>`;
}
