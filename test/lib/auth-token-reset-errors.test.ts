import { describe, expect, it } from 'vitest';
import { ExecutionError } from '../../local/asl/errors.ts';
import { failure, RUNNING } from './execute.ts';
import { CLUSTER, callsOf } from './replacement-scene.ts';
import { cure, ENABLED_NOW, enabledOf, FINISH, restartOf, TOGGLE, waitFor } from './token-scene.ts';

const BROKEN = failure('UnsafeToProceed', 'CORRUPT is raised.');
const TOLD = { status: 'FAILED', error: 'UnsafeToProceed', cause: 'CORRUPT is raised.' };
const STOP = 'Stop with the error';
const RESTARTED =
  '\nBefore this: the service of node3 was restarted. Nothing of this has to be undone: the next execution goes on from here.';
const onNode3 = (state: string) => (state === 'Restart service' ? `node3: ${TOLD.cause}` : TOLD.cause);

describe('an error before authentication was to be disabled', () => {
  it.each([
    ['Load cluster', {}],
    ['Assess tokens', {}],
    ['Plan token reset', {}],
    ['Choose next token action', {}],
    ['Choose next token action', { 'Choose next token action': [restartOf('node3'), BROKEN] }],
    ['Choose next token action', { 'Choose next token action': [restartOf('node3'), waitFor('node3'), BROKEN] }],
    ['Restart service', {}],
    ['Restart service', { 'Restart service': [RUNNING, BROKEN] }],
    ['Verify tokens', {}],
    ['Prove writes on every member', {}],
  ])('in "%s" ends the execution under its own name, and enables nothing', async (state, answers) => {
    const { ended, calls, visited, pages } = await cure({ [state]: BROKEN, ...answers });
    const restarts =
      'Choose next token action' in answers || ['Verify tokens', 'Prove writes on every member'].includes(state);
    expect(ended).toMatchObject({ ...TOLD, cause: restarts ? `${TOLD.cause}${RESTARTED}` : onNode3(state) });
    expect(calls.at(-1)?.step).toBe(state);
    expect(visited.at(-1)).toBe(STOP);
    expect(visited).not.toContain('Enable authentication');
    expect(pages).toEqual([]);
  });
});

describe('an error once authentication was to be disabled', () => {
  const toggled = (...more: unknown[]) => ({ 'Choose next token action': [TOGGLE, ...more] });
  const cases: [string, Record<string, unknown>][] = [
    ['Toggle authentication', toggled()],
    ['Choose next token action', toggled(BROKEN)],
    ['Choose next token action', { ...toggled(BROKEN), 'Toggle authentication': { window: null } }],
    ['Choose next token action', toggled(restartOf('node3'), waitFor('node3'), BROKEN)],
    ['Restart service', toggled(restartOf('node3'))],
    ['Restart service', { ...toggled(restartOf('node3')), 'Restart service': [RUNNING, BROKEN] }],
    ['Toggle authentication', { ...toggled(TOGGLE), 'Toggle authentication': [{ window: null }, BROKEN] }],
    ['Verify tokens', toggled(FINISH)],
    ['Prove writes on every member', toggled(FINISH)],
  ];

  it.each(cases)(
    'in "%s" ends the execution under its own name, after authentication was enabled, and says so',
    async (state, answers) => {
      const executed = await cure({ 'Enable authentication': ENABLED_NOW, [state]: BROKEN, ...answers });
      expect(executed.calls.at(-2)?.step).toBe(state);
      expect(executed.visited.slice(-7)).toEqual([
        ...['Was authentication to be disabled?', 'Keep the error', 'Enable authentication'],
        ...['Could a step still disable it?', 'Was there an error?', 'Explain what was changed', STOP],
      ]);
      expect(callsOf(executed, 'Enable authentication')).toEqual([{ cluster: CLUSTER, endOf: 'run-1', toggled: true }]);
      expect(executed.ended).toMatchObject({
        ...TOLD,
        cause: expect.stringMatching(
          /^(node3: )?CORRUPT is raised\. Authentication is enabled again\.(\nBefore this: .*)?$/,
        ),
      });
      expect(executed.pages).toEqual([]);
    },
  );

  it('may be a step that Lambda has ended thrice', async () => {
    const timedOut = new ExecutionError('Sandbox.Timedout', 'RequestId: 1 Error: Task timed out after 60.00 seconds');
    const executed = await cure({ ...toggled(), 'Toggle authentication': timedOut });
    expect(callsOf(executed, 'Toggle authentication')).toHaveLength(3);
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'Sandbox.Timedout',
      cause: 'RequestId: 1 Error: Task timed out after 60.00 seconds Authentication is enabled.',
    });
  });

  it('may be an answer that is none: what comes of it is caught like any other', async () => {
    const executed = await cure({ ...toggled(), 'Toggle authentication': { unheard: true } });
    expect(executed.visited).toContain('Enable authentication');
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause: expect.stringContaining(' Authentication is enabled.'),
    });
  });

  it('is not forgotten by what enabling goes through', async () => {
    const executed = await cure({
      ...toggled(BROKEN),
      'Enable authentication': [
        failure('EtcdUnavailable', 'No leader.'),
        enabledOf({ lookAgainSeconds: 3 }),
        enabledOf(),
      ],
    });
    expect(executed.ended).toMatchObject({
      ...TOLD,
      cause: expect.stringMatching(
        /^CORRUPT is raised\. Authentication is enabled\.\nBefore this: authentication was disabled and/,
      ),
    });
  });
});
