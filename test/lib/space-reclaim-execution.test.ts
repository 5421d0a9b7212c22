import { describe, expect, it } from 'vitest';
import { type Call, failure } from './execute.ts';
import {
  ASSESSMENT,
  CLUSTER,
  COUNT,
  execute,
  LEFT_OUT,
  LOADED,
  NOBODY_LEFT_OUT,
  PARAMETERS,
  QUOTA,
  REPORTED,
  STORE,
} from './space-scene.ts';

function asked(turn: number, defragmented: string[], leftOut: string[] = []): Call {
  return {
    step: 'Choose next defragmentation',
    input: { cluster: CLUSTER, parameters: PARAMETERS, leftOut, quotas: [QUOTA], withoutRoom: [], defragmented, turn },
  };
}

function defragment(member: string, turn: number, defragmented: string[], leftOut: string[] = []): Call {
  return {
    step: 'Defragment member',
    input: {
      cluster: CLUSTER,
      parameters: PARAMETERS,
      leftOut,
      quotas: [QUOTA],
      withoutRoom: [],
      defragmented,
      turn,
      member,
    },
  };
}

function prove(leftOut: string[], refused: boolean): Call {
  const input = { cluster: CLUSTER, leftOut, quotas: [QUOTA], refused, execution: 'run-1' };
  return { step: 'Prove writes on every member', input };
}

describe('an execution', () => {
  it('does one thing after the other, decides again after each, and proves the result', async () => {
    const a = { member: 'a', dbSizeBytesBefore: 9, dbSizeBytesAfter: 1 };
    const b = { member: 'b', dbSizeBytesBefore: 8, dbSizeBytesAfter: 2 };
    const { ended, calls } = await execute({
      'Move leadership': { from: 'a', to: 'b' },
      'Defragment member': [
        { defragmentations: [b], next: { action: 'MoveLeadership', member: 'a', transferee: 'b' } },
        { defragmentations: [a], next: { action: 'Finish' } },
      ],
      'Disarm alarms': { disarmed: [{ memberId: '1', alarm: 'NOSPACE' }] },
    });
    expect(calls).toEqual([
      {
        step: 'Load cluster',
        input: { incident: 'space-exceeded', execution: 'run-1', input: { cluster: 'orders' } },
      },
      { step: 'Assess space', input: { cluster: CLUSTER, parameters: PARAMETERS } },
      { step: 'Compact history', input: { cluster: CLUSTER, revision: '7' } },
      defragment('b', 0, []),
      { step: 'Move leadership', input: { cluster: CLUSTER, member: 'a', transferee: 'b' } },
      defragment('a', 1, ['b']),
      { step: 'Disarm alarms', input: { cluster: CLUSTER, parameters: PARAMETERS, leftOut: [], quotas: [QUOTA] } },
      prove([], false),
      COUNT,
    ]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'Remediated',
      ...REPORTED,
      summary: 'after took a write each, and no alarm is raised. Before: Full.',
      members: [{ name: 'after' }],
      compactRevision: '7',
      defragmented: [b, a],
      disarmed: [{ memberId: '1', alarm: 'NOSPACE' }],
      ...NOBODY_LEFT_OUT,
      store: STORE,
    });
  });

  it('hands on who is left out, and that writes were refused, and tells it and what is still wrong at its end', async () => {
    const b = { member: 'b', dbSizeBytesBefore: 8, dbSizeBytesAfter: 2 };
    const standing = { leftOut: [LEFT_OUT], remaining: ['member-failed'], summary: 'Replace c next.' };
    const { ended, calls } = await execute({
      'Assess space': { ...ASSESSMENT, alarms: [{ memberId: '1', alarm: 'NOSPACE' }], leftOut: [LEFT_OUT] },
      'Defragment member': { defragmentations: [b], next: { action: 'Finish' } },
      'Prove writes on every member': { members: [{ name: 'after' }], ...standing },
    });
    expect(calls.slice(3)).toEqual([
      defragment('b', 0, [], ['c']),
      { step: 'Disarm alarms', input: { cluster: CLUSTER, parameters: PARAMETERS, leftOut: ['c'], quotas: [QUOTA] } },
      prove(['c'], true),
      COUNT,
    ]);
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        outcome: 'Remediated',
        ...standing,
        summary: 'after took a write each, and no alarm is raised. Replace c next. Before: Full.',
      },
    });
  });

  it('tells a member that has come back as one that takes part', async () => {
    const { ended } = await execute({ 'Assess space': { ...ASSESSMENT, leftOut: [LEFT_OUT] } });
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { ...NOBODY_LEFT_OUT, summary: 'after took a write each, and no alarm is raised. Before: Full.' },
    });
  });

  it.each(['EtcdUnavailable', 'PreconditionFailed', 'Lambda.Unknown'])(
    'ends as it would where keys cannot be counted, without another try: %s',
    async (error) => {
      const { ended, calls } = await execute({ 'Count keys': failure(error, 'No member can be read.') });
      expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', store: null } });
      expect(calls.filter(({ step }) => step === 'Count keys')).toHaveLength(1);
    },
  );

  const LEFT = { action: 'Finish', left: ['b'], summary: 'The time is over.' };
  it.each([
    ['the step that defragments', { 'Defragment member': { defragmentations: [], next: LEFT } }],
    [
      'the choice of its own',
      {
        'Defragment member': { defragmentations: [], next: { action: 'Choose' } },
        'Choose next defragmentation': LEFT,
      },
    ],
  ])('tells which members are left for want of time, as %s says', async (_, answers) => {
    const { ended } = await execute(answers);
    expect(ended).toMatchObject({
      output: { summary: 'after took a write each, and no alarm is raised. The time is over. Before: Full.' },
    });
  });

  it('of a dry run tells who would be left out', async () => {
    const { ended } = await execute({
      'Load cluster': { ...LOADED, dryRun: true },
      'Assess space': { ...ASSESSMENT, leftOut: [LEFT_OUT] },
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Planned', leftOut: [LEFT_OUT] } });
  });

  it('appends nothing when a member was not defragmented after all, and chooses by itself where that step could not', async () => {
    const b = { member: 'b', dbSizeBytesBefore: 8, dbSizeBytesAfter: 2 };
    const { ended, calls } = await execute({
      'Assess space': { ...ASSESSMENT, plan: ['a', 'b'] },
      'Choose next defragmentation': { action: 'Defragment', member: 'a' },
      'Defragment member': [
        { defragmentations: [], next: { action: 'Defragment', member: 'b' } },
        { defragmentations: [b], next: { action: 'Choose' } },
        { defragmentations: [], next: { action: 'Finish' } },
      ],
    });
    expect(calls.slice(3, -3)).toEqual([
      defragment('a', 0, []),
      defragment('b', 1, []),
      asked(1, ['b']),
      defragment('a', 2, ['b']),
    ]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', defragmented: [b] } });
  });

  it('reports that nothing was defragmented as an empty list', async () => {
    const { ended } = await execute({});
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', defragmented: [] } });
  });

  it('of a dry run reads, says what it would do, and changes nothing', async () => {
    const { ended, calls } = await execute({ 'Load cluster': { ...LOADED, dryRun: true } });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess space']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'Planned',
      ...REPORTED,
      leftOut: [],
      plan: ['defragment b', 'defragment a'],
      compactRevision: '7',
    });
  });

  it('on a cluster in order ends with nothing done', async () => {
    const { ended, calls } = await execute({ 'Assess space': { ...ASSESSMENT, verdict: 'NothingToDo' } });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess space']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({ outcome: 'NothingToDo', ...REPORTED });
  });
});
