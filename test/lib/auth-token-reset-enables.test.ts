import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { CLUSTER, callsOf } from './replacement-scene.ts';
import {
  ALL_INVALID,
  assessmentOf,
  CURED,
  cure,
  ENABLED_NOW,
  enabledOf,
  LEFT_OPEN,
  membersOf,
  NOTHING_TO_DO,
  REPORTED,
  REPORTED_WINDOW,
  TOGGLE,
  WINDOW,
} from './token-scene.ts';

const ASSESS = ['Assess tokens', 'Does a member reject tokens?'];
const ENABLE_FIRST = ['May it be enabled now?', 'Enable authentication', 'Could a step still disable it?'];
const BROKEN = failure('UnsafeToProceed', 'CORRUPT is raised.');
const FAILS = failure('UnsafeToProceed', 'root has no role.');
const PAGE = 'Page that authentication may be disabled';
/** An execution that has to enable authentication before it may end with its error. */
const toEnable = (answers: Record<string, unknown>) =>
  cure({ 'Choose next token action': [TOGGLE], 'Toggle authentication': BROKEN, ...answers });
const ENABLED_IN_THE_END = {
  status: 'FAILED',
  error: 'UnsafeToProceed',
  cause: 'CORRUPT is raised. Authentication is enabled again.',
};

describe('authentication that cannot be enabled', () => {
  it('is paged, and tried again after 30 seconds, until it is', async () => {
    const executed = await toEnable({ 'Enable authentication': [FAILS, FAILS, ENABLED_NOW] });
    const round = ['Enable authentication', PAGE, 'Wait before enabling it again'];
    expect(executed.visited.slice(executed.visited.indexOf('Keep the error'))).toEqual([
      ...['Keep the error', ...round, ...round],
      ...['Enable authentication', 'Could a step still disable it?', 'Page that authentication is enabled'],
      ...['Was there an error?', 'Explain what was changed', 'Stop with the error'],
    ]);
    expect(executed.waitsMs).toEqual([30_000, 30_000]);
    const page = {
      subject: 'CRITICAL: authentication of the etcd cluster orders may be disabled',
      message: expect.stringMatching(
        /^Authentication of orders may be disabled: then whoever reaches the cluster may read and write everything\.\n\nRun "etcdctl auth enable" on it now\.\n\nThis workflow tries again and again, and could not: root has no role\.\n/,
      ),
    };
    const isOver = { subject: 'RESOLVED: authentication of the etcd cluster orders is enabled' };
    expect(executed.pages).toMatchObject([page, page, isOver]);
    expect(executed.ended).toMatchObject(ENABLED_IN_THE_END);
  });

  it('is paged only after some three minutes, where etcd does not answer', async () => {
    const away = Array.from({ length: 13 }, () => failure('EtcdUnavailable', 'No leader.'));
    const { waitsMs, pages, ended } = await toEnable({ 'Enable authentication': [...away, ENABLED_NOW] });
    expect(pages).toHaveLength(2);
    const retriesMs = waitsMs.slice(0, -1).reduce((sum, ms) => sum + ms, 0);
    expect(retriesMs).toBeGreaterThan(150_000);
    expect(waitsMs.at(-1)).toBe(30_000);
    expect(ended).toMatchObject(ENABLED_IN_THE_END);
  });

  it('is tried again even where no page can be sent', async () => {
    const executed = await toEnable({
      'Enable authentication': [FAILS, FAILS, ENABLED_NOW],
      [PAGE]: [failure('SNS.AuthorizationErrorException', 'Not you.')],
    });
    // The second one can, and then whoever was called is called off.
    expect(executed.pages).toHaveLength(2);
    expect(executed.waitsMs).toEqual([30_000, 30_000]);
    expect(executed.ended).toMatchObject(ENABLED_IN_THE_END);
  });

  it('is tried and paged for as long as the execution may last, which then ends for the guard to go on', async () => {
    const { ended, pages, calls } = await toEnable({ 'Enable authentication': FAILS });
    expect(ended).toMatchObject({ status: 'TIMED_OUT' });
    expect(pages).toHaveLength(2 * 60 * 2);
    expect(calls.at(-1)?.step).toBe('Enable authentication');
  });

  it('is paged as well where it is all that there is to do', async () => {
    const executed = await cure({
      'Assess tokens': [LEFT_OPEN, NOTHING_TO_DO],
      'Enable authentication': [FAILS, ENABLED_NOW],
    });
    expect(executed.pages).toHaveLength(2);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });
});

describe('a step that could still disable authentication', () => {
  it('is waited for, and authentication is looked at again, until none can', async () => {
    const executed = await toEnable({
      'Enable authentication': [enabledOf({ lookAgainSeconds: 41 }), enabledOf({ lookAgainSeconds: 1 }), ENABLED_NOW],
    });
    expect(executed.waitsMs).toEqual([41_000, 1_000]);
    expect(callsOf(executed, 'Enable authentication')).toHaveLength(3);
    expect(executed.visited.filter((state) => state === 'Wait until no step can disable it')).toHaveLength(2);
    expect(executed.pages).toEqual([]);
    expect(executed.ended).toMatchObject(ENABLED_IN_THE_END);
  });
});

describe('where an earlier execution has left authentication disabled', () => {
  it('it is enabled first, and the tokens are assessed then: it may be all that there was to do', async () => {
    const executed = await cure({
      'Assess tokens': [LEFT_OPEN, NOTHING_TO_DO],
      'Enable authentication': ENABLED_NOW,
    });
    expect(executed.visited).toEqual([
      ...['Load cluster', ...ASSESS, ...ENABLE_FIRST, 'Was there an error?'],
      ...[...ASSESS, 'Authentication is enabled again'],
    ]);
    expect(callsOf(executed, 'Enable authentication')).toEqual([{ cluster: CLUSTER, endOf: '', toggled: false }]);
    expect(Object(executed.ended).output).toEqual({
      outcome: 'Remediated',
      ...REPORTED,
      summary: 'Authentication is enabled again. Every member takes fresh tokens.',
      membersBefore: membersOf([]),
      window: REPORTED_WINDOW,
      tokens: ALL_INVALID,
    });
  });

  it('a member may reject tokens all the same, and is cured: the report tells of both', async () => {
    const executed = await cure({
      'Assess tokens': [LEFT_OPEN, assessmentOf(['node3'])],
      'Enable authentication': ENABLED_NOW,
    });
    expect(Object(executed.ended).output).toEqual({
      ...CURED,
      done: ['RestartService node3'],
      window: REPORTED_WINDOW,
      tokens: ALL_INVALID,
    });
  });

  it('somebody else may have enabled it meanwhile: then nothing was to be done', async () => {
    const window = { ...WINDOW, enabledAt: null };
    const { ended } = await cure({
      'Assess tokens': [LEFT_OPEN, NOTHING_TO_DO],
      'Enable authentication': enabledOf({ window }),
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'NothingToDo' } });
  });

  it('a cure that enabled nothing itself reports no time without authentication, and ends', async () => {
    const window = { ...WINDOW, enabledAt: null };
    const { ended } = await cure({
      'Assess tokens': [LEFT_OPEN, assessmentOf(['node3'])],
      'Enable authentication': enabledOf({ window }),
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', window: null } });
  });
});
