import { describe, expect, it } from 'vitest';
import { DESCRIBED_STATES, describeResult } from '../../cli/step-results.ts';
import { RUNBOOKS } from '../../lib/workflows/registry.ts';
import { statesOf } from '../lib/definitions.ts';
import { definitionOf, FLEET, synthesizeStacks } from '../lib/stacks.ts';

describe('what a terminal says of a step', () => {
  it('is said of states that there are', () => {
    const stacks = synthesizeStacks(FLEET);
    const names = Object.values(RUNBOOKS).flatMap(({ stateMachineName }) =>
      statesOf(definitionOf(stacks, stateMachineName)).map(({ name }) => name),
    );
    for (const state of DESCRIBED_STATES) expect(names).toContain(state);
  });

  it.each([
    ['Assess members', { summary: 'm3 is gone', readings: { equal: 1 } }, 'm3 is gone'],
    ['Assess members', { summary: 'm3 is gone', readings: { equal: 3 } }, 'the same for the third time'],
    ['Choose next change', { action: 'ArchiveDataDir', member: 'm3' }, 'next: archive data dir m3'],
    ['Choose next change', { action: 'Finish' }, 'next: nothing is left to change'],
    ['Stop service', { status: 'InProgress', result: null }, ''],
    ['Stop service', { status: 'Done', result: { activeState: 'inactive', subState: 'dead' } }, 'inactive (dead)'],
    ['Move data aside', { result: { dataDir: '', walDir: '' } }, 'there was none'],
    ['Remove member', { changed: false, member: '', id: '' }, 'not needed any more'],
    [
      'Wait for member',
      { answering: true, raftAppliedIndex: '12', leaderAppliedIndex: '7012', distance: '7000' },
      'at 12 of 7012 log entries, 7000 to go',
    ],
    ['Wait for member', { answering: false }, 'does not answer yet'],
    ['Keep the inspection', { member: 'm3' }, ''],
  ])('in "%s" of %j is "%s"', (state, output, said) => {
    expect(describeResult(state, output)).toBe(said);
  });
});
