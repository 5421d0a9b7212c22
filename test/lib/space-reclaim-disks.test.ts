import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { CLUSTER, execute, HOSTED, LOADED, PARAMETERS } from './space-scene.ts';

const ROOM = { withoutRoom: ['b'], summary: 'b has no room.', steps: ['leave b', 'defragment a'] };

describe('an execution', () => {
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
    expect(calls.find(({ step }) => step === 'Defragment member')?.input).toMatchObject({ withoutRoom: ['b'] });
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
});
