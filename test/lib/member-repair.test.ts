import { expect, it } from 'vitest';
import { assessDataInput, type DataAssessment, disarmCorruptionInput } from '../../core/member-repair/contracts.ts';
import { moveLeadershipInput } from '../../core/space-reclaim/contracts.ts';
import { type Executed, execute, failure } from './execute.ts';
import {
  ANSWERS,
  assessmentOf,
  CLUSTER,
  callsOf,
  FINISH,
  INPUTS,
  LOADED,
  PARAMETERS,
  PLANNED_CLUSTER,
  replaceOf,
} from './replacement-scene.ts';
import { definitionOf, FLEET, synthesizeStacks } from './stacks.ts';
import { requireContract } from './step-contracts.ts';

/** Executions of the runbook for data that differ, with steps that answer as the real ones do. */

const definition = definitionOf(synthesizeStacks(FLEET), 'etcd-remediation-member-repair');
const COMPARE = 'Compare the data of all voters';
const LOADED_HERE = { ...LOADED, incident: 'data-corrupt', member: undefined };
const RAISED = [{ memberId: 'a3', alarm: 'CORRUPT' }];
const CONDEMNED = [{ member: 'node3', id: 'a3', problem: 'holds other data.' }];
const MOVE = { action: 'MoveLeadership', member: 'node3', transferee: 'node1' };

function dataOf(verdict: DataAssessment['verdict'], more: Partial<DataAssessment> = {}): DataAssessment {
  return {
    ...assessmentOf(['node3']),
    verdict,
    condemned: CONDEMNED,
    compared: { revision: '9', compactRevision: '1', hashes: [] },
    alarms: RAISED,
    stepsBefore: ['node3 differs'],
    stepsAfter: ['disarm CORRUPT'],
    differences: [{ member: 'node3', sameAt: '4', differentAt: '5' }],
    ...more,
  };
}
const LEFT_OVER = dataOf('Disarm', { condemned: [], readings: { targets: [], equal: 3, total: 3 }, differences: [] });

async function repair(answers: Record<string, unknown> = {}): Promise<Executed> {
  const executed = await execute(definition, {
    input: { cluster: 'orders' },
    answers: {
      ...ANSWERS,
      'Load cluster': LOADED_HERE,
      [COMPARE]: dataOf('Replace'),
      'Choose next change': [MOVE, ...replaceOf('node3'), FINISH],
      'Move leadership': { from: 'node3', to: 'node1' },
      'Compare and disarm': { disarmed: RAISED, revision: '9' },
      ...answers,
    },
  });
  const inputs = {
    ...INPUTS,
    [COMPARE]: assessDataInput,
    'Move leadership': moveLeadershipInput,
    'Compare and disarm': disarmCorruptionInput,
  };
  for (const call of executed.calls) requireContract(call, inputs);
  return executed;
}

function tasksOf({ calls }: Executed): string[] {
  return calls.map(({ step }) => step);
}

it('moves leadership, replaces, compares, disarms, and proves it, in this order', async () => {
  const executed = await repair();
  expect(tasksOf(executed).filter((step) => step !== 'Choose next change')).toEqual([
    ...['Load cluster', COMPARE, 'Inspect hosts', 'Plan replacement', 'Move leadership'],
    ...['Stop service', 'Remove member', 'Move data aside', 'Add member', 'Write membership and start'],
    ...['Wait for member', 'Promote member', 'Compare and disarm', 'Prove writes on every member', 'Compare hashes'],
  ]);
  expect(executed.ended).toMatchObject({
    status: 'SUCCEEDED',
    output: {
      outcome: 'Remediated',
      incident: 'data-corrupt',
      runbook: 'member-repair',
      summary:
        'All voters hold the same data at revision 9, and every one took a write. Replaced: node3. CORRUPT is disarmed. Before: node3 failed.',
      plan: ['node3 differs', 'replace node3', 'disarm CORRUPT'],
      differences: [{ member: 'node3', sameAt: '4', differentAt: '5' }],
      disarmed: RAISED,
      archived: [{ member: 'node3' }],
    },
  });
  for (const state of ['Plan replacement', 'Choose next change', 'Remove member']) {
    expect(callsOf(executed, state)[0]).toMatchObject({ condemned: CONDEMNED });
  }
  expect(callsOf(executed, 'Move leadership')).toEqual([
    { cluster: PLANNED_CLUSTER, member: 'node3', transferee: 'node1' },
  ]);
});

it('looks again until it is sure, and changes nothing where nobody differs', async () => {
  const { visited, ended, waitsMs, calls } = await repair({
    [COMPARE]: [dataOf('Confirm'), dataOf('NothingToDo', { summary: 'All the same.' })],
  });
  expect(visited).toEqual([
    ...['Load cluster', COMPARE, 'Do data differ?', 'Wait before the next reading'],
    ...[COMPARE, 'Do data differ?', 'Nothing to do'],
  ]);
  expect(waitsMs).toEqual([15_000]);
  expect(calls[1]?.input).toEqual({
    cluster: CLUSTER,
    parameters: PARAMETERS,
    readings: { targets: [], equal: 0, total: 0 },
  });
  expect(ended).toMatchObject({ output: { outcome: 'NothingToDo', summary: 'All the same.' } });
});

it('ends a dry run with the whole plan', async () => {
  const { ended, calls } = await repair({ 'Load cluster': { ...LOADED_HERE, dryRun: true } });
  expect(calls.map(({ step }) => step)).toEqual(['Load cluster', COMPARE, 'Inspect hosts', 'Plan replacement']);
  expect(ended).toMatchObject({
    output: {
      outcome: 'Planned',
      targets: ['node3'],
      removeIds: ['a3'],
      plan: ['node3 differs', 'replace node3', 'disarm CORRUPT'],
    },
  });
});

it('only disarms what is left over, and plans no more than that', async () => {
  const only = { [COMPARE]: { ...LEFT_OVER, stepsBefore: [] } };
  const planned = await repair({ ...only, 'Load cluster': { ...LOADED_HERE, dryRun: true } });
  expect(planned.ended).toMatchObject({
    output: { outcome: 'Planned', targets: [], removeIds: [], plan: ['disarm CORRUPT'] },
  });
  const executed = await repair(only);
  expect(tasksOf(executed)).toEqual([
    ...['Load cluster', COMPARE, 'Compare and disarm', 'Prove writes on every member', 'Compare hashes'],
  ]);
  expect(executed.ended).toMatchObject({ output: { outcome: 'Remediated', archived: [], disarmed: RAISED } });
});

it('says what was changed where it cannot go on, and starts what it has stopped', async () => {
  const broken = failure('UnsafeToProceed', 'node2 differs.');
  const early = await repair({ [COMPARE]: broken });
  expect(early.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed', cause: 'node2 differs.' });
  const [stop] = replaceOf('node3');
  const stopped = await repair({ 'Choose next change': [MOVE, stop, broken] });
  expect(tasksOf(stopped).at(-1)).toBe('Start services again');
  expect(callsOf(stopped, 'Explain what was changed')).toMatchObject([
    { changes: [MOVE, { action: 'StopService', member: 'node3' }] },
  ]);
  const late = await repair({ 'Prove writes on every member': broken, [COMPARE]: LEFT_OVER });
  expect(callsOf(late, 'Explain what was changed')).toMatchObject([
    { targets: [], changes: [{ action: 'DisarmAlarm', member: 'a3' }] },
  ]);
});
