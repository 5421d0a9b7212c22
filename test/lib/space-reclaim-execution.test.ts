import { describe, expect, it } from 'vitest';
import { ExecutionError } from '../../local/asl/errors.ts';
import { tasksOf } from './definitions.ts';
import { type Call, type Executed, execute as executeDefinition, failure } from './execute.ts';
import { FLEET, spaceReclaim, synthesizeStacks } from './stacks.ts';

const definition = spaceReclaim(synthesizeStacks(FLEET));
const tasks = tasksOf(definition);

const PARAMETERS = { retainRevisions: 0 };
const CLUSTER = { name: 'orders', members: [] };
const LOADED = {
  cluster: CLUSTER,
  incident: 'space-exceeded',
  dryRun: false,
  reason: 'The alarm rang.',
  requestedBy: 'on-call',
  parameters: PARAMETERS,
};
const QUOTA = { name: 'a', quotaBytes: null, quotaSource: 'member' };
const BEFORE = { ...QUOTA, dbSizeBytes: 9 };
/** What every report tells of its execution. */
const REPORTED = {
  incident: 'space-exceeded',
  runbook: 'space-reclaim',
  cluster: 'orders',
  reason: 'The alarm rang.',
  requestedBy: 'on-call',
  summary: 'Full.',
  membersBefore: [BEFORE],
};
const NOBODY_LEFT_OUT = { leftOut: [], remaining: [] };
const ASSESSMENT = {
  verdict: 'Reclaim',
  summary: 'Full.',
  alarms: [],
  members: [BEFORE],
  leftOut: [],
  compactRevision: '7',
  plan: ['b', 'a'],
  steps: ['defragment b', 'defragment a'],
  inspections: [],
};
const HOSTED = {
  ...ASSESSMENT,
  members: [{ ...BEFORE, dbSizeInUseBytes: 8 }],
  inspections: ['b', 'a'].map((member) => ({ member, host: `i-${member}`, parameters: { unit: 'etcd' } })),
};
const ROOM = { withoutRoom: ['b'], summary: 'b has no room.', steps: ['leave b', 'defragment a'] };

const STORE = { readKeys: 3, groups: [] };
const COUNT = { step: 'Count keys', input: { cluster: CLUSTER } };

const ANSWERS = {
  'Load cluster': LOADED,
  'Assess space': ASSESSMENT,
  'Compact history': { revision: '7', outcome: 'Compacted' },
  'Choose next defragmentation': { action: 'Finish' },
  'Disarm alarms': { disarmed: [] },
  'Prove writes on every member': { members: [{ name: 'after' }], ...NOBODY_LEFT_OUT, summary: '' },
  'Count keys': { store: STORE, summary: '3 of 3 keys read.' },
};

const LEFT_OUT = { member: 'c', problem: 'does not answer: It is gone.' };

function execute(answers: Record<string, unknown>): Promise<Executed> {
  return executeDefinition(definition, { input: { cluster: 'orders' }, answers: { ...ANSWERS, ...answers } });
}

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
      'Choose next defragmentation': [
        { action: 'Defragment', member: 'b' },
        { action: 'Defragment', member: 'a' },
      ],
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
      asked(0, []),
      defragment('b', 1, []),
      { step: 'Move leadership', input: { cluster: CLUSTER, member: 'a', transferee: 'b' } },
      asked(2, ['b']),
      defragment('a', 3, ['b']),
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
      'Choose next defragmentation': { action: 'Defragment', member: 'b' },
      'Defragment member': { defragmentations: [b], next: { action: 'Finish' } },
      'Prove writes on every member': { members: [{ name: 'after' }], ...standing },
    });
    expect(calls.slice(3)).toEqual([
      asked(0, [], ['c']),
      defragment('b', 1, [], ['c']),
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
    ['the first choice', { 'Choose next defragmentation': LEFT }],
    [
      'the choice after a defragmentation',
      {
        'Choose next defragmentation': { action: 'Defragment', member: 'a' },
        'Defragment member': { defragmentations: [], next: LEFT },
      },
    ],
  ])('tells which members are left for want of time, by %s', async (_, answers) => {
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

  it('appends nothing when a member was not defragmented after all, and chooses again where the cluster has not settled', async () => {
    const b = { member: 'b', dbSizeBytesBefore: 8, dbSizeBytesAfter: 2 };
    const { ended, calls } = await execute({
      'Choose next defragmentation': [
        { action: 'Defragment', member: 'a' },
        { action: 'Defragment', member: 'a' },
      ],
      'Defragment member': [
        { defragmentations: [], next: { action: 'Defragment', member: 'b' } },
        { defragmentations: [b], next: { action: 'Choose' } },
        { defragmentations: [], next: { action: 'Finish' } },
      ],
    });
    expect(calls.slice(3, -3)).toEqual([
      asked(0, []),
      defragment('a', 1, []),
      defragment('b', 2, []),
      asked(2, ['b']),
      defragment('a', 3, ['b']),
    ]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', defragmented: [b] } });
  });

  it('reports that nothing was defragmented as an empty list', async () => {
    const { ended } = await execute({
      'Choose next defragmentation': { action: 'Defragment', member: 'a' },
      'Defragment member': { defragmentations: [], next: { action: 'Finish' } },
    });
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

  it('looks at the disks of the hosts that are known, and tells whom it leaves as it is', async () => {
    const { ended, calls } = await execute({
      'Assess space': HOSTED,
      'Inspect hosts': { dataDir: { freeBytes: 1 } },
      'Check free disk space': ROOM,
    });
    expect(calls.slice(2, 6).map(({ step }) => step)).toEqual([
      ...['Inspect hosts', 'Inspect hosts', 'Check free disk space', 'Compact history'],
    ]);
    expect(calls[2]?.input).toMatchObject({ command: 'inspect-host', member: 'b', host: 'i-b' });
    expect(calls[4]?.input).toEqual({
      cluster: CLUSTER,
      parameters: PARAMETERS,
      members: [{ name: 'a', dbSizeBytes: 9, dbSizeInUseBytes: 8, quotaBytes: null }],
      alarms: [],
      plan: ['b', 'a'],
      steps: ['defragment b', 'defragment a'],
      inspected: ['b', 'a'].map((member) => ({
        ...{ member, host: `i-${member}`, result: { dataDir: { freeBytes: 1 } }, error: '', problem: '' },
      })),
      unasked: '',
    });
    expect(calls.find(({ step }) => step === 'Choose next defragmentation')?.input).toMatchObject({
      withoutRoom: ['b'],
    });
    expect(ended).toMatchObject({
      output: { summary: 'after took a write each, and no alarm is raised. b has no room. Before: Full.' },
    });
  });

  it('of a dry run tells what the disks have room for', async () => {
    const { ended } = await execute({
      'Load cluster': { ...LOADED, dryRun: true },
      'Assess space': HOSTED,
      'Inspect hosts': {},
      'Check free disk space': ROOM,
    });
    expect(ended).toMatchObject({ output: { summary: 'Full. b has no room.', plan: ['leave b', 'defragment a'] } });
  });

  it('goes on without what no host can be asked for', async () => {
    const { ended, calls } = await execute({
      'Assess space': HOSTED,
      'Inspect hosts': failure('AwsUnavailable', 'SSM does not answer.'),
      'Check free disk space': { ...ROOM, withoutRoom: [] },
    });
    const weighed = calls.find(({ step }) => step === 'Check free disk space')?.input;
    expect(weighed).toMatchObject({ inspected: [], unasked: 'SSM does not answer.' });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it('is refused before anything is changed where a disk has no room that needs it', async () => {
    const { ended, calls } = await execute({
      'Assess space': HOSTED,
      'Inspect hosts': {},
      'Check free disk space': failure('PreconditionFailed', 'The disk has no room.'),
    });
    expect(ended).toMatchObject({ error: 'PreconditionFailed', cause: 'The disk has no room.' });
    expect(calls.at(-1)?.step).toBe('Check free disk space');
  });

  it('on a cluster in order ends with nothing done', async () => {
    const { ended, calls } = await execute({ 'Assess space': { ...ASSESSMENT, verdict: 'NothingToDo' } });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess space']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({ outcome: 'NothingToDo', ...REPORTED });
  });

  it.each(tasks.map(({ name }) => name).filter((name) => !/hosts|disk|keys/.test(name)))(
    'fails under the name and with the message of what "%s" threw',
    async (name) => {
      const next = [
        { action: 'MoveLeadership', member: 'a', transferee: 'b' },
        { action: 'Defragment', member: 'a' },
      ];
      const { ended, calls } = await execute({
        'Choose next defragmentation': next,
        'Move leadership': {},
        'Defragment member': { defragmentations: [], next: { action: 'Finish' } },
        ...(['Disarm alarms', 'Prove writes on every member'].includes(name) && {
          'Choose next defragmentation': { action: 'Finish' },
        }),
        [name]: failure('UnsafeToProceed', 'CORRUPT is raised.'),
      });
      const isFirst = ['Load cluster', 'Assess space', 'Compact history'].includes(name);
      expect(ended).toMatchObject({
        status: 'FAILED',
        error: 'UnsafeToProceed',
        cause: isFirst
          ? 'CORRUPT is raised.'
          : expect.stringMatching(/^CORRUPT is raised\.\nBefore this: history was compacted up to revision 7/),
      });
      expect(calls.at(-1)?.step).toBe(name);
    },
  );

  it('says of an error what was changed before it', async () => {
    const { ended } = await execute({
      'Choose next defragmentation': [{ action: 'Defragment', member: 'b' }, { action: 'Finish' }],
      'Move leadership': {},
      'Defragment member': {
        defragmentations: [{ member: 'b', dbSizeBytesBefore: 2, dbSizeBytesAfter: 1 }],
        next: { action: 'MoveLeadership', member: 'a', transferee: 'b' },
      },
      'Disarm alarms': { disarmed: [{ memberId: 'a1', alarm: 'NOSPACE' }] },
      'Prove writes on every member': failure('VerificationFailed', 'The database is full again.'),
    });
    expect(ended).toMatchObject({
      error: 'VerificationFailed',
      cause:
        'The database is full again.\nBefore this: history was compacted up to revision 7; b was defragmented; leadership was moved from a to b; ' +
        'NOSPACE was disarmed. Nothing of this has to be undone: the next execution goes on from here.',
    });
  });

  it.each(['', 'The task timed out.', '{"StatusCode":500}', '{"errorType":"Error","errorMessage":"cut o'])(
    'keeps a cause that is not the whole error of a Lambda function: %s',
    async (cause) => {
      const { ended } = await execute({ 'Assess space': new ExecutionError('Lambda.Unheard', cause) });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Lambda.Unheard', cause });
    },
  );

  it.each([
    ['a cluster in an election again until it has a leader', 'EtcdUnavailable'],
    ['again while an AWS API does not answer', 'AwsUnavailable'],
    ["again while Lambda makes an idle function's network interface anew", 'Lambda.ResourceNotReadyException'],
  ])('asks %s', async (_, error) => {
    const settling = Array.from({ length: 12 }, () => failure(error, 'Not yet.'));
    const { ended, calls } = await execute({ 'Choose next defragmentation': [...settling, { action: 'Finish' }] });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(calls.filter(({ step }) => step === 'Choose next defragmentation')).toHaveLength(13);
  });

  it.each([
    ['a cluster', 'EtcdUnavailable'],
    ['an AWS API', 'AwsUnavailable'],
    ['a network interface', 'Lambda.ENINotReadyException'],
  ])('gives %s up that does not settle', async (_, error) => {
    const { ended, calls } = await execute({ 'Assess space': failure(error, 'Not yet.') });
    expect(ended).toMatchObject({ status: 'FAILED', error, cause: 'Not yet.' });
    expect(calls.filter(({ step }) => step === 'Assess space')).toHaveLength(13);
  });
});
