import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../local/asl/json.ts';
import { catchers, statesOf, successors } from './definitions.ts';
import { isStartedAfter, rulesThatStart, stateMachineIdOf } from './event-rules.ts';
import { failure } from './execute.ts';
import { CLUSTER, callsOf } from './replacement-scene.ts';
import { FLEET, GUARD as GUARD_NAME, synthesizeStacks } from './stacks.ts';
import { ENABLED_NOW, EVENT, enabledOf, GUARD, guard, LOADED } from './token-scene.ts';

const LOAD = 'Load cluster';
const ENABLE = 'Enable authentication';
const PAGE_LOAD = 'Page that the cluster cannot be loaded';
const PAGE_ENABLE = 'Page that authentication may be disabled';
const FAILS = failure('UnsafeToProceed', 'root has no role.');
const NO_AWS = failure('AwsUnavailable', 'SSM does not answer.');
const PAGE_OVER = 'Page that authentication is enabled';
const SURE = ['Could a step still disable it?', 'No execution leaves it disabled'];

/** Where a person was called before. */
const CALLED_OFF = ['Could a step still disable it?', PAGE_OVER, 'No execution leaves it disabled'];

describe('the rule that starts the guard', () => {
  const stacks = synthesizeStacks(FLEET);
  const runbook = 'etcd-remediation-auth-token-reset';

  it('matches executions of the runbook that were stopped, and is the only one that starts it', () => {
    const idOf = (name: string) => stateMachineIdOf(stacks, name);
    expect(rulesThatStart(stacks, GUARD_NAME)).toEqual([
      {
        Description: 'An auth token reset was stopped, by a person or by its time limit',
        EventPattern: {
          source: ['aws.states'],
          'detail-type': ['Step Functions Execution Status Change'],
          detail: { stateMachineArn: [{ Ref: idOf(runbook) }], status: ['ABORTED', 'TIMED_OUT'] },
        },
        State: 'ENABLED',
        // Without an Input or a transformer: the event is the execution's input.
        Targets: [
          { Arn: { Ref: idOf(GUARD_NAME) }, Id: 'Target0', RoleArn: { 'Fn::GetAtt': [expect.any(String), 'Arn'] } },
        ],
      },
    ]);
  });

  it.each([
    ['ABORTED', runbook, true],
    ['TIMED_OUT', runbook, true],
    // It has enabled authentication itself, on its way out.
    ['FAILED', runbook, false],
    ['SUCCEEDED', runbook, false],
    ['ABORTED', 'etcd-remediation-space-reclaim', false],
    // It would start itself for ever.
    ['ABORTED', GUARD_NAME, false],
  ] as const)('on the embedded platform, for %s of %s: %s', (status, stateMachineName, isMatch) => {
    expect(isStartedAfter(stacks, GUARD_NAME, status, stateMachineName)).toBe(isMatch);
  });
});

describe('the definition of the guard', () => {
  const states = statesOf(GUARD);

  it('goes from state to state in this order, and ends nowhere but where authentication is not left disabled', () => {
    expect(GUARD.StartAt).toBe(LOAD);
    expect(Object.fromEntries(states.map(({ name, state }) => [name, successors(state)]))).toEqual({
      [LOAD]: [ENABLE],
      'Is there such a cluster?': ['Nothing to guard', PAGE_LOAD],
      [PAGE_LOAD]: ['Wait before loading it again'],
      'Wait before loading it again': [LOAD],
      [ENABLE]: ['Could a step still disable it?'],
      [PAGE_ENABLE]: ['Wait before enabling it again'],
      'Wait before enabling it again': [ENABLE],
      'Could a step still disable it?': [
        'Wait until no step can disable it',
        PAGE_OVER,
        'No execution leaves it disabled',
        'No execution leaves it disabled',
      ],
      [PAGE_OVER]: ['No execution leaves it disabled'],
      'Wait until no step can disable it': [ENABLE],
      'Nothing to guard': [],
      'No execution leaves it disabled': [],
    });
    expect(states.filter(({ state }) => state.Type === 'Fail')).toEqual([]);
  });

  it('has no error that ends it', () => {
    const caught = states.filter(({ state }) => state.Type === 'Task');
    expect(Object.fromEntries(caught.map(({ name, state }) => [name, catchers(state)]))).toEqual({
      [LOAD]: ['Is there such a cluster?'],
      [PAGE_LOAD]: ['Wait before loading it again'],
      [ENABLE]: [PAGE_ENABLE],
      [PAGE_ENABLE]: ['Wait before enabling it again'],
      [PAGE_OVER]: ['No execution leaves it disabled'],
    });
  });

  it('may go on for a day', () => {
    expect(GUARD.TimeoutSeconds).toBe(24 * 3600);
  });
});

describe('the guard', () => {
  it('reads who is guarded from the event, and finds authentication enabled', async () => {
    const executed = await guard();
    expect(executed.visited).toEqual([LOAD, ENABLE, ...SURE]);
    expect(callsOf(executed, LOAD)).toEqual([
      { incident: 'auth-token-invalid', execution: 'run-1', input: { cluster: 'orders', dryRun: false } },
    ]);
    expect(callsOf(executed, ENABLE)).toEqual([{ cluster: CLUSTER, endOf: 'run-1', toggled: false }]);
    expect(executed.pages).toEqual([]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      outcome: 'NothingToDo',
      cluster: 'orders',
      summary: 'Authentication is enabled.',
    });
  });

  it('enables it where it was left disabled', async () => {
    const { ended, pages } = await guard({ [ENABLE]: ENABLED_NOW });
    expect(Object(ended).output).toEqual({
      outcome: 'Remediated',
      cluster: 'orders',
      summary: 'Authentication is enabled again.',
    });
    expect(pages).toEqual([]);
  });

  it('looks again once a step that could still disable it is over', async () => {
    const executed = await guard({ [ENABLE]: [enabledOf({ lookAgainSeconds: 41 }), ENABLED_NOW] });
    expect(executed.visited).toEqual([
      ...[LOAD, ENABLE, 'Could a step still disable it?', 'Wait until no step can disable it'],
      ...[ENABLE, ...SURE],
    ]);
    expect(executed.waitsMs).toEqual([41_000]);
    expect(executed.ended).toMatchObject({ output: { outcome: 'Remediated' } });
  });

  it('says that it has enabled it also where it finds it enabled when it looks again', async () => {
    const enabled = { ...ENABLED_NOW, lookAgainSeconds: 41 };
    const { ended } = await guard({ [ENABLE]: [enabled, enabledOf()] });
    expect(ended).toMatchObject({ output: { outcome: 'Remediated', summary: 'Authentication is enabled again.' } });
  });

  it('looks after an execution that was a dry run as well', async () => {
    const { visited } = await guard({ [LOAD]: { ...LOADED, dryRun: true } });
    expect(visited).toEqual([LOAD, ENABLE, ...SURE]);
  });

  it('has nothing to guard where there is no such cluster', async () => {
    const { visited, ended, pages } = await guard({ [LOAD]: failure('InvalidInput', 'There is no cluster "x".') });
    expect(visited).toEqual([LOAD, 'Is there such a cluster?', 'Nothing to guard']);
    expect(pages).toEqual([]);
    expect(Object(ended).output).toEqual({ outcome: 'NothingToDo', summary: 'There is no cluster "x".' });
  });

  it('pages where enabling fails, waits 30 seconds, and tries again until it holds', async () => {
    const executed = await guard({ [ENABLE]: [FAILS, FAILS, ENABLED_NOW] });
    const round = [ENABLE, PAGE_ENABLE, 'Wait before enabling it again'];
    expect(executed.visited).toEqual([LOAD, ...round, ...round, ENABLE, ...CALLED_OFF]);
    expect(executed.waitsMs).toEqual([30_000, 30_000]);
    expect(executed.pages).toMatchObject([
      ...Array.from({ length: 2 }, () => ({ message: expect.stringContaining('could not: root has') })),
      { subject: 'RESOLVED: authentication of the etcd cluster orders is enabled' },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });
});

describe('a cluster that cannot be loaded', () => {
  /** Until Load cluster gives up. */
  const away = Array.from({ length: 13 }, () => NO_AWS);

  it('is loaded again after 30 seconds, and paged: nobody knows whether authentication is disabled', async () => {
    const executed = await guard({ [LOAD]: [...away, LOADED] });
    expect(executed.visited).toEqual([
      ...[LOAD, 'Is there such a cluster?', PAGE_LOAD, 'Wait before loading it again'],
      ...[LOAD, ENABLE, ...CALLED_OFF],
    ]);
    expect(executed.waitsMs.at(-1)).toBe(30_000);
    expect(executed.pages).toMatchObject([
      {
        subject: 'CRITICAL: authentication of an etcd cluster may be disabled',
        message: expect.stringMatching(
          /^An auth token reset of orders was stopped, and may have left authentication disabled: then whoever reaches the cluster may read and write everything\.\n\nRun "etcdctl auth enable" on it now\.\n\nThis workflow cannot, though it tries again and again: SSM does not answer\.\n\nExecution: /,
        ),
      },
      { event: { event_action: 'resolve', dedup_key: 'etcd-remediation/local/000000000000/orders/authentication' } },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'NothingToDo' } });
  });

  it('is loaded again although no page can be sent', async () => {
    const executed = await guard({ [LOAD]: [FAILS, FAILS, LOADED], [PAGE_LOAD]: FAILS });
    expect(executed.pages).toEqual([]);
    expect(executed.waitsMs).toEqual([30_000, 30_000]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
  it.each([
    ['was left out of the event, as one that is too long', null],
    ['is no JSON', '{'],
  ])('is paged as well where the input %s', async (_, input) => {
    const event = { detail: { ...EVENT.detail, input } } as JsonObject;
    const { ended, pages, calls } = await guard({}, event);
    expect(calls).toEqual([]);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages[0]?.message).toContain('An auth token reset of an etcd cluster was stopped');
    expect(ended).toMatchObject({ status: 'TIMED_OUT' });
  });
});

describe('whoever is on call', () => {
  it.each([
    ['the cluster cannot be loaded', LOAD, LOADED],
    ['authentication cannot be enabled', ENABLE, ENABLED_NOW],
  ])('is paged for half a day at least before the history is full, where %s', async (_, state, answer) => {
    const failing = async (times: number) => {
      const { ended } = await guard({ [state]: [...Array.from({ length: times }, () => FAILS), answer] });
      return ended.history.length;
    };
    const eventsOfATry = ((await failing(11)) - (await failing(1))) / 10;
    // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    expect((25_000 / eventsOfATry) * 30).toBeGreaterThan(12 * 3600);
  });
});
