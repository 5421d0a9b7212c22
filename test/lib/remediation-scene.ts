import type { Cluster } from '../../core/cluster/clusters.ts';
import { type Condition, type Diagnosis, diagnoseClusterInput } from '../../core/diagnosis/diagnosis.ts';
import { chooseRunbook } from '../../core/remediation/choose-runbook.ts';
import { parseStart } from '../../core/remediation/remediation.ts';
import { chooseRunbookInput, loadRemediationInput } from '../../core/remediation/remediation-steps.ts';
import { executionInputSchemas, type Incident, RUNBOOKS } from '../../core/runbooks.ts';
import { executionArn, stateMachineArn } from '../../local/asl/arn.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { EPOCH } from '../local/asl/harness.ts';
import { type Executed, execute, failure } from './execute.ts';
import { type Item, LockTable } from './lock-table.ts';
import { CLUSTER } from './replacement-scene.ts';
import { definitionOf, ENTRY, FLEET, RELEASE, synthesizeStacks } from './stacks.ts';

/** Executions of the entry workflow, and of what gives a lock back: what is chosen is chosen by the real decision. */

const stacks = synthesizeStacks(FLEET);
const DEFINITION = definitionOf(stacks, ENTRY);
export const RELEASE_DEFINITION = definitionOf(stacks, RELEASE);

export const INPUT = { cluster: 'orders', reason: 'INC-1', requestedBy: 'ann' };
export const ME = executionArn(ENTRY, 'run-1');
export const OTHER = executionArn(ENTRY, 'other');
export const STARTED_AT = new Date(EPOCH).toISOString();

export function diagnosisOf(incident: Condition | 'healthy', ...others: Condition[]): Diagnosis {
  const summary = `${[incident, ...others].join(' and ')} was seen.`;
  return { incident, summary, others, members: [], hosts: [], warnings: [] };
}

/** A lock as an execution has put it. */
export function lockOf(owner: string, more: Item = {}): Item {
  return {
    cluster: { S: 'orders' },
    id: { S: 'lock' },
    owner: { S: owner },
    remediation: { S: owner.split(':').at(-1) ?? '' },
    startedAt: { S: '2024-12-31T23:00:00.000Z' },
    // An hour from now.
    expiresAt: { N: String(EPOCH / 1000 + 3600) },
    ...more,
  };
}

export function tableWith(...items: Item[]): LockTable {
  const table = new LockTable();
  for (const item of items) table.put(item);
  return table;
}

export function nestedArn(incident: Incident): string {
  return executionArn(RUNBOOKS[incident].stateMachineName, 'nested');
}

/** How `.sync:2` tells that an execution has not succeeded. */
export function ended(incident: Incident, Status: string, more: Record<string, string> = {}): ExecutionError {
  const described = {
    ExecutionArn: nestedArn(incident),
    // A reason that reads like an error is none.
    Input: JSON.stringify({ cluster: 'orders', reason: '"Error":"Invented"' }),
    Name: 'nested',
    StateMachineArn: stateMachineArn(RUNBOOKS[incident].stateMachineName),
    Status,
    ...more,
  };
  return new ExecutionError('States.TaskFailed', JSON.stringify(described));
}

/** A runbook that says first what it would do. */
function runbook(name: string) {
  return (input: JsonValue) =>
    Object(input).dryRun
      ? {
          outcome: 'Planned',
          runbook: name,
          steps: ['look', 'act'],
          targets: ['node3'],
          removeIds: ['a3'],
          winner: { revision: '4029' },
          leftOut: [],
        }
      : { outcome: 'Remediated', runbook: name };
}

/** A step as it is: what it throws is what Step Functions gets. */
function step<Result>(run: (event: JsonValue) => Result) {
  return (event: JsonValue) => {
    try {
      return run(event);
    } catch (error) {
      return failure((error as Error).name, (error as Error).message);
    }
  };
}

interface Scene {
  input?: JsonValue;
  /** What each look at the cluster finds. */
  found?: Diagnosis[];
  policy?: Cluster['policy'];
  answers?: Record<string, unknown>;
  table?: LockTable;
  name?: string;
}

export interface Remediated extends Executed {
  table: LockTable;
}

/** Remediates what is found, and every input of a step is held against its contract; what `answers` say is different. */
export async function remediate(scene: Scene = {}): Promise<Remediated> {
  const { input = INPUT, found = [diagnosisOf('healthy')], policy, answers = {}, table = new LockTable() } = scene;
  const executed = await execute(DEFINITION, {
    stateMachineName: ENTRY,
    name: scene.name ?? 'run-1',
    input,
    table,
    topics: stacks.topics,
    answers: {
      'Load cluster': step((event) => ({
        cluster: { ...CLUSTER, ...(policy && { policy }) },
        ...parseStart(loadRemediationInput.parse(event).input),
      })),
      'Diagnose cluster': found,
      'Choose runbook': step((event) => chooseRunbook(chooseRunbookInput.parse(event))),
      ...Object.fromEntries(Object.values(RUNBOOKS).map(({ runbook: name }) => [`Run ${name}`, runbook(name)])),
      ...answers,
    },
  });
  for (const { step, input } of executed.calls) {
    if (step === 'Diagnose cluster') diagnoseClusterInput.parse(input);
    if (step.startsWith('Run ')) {
      executionInputSchemas[Object(input).incident as Incident].parse(input);
    }
  }
  return { ...executed, table };
}

/** The runbooks that it has run, and which of them dry. */
export function runsOf({ calls }: Executed): string[] {
  return calls.flatMap(({ step, input }) =>
    step.startsWith('Run ') ? [`${step}${Object(input).dryRun ? ' dry' : ''}`] : [],
  );
}

/** What Step Functions tells EventBridge of an execution that has ended. */
export function eventOf(status: string, more: Record<string, JsonValue> = {}) {
  return {
    detail: {
      executionArn: ME,
      status,
      input: '{"cluster":"orders","reason":"INC-1"}',
      error: null,
      cause: null,
      ...more,
    },
  };
}

export async function release(
  event: JsonValue,
  { table = new LockTable(), answers = {} }: Pick<Scene, 'table' | 'answers'> = {},
): Promise<Remediated> {
  const executed = await execute(RELEASE_DEFINITION, {
    stateMachineName: RELEASE,
    name: 'release-1',
    input: event,
    table,
    topics: stacks.topics,
    answers,
  });
  return { ...executed, table };
}

/** A record's fields, with its report parsed. */
export function recordsOf(table: LockTable): Record<string, unknown>[] {
  return table.records.map((item) =>
    Object.fromEntries(
      Object.entries(item).map(([name, value]) => {
        const text = Object.values(value)[0];
        return [name, name === 'report' ? JSON.parse(text) : text];
      }),
    ),
  );
}
