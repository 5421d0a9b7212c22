import { describe, expect, it } from 'vitest';
import { failure, RUNNING } from './execute.ts';
import { CLUSTER, callsOf, hostOf, INSPECTION, SERVICE } from './replacement-scene.ts';
import {
  ALL_INVALID,
  assessmentOf,
  CURED,
  cure,
  ENABLE,
  FINISH,
  LEFT_OPEN,
  LOADED,
  membersOf,
  NOTHING_TO_DO,
  PARAMETERS,
  planOf,
  REPORTED,
  REPORTED_WINDOW,
  RESTARTED_ONLY,
  readingsOf,
  reportOf,
  restartOf,
  TOGGLE,
  VERIFIED,
  waitFor,
} from './token-scene.ts';

const CHOOSE = ['Choose next token action', 'What comes next?'];
const ASSESS = ['Assess tokens', 'Does a member reject tokens?'];
const UNTIL_PLANNED = [
  ...['Load cluster', ...ASSESS, 'Inspect hosts', 'Plan token reset', 'Is it confirmed?', 'Is this a dry run?'],
];
const PROVE = ['Verify tokens', 'Prove writes on every member', 'Tokens are taken'];

/** What a step that chooses was told each time, of what has come about so far. */
function toldTo(executed: Awaited<ReturnType<typeof cure>>, step: string) {
  return callsOf(executed, step).map((input) => {
    const { done, waits, turn } = Object(input);
    return { done, waits, turn };
  });
}

describe('a cure', () => {
  it('by a restart: inspects, plans, restarts, looks again, and proves the result', async () => {
    const executed = await cure();
    expect(executed.visited).toEqual([
      ...UNTIL_PLANNED,
      ...[...CHOOSE, 'Restart service', 'Did the restart fail?'],
      ...[...CHOOSE, ...PROVE],
    ]);
    expect(executed.waitsMs).toEqual([]);
    expect(toldTo(executed, 'Choose next token action')).toEqual([
      { done: [], waits: 0, turn: 0 },
      { done: ['RestartService node3'], waits: 0, turn: 1 },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      ...CURED,
      done: ['RestartService node3'],
      window: null,
      tokens: RESTARTED_ONLY,
    });
    expect(executed.pages).toEqual([]);
  });

  it('looks at the hosts after the first reading, where what stands against it is told at once, and not again', async () => {
    const reading = (count: number) =>
      assessmentOf(['node3'], { verdict: 'Confirm', readings: readingsOf(['node3'], count) });
    const confirmed = await cure({ 'Assess tokens': [reading(1), reading(2), assessmentOf(['node3'])] });
    const wait = 'Wait before the next reading';
    expect(confirmed.visited.slice(0, 13)).toEqual([
      ...['Load cluster', ...ASSESS, 'Inspect hosts', 'Plan token reset', 'Is it confirmed?', wait],
      ...[...ASSESS, wait],
      ...[...ASSESS, 'Plan token reset'],
    ]);
    expect(callsOf(confirmed, 'Inspect hosts')).toHaveLength(1);
    expect(confirmed.ended).toMatchObject({ status: 'SUCCEEDED' });
    const refused = await cure({
      'Assess tokens': reading(1),
      'Plan token reset': failure('PreconditionFailed', 'Not every member that rejects tokens can be cured.'),
    });
    expect(refused.ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(refused.waitsMs).toEqual([]);
  });

  it('by a toggle: disables and enables in one step, and tells for how long', async () => {
    const executed = await cure({ 'Plan token reset': planOf([]), 'Choose next token action': [TOGGLE, FINISH] });
    expect(executed.visited).toEqual([
      ...UNTIL_PLANNED,
      ...[...CHOOSE, 'Toggle authentication'],
      ...[...CHOOSE, ...PROVE],
    ]);
    expect(toldTo(executed, 'Toggle authentication')).toEqual([{ done: [], waits: 0, turn: 1 }]);
    expect(toldTo(executed, 'Choose next token action')[1]).toEqual({
      done: ['ToggleAuthentication'],
      waits: 0,
      turn: 1,
    });
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      ...CURED,
      ladder: planOf([]).ladder,
      done: ['ToggleAuthentication'],
      window: REPORTED_WINDOW,
      tokens: ALL_INVALID,
    });
  });

  it('by both, where a restart did not help', async () => {
    const executed = await cure({ 'Choose next token action': [restartOf('node3'), TOGGLE, FINISH] });
    expect(toldTo(executed, 'Choose next token action')).toEqual([
      { done: [], waits: 0, turn: 0 },
      { done: ['RestartService node3'], waits: 0, turn: 1 },
      { done: ['RestartService node3', 'ToggleAuthentication'], waits: 0, turn: 2 },
    ]);
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Remediated',
      done: ['RestartService node3', 'ToggleAuthentication'],
      tokens: ALL_INVALID,
    });
  });

  it('of two members restarts one after the other, each once', async () => {
    const executed = await cure({
      'Assess tokens': assessmentOf(['node2', 'node3']),
      'Plan token reset': planOf(['node2', 'node3']),
      'Choose next token action': [restartOf('node2'), restartOf('node3'), FINISH],
    });
    expect(callsOf(executed, 'Restart service')).toMatchObject([{ host: hostOf('node2') }, { host: hostOf('node3') }]);
    expect(callsOf(executed, 'Plan token reset')).toMatchObject([
      { rejecting: ['node2', 'node3'], inspections: [reportOf('node2'), reportOf('node3')] },
    ]);
    expect(callsOf(executed, 'Choose next token action')[0]).toMatchObject({ restartable: ['node2', 'node3'] });
    expect(Object(executed.ended).output).toMatchObject({ done: ['RestartService node2', 'RestartService node3'] });
  });

  it('gives each step what it needs', async () => {
    const executed = await cure({ 'Choose next token action': [restartOf('node3'), TOGGLE, FINISH] });
    const request = { cluster: CLUSTER, parameters: PARAMETERS };
    expect(callsOf(executed, 'Load cluster')).toEqual([
      { incident: 'auth-token-invalid', execution: 'run-1', input: { cluster: 'orders' } },
    ]);
    expect(callsOf(executed, 'Assess tokens')).toEqual([{ ...request, readings: readingsOf([], 0) }]);
    const sent = { execution: 'run-1', attempt: 0, member: 'node3', host: hostOf('node3') };
    expect(callsOf(executed, 'Inspect hosts')).toMatchObject([
      { ...sent, command: 'inspect-host', parameters: INSPECTION },
    ]);
    expect(callsOf(executed, 'Plan token reset')).toEqual([
      { ...request, rejecting: ['node3'], inspections: [reportOf('node3')] },
    ]);
    const work = {
      ...request,
      rejecting: ['node3'],
      restartable: ['node3'],
      mayToggle: true,
      waits: 0,
      execution: 'run-1',
    };
    expect(callsOf(executed, 'Choose next token action')[0]).toEqual({ ...work, done: [], turn: 0 });
    expect(callsOf(executed, 'Toggle authentication')).toEqual([{ ...work, done: ['RestartService node3'], turn: 2 }]);
    expect(callsOf(executed, 'Restart service')).toMatchObject([
      { ...sent, command: 'control-service', parameters: restartOf('node3').parameters },
    ]);
    expect(callsOf(executed, 'Verify tokens')).toEqual([{ cluster: CLUSTER, execution: 'run-1' }]);
    expect(callsOf(executed, 'Prove writes on every member')).toEqual([
      { cluster: CLUSTER, members: VERIFIED.healthy, execution: 'run-1' },
    ]);
  });

  it('proves writes only on the members that are healthy, and reports what is still wrong', async () => {
    const executed = await cure({ 'Verify tokens': { ...VERIFIED, healthy: ['node1'], remaining: ['member-failed'] } });
    expect(callsOf(executed, 'Prove writes on every member')).toMatchObject([{ members: ['node1'] }]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated', remaining: ['member-failed'] });
  });

  it('goes on without a host that cannot be looked at, and leaves it to the plan what that means', async () => {
    const executed = await cure({
      'Inspect hosts': failure('HostCommandFailed', 'There is no such unit.'),
      'Plan token reset': planOf([]),
      'Choose next token action': [TOGGLE, FINISH],
    });
    expect(callsOf(executed, 'Plan token reset')).toMatchObject([
      {
        inspections: [{ member: 'node3', result: null, error: 'HostCommandFailed', problem: 'There is no such unit.' }],
      },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it('goes on without hosts, where the configuration names none', async () => {
    const executed = await cure({
      'Assess tokens': assessmentOf(['node3'], { inspections: [] }),
      'Plan token reset': planOf([]),
      'Choose next token action': [TOGGLE, FINISH],
    });
    expect(callsOf(executed, 'Inspect hosts')).toEqual([]);
    expect(callsOf(executed, 'Plan token reset')).toMatchObject([{ rejecting: ['node3'], inspections: [] }]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it.each([
    ['Toggle', TOGGLE],
    ['Enable', ENABLE],
  ])('chooses again, and writes nothing down, when it was not the next thing to do any more (%s)', async (_, next) => {
    const executed = await cure({
      'Choose next token action': [next, FINISH],
      'Toggle authentication': { toggled: false, window: null },
    });
    expect(toldTo(executed, 'Choose next token action')[1]).toEqual({ done: [], waits: 0, turn: 1 });
    expect(Object(executed.ended).output).toMatchObject({ done: [], window: null, tokens: RESTARTED_ONLY });
  });
});

describe('a restarted member', () => {
  it('is waited for, five seconds at a time, and the waits are counted until the next restart', async () => {
    const executed = await cure({
      'Assess tokens': assessmentOf(['node2', 'node3']),
      'Plan token reset': planOf(['node2', 'node3']),
      'Choose next token action': [
        ...[restartOf('node2'), waitFor('node2'), waitFor('node2')],
        ...[restartOf('node3'), waitFor('node3'), FINISH],
      ],
    });
    expect(toldTo(executed, 'Choose next token action').map(({ waits, turn }) => [waits, turn])).toEqual(
      [0, 0, 1, 2, 0, 1].map((waits, turn) => [waits, turn]),
    );
    expect(executed.waitsMs).toEqual([5_000, 5_000, 5_000]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('may take long to restart: the step is asked again', async () => {
    const executed = await cure({ 'Restart service': [RUNNING, RUNNING, SERVICE] });
    expect(executed.waitsMs).toEqual([5_000, 6_000]);
    expect(callsOf(executed, 'Restart service').map((input) => Object(input).attempt)).toEqual([0, 1, 2]);
    expect(toldTo(executed, 'Choose next token action')[1]).toMatchObject({ done: ['RestartService node3'] });
  });
});

it('a killed function or an answer of AWS that was lost while a service restarts changes nothing: the same is asked again', async () => {
  const broken = [failure('Sandbox.Timedout', 'Task timed out'), failure('AwsUnavailable', 'SSM does not answer.')];
  const executed = await cure({ 'Restart service': [...broken, SERVICE] });
  const asked = callsOf(executed, 'Restart service').map((input) => Object(input));
  expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
  for (const { attempt: _, ...input } of asked) expect({ attempt: 0, ...input }).toEqual(asked[0]);
  expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
});

describe('the confirmation', () => {
  const confirm = (total: number) =>
    assessmentOf(['node3'], { verdict: 'Confirm', readings: readingsOf(['node3'], total), rejecting: [] });

  it.each([
    [10, 5],
    [11, 6],
    [3600, 1800],
  ])('over %i seconds is three readings, %i seconds apart, each told of those before it', async (seconds, apart) => {
    const executed = await cure({
      'Load cluster': { ...LOADED, parameters: { ...PARAMETERS, confirmSeconds: seconds } },
      'Assess tokens': [confirm(1), confirm(2), assessmentOf(['node3'])],
    });
    expect(executed.waitsMs).toEqual([apart * 1000, apart * 1000]);
    expect(callsOf(executed, 'Assess tokens').map((input) => Object(input).readings)).toEqual([
      readingsOf([], 0),
      readingsOf(['node3'], 1),
      readingsOf(['node3'], 2),
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it('ends where the member takes tokens meanwhile', async () => {
    const { calls, ended } = await cure({ 'Assess tokens': [confirm(1), NOTHING_TO_DO] });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess tokens', 'Assess tokens']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'NothingToDo' } });
  });
});

describe('an execution that changes nothing', () => {
  it('is one where no member rejects tokens', async () => {
    const { visited, ended } = await cure({ 'Assess tokens': NOTHING_TO_DO });
    expect(visited).toEqual(['Load cluster', ...ASSESS, 'Nothing to do']);
    expect(Object(ended).output).toEqual({
      outcome: 'NothingToDo',
      ...REPORTED,
      summary: NOTHING_TO_DO.summary,
      membersBefore: membersOf([]),
    });
  });

  it('is a dry run: it inspects, and says what it would do', async () => {
    const { visited, ended } = await cure({ 'Load cluster': { ...LOADED, dryRun: true } });
    expect(visited).toEqual([...UNTIL_PLANNED, 'Planned']);
    const { ladder, steps, advice } = planOf(['node3']);
    expect(Object(ended).output).toEqual({ outcome: 'Planned', ...REPORTED, ladder, plan: steps, advice });
  });

  it('is a dry run where an earlier execution has left authentication disabled', async () => {
    const { visited, ended } = await cure({
      'Load cluster': { ...LOADED, dryRun: true },
      'Assess tokens': LEFT_OPEN,
    });
    expect(visited).toEqual(['Load cluster', ...ASSESS, 'May it be enabled now?', 'Enabling is planned']);
    expect(Object(ended).output).toEqual({
      outcome: 'Planned',
      ...REPORTED,
      summary: LEFT_OPEN.summary,
      plan: ['enable authentication, and assess the tokens then'],
      membersBefore: [],
    });
  });
});
