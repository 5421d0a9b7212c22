import { mayBeOpen } from '../core/auth-token-reset/runbook.ts';
import { newestBackupSchema } from '../core/backups/newest.ts';
import { CONDITIONS, type Condition } from '../core/diagnosis/diagnosis.ts';
import { changesSoFar } from '../core/remediation/changes-so-far.ts';
import { standingSoFar } from '../core/remediation/standing-so-far.ts';
import { type Fields, fieldsOf } from '../core/runbook/step-run.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import type { StoreAnalysis } from '../core/space-reclaim/store-analysis.ts';
import { withoutAccess } from '../core/text/redaction.ts';
import { decisionsIn } from './decisions.ts';
import { hostEndsIn, oldDataIn } from './host-ends.ts';
import type { DrillMeasures, IncidentReport, TimelineEntry } from './incident-report.ts';
import { lossOf } from './loss.ts';
import { type Commands, nextSteps, warningsIn } from './next-steps.ts';
import { raftIn, sizesIn } from './readings.ts';
import type { RecordedExecution } from './recorded.ts';
import { type StateRun, stateRunsIn, variablesIn } from './state-runs.ts';
import { countStateTransitions } from './state-transitions.ts';
import { timelineOf } from './timeline.ts';

export interface Recorded {
  /** The execution of the entry workflow; undefined where a runbook was started by itself. */
  entry?: RecordedExecution;
  /** The runbooks' executions, in order: those of the entry workflow, or those that were started by themselves. */
  runbooks: readonly RecordedExecution[];
  /** What a drill has measured. */
  drill?: DrillMeasures;
  /** Undefined where the cluster is gone, as after a drill. */
  commands?: Commands;
  now: Date;
}

interface ExecutionFacts {
  execution: RecordedExecution;
  runbook: string;
  incident: string;
  dryRun: boolean;
  runs: StateRun[];
  output: Fields | undefined;
}

/** The report of a remediation, from what Step Functions keeps of it. @throws Error where nothing was recorded */
export function makeReport({ entry, runbooks: executions, drill, commands, now }: Recorded): IncidentReport {
  const top = entry ?? executions.at(-1);
  const first = entry ?? executions[0];
  if (!top || !first) throw new Error('Nothing was recorded of it.');
  const facts = executions.map(factsOf);
  const variables = entry ? variablesIn(entry.events) : {};
  const request = { ...fieldsOf(top.input), ...fieldsOf(variables.request) } as Fields;
  const output = top.end.status === 'SUCCEEDED' ? fieldsOf(top.end.output) : undefined;
  const diagnosis = output?.diagnosis ?? variables.diagnosis;
  const entryRuns = entry ? stateRunsIn(entry.events) : [];
  const runs = [...entryRuns, ...facts.flatMap((each) => each.runs)];
  const acted = facts.filter(({ dryRun }) => !dryRun);
  const outputs = facts.flatMap((each) => (each.output ? [each.output] : []));
  const cluster = textOf(request.cluster) || textOf(fieldsOf(variables.cluster).name) || textOf(output?.cluster);
  const remaining = textsOf(output?.remaining);
  // What a dry run tells is what another execution has moved aside; one that acted tells it too.
  const archives = Object.assign({}, ...outputs.map((each) => fieldsOf(each.archives)));
  const oldData = oldDataIn(
    acted.flatMap((each) => each.runs),
    archives,
  );
  const outcome = outcomeOf(top, output);
  const failed = acted.at(-1);
  const standing =
    failed && failed.execution.end.status !== 'SUCCEEDED' && failed.execution.end.status !== 'RUNNING'
      ? standingSoFar({
          runbook: failed.runbook,
          runs: failed.runs.filter(({ step }) => step !== ''),
          variables: variablesIn(failed.execution.events),
        })
      : '';
  const timeline = inOrder(entryRuns, facts);
  const report: IncidentReport = {
    version: 1,
    id: first.name,
    execution: first.arn,
    cluster,
    incidents: incidentsOf(facts, diagnosis),
    outcome,
    summary: summaryOf(top, output),
    requestedBy: textOf(request.requestedBy),
    reason: textOf(request.reason),
    alarm: textOf(fieldsOf(top.input).alarm),
    startedAt: first.startedAt.toISOString(),
    endedAt: top.endedAt?.toISOString() ?? null,
    cost: {
      durationMs: (top.endedAt ?? now).getTime() - first.startedAt.getTime(),
      waitedForPeopleMs: waitedIn(timeline, now),
      stateTransitions: [...(entry ? [entry] : []), ...executions].reduce(
        (sum, { events }) => sum + countStateTransitions(events),
        0,
      ),
      authenticationDisabledMs: authenticationWindowIn(outputs),
    },
    runbooks: facts.map(({ execution, runbook, incident, dryRun, output: own }) => ({
      ...{ runbook, incident, execution: execution.arn, dryRun },
      startedAt: execution.startedAt.toISOString(),
      endedAt: execution.endedAt?.toISOString() ?? null,
      outcome: outcomeOf(execution, own),
      summary: summaryOf(execution, own),
    })),
    timeline,
    sizes: inTime(sizesIn(runs)),
    store: storeIn(outputs),
    raft: inTime(raftIn(runs)),
    decisions: inTime([
      ...decisionsIn(entryRuns, ''),
      ...facts.flatMap((each) => decisionsIn(each.runs, each.runbook)),
    ]),
    changes: changesSoFar(acted.flatMap((each) => each.runs.filter(({ step }) => step !== ''))),
    hostCommands: hostEndsIn(runs),
    approvals: (output?.approvals ?? variables.approvals ?? []) as IncidentReport['approvals'],
    oldData,
    loss: lossOf(facts),
    backup: backupIn(entryRuns),
    remaining,
    next: nextSteps(
      {
        ...{ cluster, outcome, status: top.end.status, remaining, oldData, standing },
        outputs: outputs.slice(-1),
        warnings: warningsIn(diagnosis),
      },
      commands,
    ),
    drill: drill ?? null,
    unknown: [],
  };
  const missing = entryRuns.flatMap(({ startedExecution: arn }) =>
    arn === '' || executions.some((each) => each.arn === arn) ? [] : [arn],
  );
  return scrubbed({ ...report, unknown: unknownIn(report, missing, acted) });
}

function factsOf(execution: RecordedExecution): ExecutionFacts {
  const declared = Object.values(RUNBOOKS).find(({ stateMachineName }) =>
    // With a prefix the name of a deployed state machine begins with that.
    execution.stateMachineName.endsWith(stateMachineName),
  );
  const { end } = execution;
  return {
    execution,
    runbook: declared?.runbook ?? execution.stateMachineName,
    incident: declared?.incident ?? '',
    dryRun: fieldsOf(execution.input).dryRun === true,
    runs: stateRunsIn(execution.events),
    output: end.status === 'SUCCEEDED' ? fieldsOf(end.output) : undefined,
  };
}

/** Each runbook's states behind the one that has started it. */
function inOrder(entryRuns: readonly StateRun[], facts: readonly ExecutionFacts[]): TimelineEntry[] {
  const unplaced = new Set(facts);
  const placed = entryRuns.flatMap((run) => {
    const nested = facts.find(({ execution }) => execution.arn === run.startedExecution);
    if (nested) unplaced.delete(nested);
    return [...timelineOf([run], ''), ...(nested ? timelineOf(nested.runs, nested.runbook) : [])];
  });
  return [...placed, ...[...unplaced].flatMap(({ runs, runbook }) => timelineOf(runs, runbook))];
}

function outcomeOf({ end }: RecordedExecution, output: Fields | undefined): string {
  if (end.status === 'SUCCEEDED') return textOf(output?.outcome) || end.status;
  return end.status === 'FAILED' ? end.error || end.status : end.status;
}

function summaryOf({ end }: RecordedExecution, output: Fields | undefined): string {
  if (end.status === 'SUCCEEDED') return textOf(output?.summary);
  if (end.status === 'RUNNING') return 'It still runs.';
  return end.cause || end.error;
}

/** As the first diagnosis saw it: what is made later would not have been there. */
function backupIn(runs: readonly StateRun[]): IncidentReport['backup'] {
  const diagnosed = runs.find(({ step, output }) => step === 'diagnose-cluster' && output !== undefined);
  const { success, data } = newestBackupSchema.safeParse(fieldsOf(diagnosed?.output).backup);
  return success ? data : null;
}

/** Without a runbook, what the diagnosis found. */
function incidentsOf(facts: readonly ExecutionFacts[], diagnosis: unknown): Condition[] {
  const found = facts.length > 0 ? facts.map(({ incident }) => incident) : [textOf(fieldsOf(diagnosis).incident)];
  return CONDITIONS.filter((condition) => found.includes(condition)).toSorted(
    (one, other) => found.indexOf(one) - found.indexOf(other),
  );
}

function waitedIn(timeline: readonly TimelineEntry[], now: Date): number {
  return timeline
    .filter(({ kind }) => kind === 'approval')
    .reduce(
      (sum, { startedAt, endedAt }) => sum + (Date.parse(endedAt ?? now.toISOString()) - Date.parse(startedAt)),
      0,
    );
}

function authenticationWindowIn(outputs: readonly Fields[]): number | null {
  const windows = outputs.map(({ window }) => fieldsOf(window).ms).filter((ms) => typeof ms === 'number');
  return windows.length === 0 ? null : windows.reduce((sum, ms) => sum + ms, 0);
}

function unknownIn(report: IncidentReport, missing: readonly string[], acted: readonly ExecutionFacts[]): string[] {
  const unheard = report.hostCommands.filter(({ end }) => end === 'unknown');
  const readOnce = Object.values(Object.groupBy(report.sizes, ({ member }) => member)).every(
    (each) => each?.length === 1,
  );
  return [
    ...(report.drill === null
      ? [
          'How long the cluster was ill before: this report begins with the start of the remediation.',
          'Whether clients could write meanwhile: only a drill measures that.',
        ]
      : []),
    ...(report.sizes.length === 0
      ? ['The sizes of the databases: no step of this remediation reads them.']
      : readOnce
        ? ['How the sizes of the databases changed: each was read once.']
        : []),
    ...(report.raft.length === 0 ? ['The raft indexes of the members: no step of this remediation reads them.'] : []),
    ...unheard.map(({ command, member, host }) => `How ${command} ended on ${host} (${member}): no answer came back.`),
    ...missing.map((arn) => `What the execution ${arn} did, step by step: its history could not be read.`),
    ...(acted.some(
      ({ runbook, runs }) => runbook === 'auth-token-reset' && mayBeOpen(runs.filter(({ step }) => step !== '')),
    )
      ? ['Whether authentication is enabled: it was to be disabled and enabled again, and no answer came back.']
      : []),
    ...(report.endedAt === null ? ['How it ends: it still runs.'] : []),
  ];
}

/** Of the last reclaim that has counted it. */
function storeIn(outputs: readonly Fields[]): StoreAnalysis | null {
  return (outputs.findLast(({ store }) => store)?.store ?? null) as StoreAnalysis | null;
}

function inTime<Entry extends { at: string }>(entries: Entry[]): Entry[] {
  return entries.toSorted((one, other) => one.at.localeCompare(other.at));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Messages of hosts and of etcd go into it as they are: nothing in them may let their reader in. */
function scrubbed<Value>(value: Value): Value {
  if (typeof value === 'string') return withoutAccess(value) as Value;
  if (Array.isArray(value)) return value.map(scrubbed) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, scrubbed(field)])) as Value;
}
