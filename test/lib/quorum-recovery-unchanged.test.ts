import { describe, expect, it } from 'vitest';
import { type Executed, failure } from './execute.ts';
import { PLANNED, REPORTED } from './recovery-report.ts';
import {
  assessmentOf,
  LED,
  LOADED,
  MEMBERS,
  memberOn,
  membersOf,
  NOT_LED,
  PLAN,
  recover,
  STAGED,
} from './recovery-scene.ts';
import { callsOf, inspectionOf } from './replacement-scene.ts';

const CHOOSES_NOTHING = failure('PreconditionFailed', 'There is nothing to restore.');

describe('the hosts are inspected', () => {
  const CONFIRMED = [assessmentOf('Confirm', 1), assessmentOf('Confirm', 2), assessmentOf()];
  const statesOf = ({ calls }: Executed) => [...new Set(calls.slice(1, -1).map(({ step }) => step))];

  it('once, right before the reading that confirms the loss', async () => {
    const executed = await recover({ 'Assess quorum': CONFIRMED, 'Choose recovery': CHOOSES_NOTHING });
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(MEMBERS.length);
    expect(executed.visited.slice(-4)).toEqual([
      ...['Assess quorum', 'Is the quorum lost?', 'Choose recovery', 'Stop with the error'],
    ]);
    expect(statesOf(executed)).toEqual(['Assess quorum', 'Inspect hosts']);
  });

  it('again where a member answers since that had no process then', async () => {
    const [one, ...others] = assessmentOf().members;
    const came = { ...assessmentOf(), members: [{ ...one, answering: true }, ...others] };
    const executed = await recover({
      'Assess quorum': [...CONFIRMED.slice(0, 2), came],
      'Choose recovery': CHOOSES_NOTHING,
    });
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(2 * MEMBERS.length);
    const running = await recover({
      'Assess quorum': [...CONFIRMED.slice(0, 2), came],
      'Inspect hosts': ({ host }: { host: string }) => inspectionOf(memberOn(host), { mainPid: 7 }),
      'Choose recovery': CHOOSES_NOTHING,
    });
    expect(callsOf(running, 'Inspect hosts')).toHaveLength(MEMBERS.length);
  });

  it('again where a reading in between has not shown the loss', async () => {
    const executed = await recover({
      'Assess quorum': [...CONFIRMED.slice(0, 2), assessmentOf('Confirm', 0), ...CONFIRMED],
      'Choose recovery': CHOOSES_NOTHING,
    });
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(2 * MEMBERS.length);
    expect(executed.waitsMs).toEqual([15_000, 10_000, 5_000, 15_000, 15_000, 10_000, 5_000]);
  });
});

describe('an execution that changes nothing', () => {
  it('is one on a cluster with a quorum', async () => {
    const { calls, ended } = await recover({ 'Assess quorum': assessmentOf('NothingToDo') });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess quorum']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({ outcome: 'NothingToDo', ...REPORTED, summary: 'No member leads.' });
  });

  it('reads three times over the confirmation time, and tells each reading what the others came to', async () => {
    const executed = await recover({
      'Assess quorum': [assessmentOf('Confirm', 1), assessmentOf('Confirm', 2), assessmentOf('NothingToDo', 0)],
    });
    expect(callsOf(executed, 'Assess quorum').map((input) => Object(input).readings)).toEqual(
      [0, 1, 2].map((lost) => ({ lost, total: lost, committed: {} })),
    );
    // The hosts are inspected in between, five seconds before the last reading is due.
    expect(executed.waitsMs).toEqual([15_000, 10_000, 5_000]);
    expect(executed.ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
  });

  it('is a dry run: it says what it would do, with every candidate and the bound on what is lost', async () => {
    const executed = await recover({
      'Load cluster': { ...LOADED, dryRun: true },
      'Plan recovery': { ...PLAN, staging: null },
    });
    expect(callsOf(executed, 'Choose recovery')).toMatchObject([{ dryRun: true }]);
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([{ dryRun: true }]);
    expect(executed.calls.at(-1)?.step).toBe('Plan recovery');
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      outcome: 'Planned',
      ...REPORTED,
      ...PLANNED,
      summary: 'No member leads. No quorum has data. At most 2 writes are lost.',
    });
  });

  it('is one whose quorum comes back before anything is stopped', async () => {
    const executed = await recover({ 'Check for a quorum once more': LED });
    expect(membersOf(executed, 'Discard unneeded scratch folders')).toEqual(MEMBERS);
    expect(callsOf(executed, 'Discard unneeded upload')).toEqual([
      { action: 'Discard', key: STAGED.key, uploadId: STAGED.uploadId },
    ]);
    expect(executed.visited).not.toContain('Put restored data in place');
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      outcome: 'NothingToDo',
      ...REPORTED,
      summary: 'A quorum has come back. No data was changed.',
      interrupted: [],
      scratchLeft: '',
    });
  });

  it('says where copies are left when that could not be tidied up', async () => {
    const { ended } = await recover({
      'Check for a quorum once more': LED,
      'Discard unneeded scratch folders': failure('HostCommandFailed', 'No way there.'),
      'Discard unneeded upload': failure('AwsUnavailable', 'S3 does not answer.'),
    });
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'NothingToDo', scratchLeft: MEMBERS.map((member) => `${member}: No way there.`).join('\n') },
    });
  });

  it('looks once more at what is configured, and goes on where nobody leads', async () => {
    const executed = await recover({ 'Check for a quorum once more': NOT_LED });
    expect(membersOf(executed, 'Put restored data in place')).toEqual(MEMBERS);
  });
});
