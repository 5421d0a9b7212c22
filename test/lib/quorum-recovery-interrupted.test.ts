import { describe, expect, it } from 'vitest';
import { LATE, RESTART, RESTARTED, WAIT } from './recovery-actions.ts';
import { BROKEN } from './recovery-causes.ts';
import {
  actionOf,
  COMPARED,
  DISCARD,
  except,
  FORGET,
  LED,
  membersOf,
  PLAN,
  REVERT,
  recover,
  SALVAGING,
} from './recovery-scene.ts';
import { callsOf } from './replacement-scene.ts';

const MOVE_BACK = actionOf('MoveBack', { commands: REVERT.slice(0, 2), discard: DISCARD });
const KEEP = actionOf('Keep', { commands: DISCARD.slice(1) });

it('a dry run plans no more than the end of an earlier recovery that was interrupted', async () => {
  const steps = ['move data back', 'restore nothing'];
  const earlier = actionOf('FinishEarlier', { summary: 'It was interrupted.', steps });
  const executed = await recover({ 'Choose recovery': earlier });
  expect(executed.calls.at(-1)?.step).toBe('Choose recovery');
  expect(executed.ended).toMatchObject({
    status: 'SUCCEEDED',
    output: { outcome: 'Planned', summary: 'It was interrupted.', plan: steps, winner: null, leftOut: [] },
  });
});

describe('an earlier recovery that was interrupted', () => {
  it('while it moved data is moved back, then cleared away, before anything else', async () => {
    const executed = await recover({ ...RESTARTED, 'Choose recovery': [MOVE_BACK, RESTART] });
    expect(membersOf(executed, 'Undo the interrupted recovery')).toEqual(['node1', 'node2']);
    expect(membersOf(executed, 'Finish the interrupted recovery')).toEqual(['node1', 'node2', 'node3']);
    expect(executed.ended).toMatchObject({ output: { interrupted: [MOVE_BACK.summary], loss: { atMostWrites: 0 } } });
    const order = executed.calls.map(({ step }) => step);
    expect(order.lastIndexOf('Undo the interrupted recovery')).toBeLessThan(
      order.indexOf('Finish the interrupted recovery'),
    );
    expect(order.indexOf('Start what has data')).toBeGreaterThan(order.lastIndexOf('Finish the interrupted recovery'));
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(2 * 3);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { ladder: [{ rung: 'restart' }] } });
  });

  it('once all was in place is kept: only what says so is cleared away', async () => {
    const executed = await recover({ ...RESTARTED, 'Choose recovery': [KEEP, RESTART] });
    expect(executed.visited).not.toContain('Undo the interrupted recovery');
    expect(membersOf(executed, 'Finish the interrupted recovery')).toEqual(['node2', 'node3']);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { ladder: [{ rung: 'restart' }] } });
  });

  it('that is kept has lost what it has lost: nobody is told that nothing is, and its hosts forget it after the proofs', async () => {
    const kept = 'What old-1 has lost is lost.';
    const after = { kept, discard: FORGET.slice(1) };
    const executed = await recover({
      ...RESTARTED,
      'Choose recovery': [KEEP, { ...RESTART, ...after }],
    });
    expect(membersOf(executed, 'Clear the recovery marks')).toEqual(['node2', 'node3']);
    const order = executed.calls.map(({ step }) => step);
    expect(order.indexOf('Clear the recovery marks')).toBeGreaterThan(order.indexOf('Compare hashes'));
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Remediated',
      summary: `Every member is healthy. ${kept} Two of three have their data. Before: No member leads.`,
      ladder: [{ rung: 'restart', serves: true, why: `${kept} Two of three have their data.` }],
      loss: {
        keptRevision: COMPARED.revision,
        atMostWrites: null,
        explanation: `${kept} The members have started with the data that they had, and a quorum has all that was acknowledged since.`,
      },
      interrupted: [KEEP.summary],
    });
  });

  it('that is kept counts as well where a restore comes of it', async () => {
    const kept = 'What old-1 has lost is lost.';
    const { ended } = await recover({ 'Choose recovery': [MOVE_BACK, KEEP, { ...SALVAGING, kept }] });
    expect(ended).toMatchObject({
      output: {
        loss: { keptRevision: '4030', atMostWrites: null, explanation: `${kept} ${PLAN.loss.explanation}` },
        summary: expect.stringContaining(`was restored. ${kept} At most 2 writes are lost.`),
        interrupted: [MOVE_BACK.summary, KEEP.summary],
      },
    });
  });

  it('is told of where a quorum then leads by itself, or none does', async () => {
    const led = await recover({ 'Choose recovery': [KEEP, WAIT], 'Wait for quorum': LED });
    expect(led.ended).toMatchObject({
      output: {
        outcome: 'NothingToDo',
        summary: `A quorum has come back. ${KEEP.summary}`,
        interrupted: [KEEP.summary],
      },
    });
    const late = await recover({ ...RESTARTED, 'Choose recovery': [MOVE_BACK, RESTART], 'Verify recovery': LATE });
    expect(late.ended).toMatchObject({
      cause: `node2 does not answer.\n${MOVE_BACK.summary} The services that were started run on.`,
    });
  });

  it.each([
    ['moved back', 'Undo the interrupted recovery', MOVE_BACK, 'node1'],
    ['cleared away', 'Finish the interrupted recovery', KEEP, 'node2'],
  ])(
    'and cannot be %s on one host is for a person; the others are, and keep what says so',
    async (_, state, recovery, member) => {
      const executed = await recover({
        'Choose recovery': recovery,
        [state]: except({ reverted: true, setAside: '', discarded: true }, { [member]: BROKEN }),
      });
      expect(membersOf(executed, state)).toEqual(recovery.commands.map((command) => command.member));
      expect(executed.visited).not.toContain('Snapshot data on every host');
      expect(callsOf(executed, 'Choose recovery')).toHaveLength(1);
      expect(executed.ended).toMatchObject({
        status: 'FAILED',
        error: 'HostCommandFailed',
        cause: `${member}: The disk is gone.`,
      });
    },
  );
});
