import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../local/asl/json.ts';
import { failure, RUNNING } from './execute.ts';
import {
  archivedOn,
  assessmentOf,
  callsOf,
  changesOf,
  FINISH,
  hostOf,
  inspectionOf,
  LOADED,
  planOf,
  replaceMember,
  replaceOf,
  targetOf,
  wellOf,
} from './replacement-scene.ts';

const node3 = changesOf('node3');

describe('the confirmation', () => {
  const readings = (total: number) => ({ targets: [targetOf('node3')], equal: total, total });
  const confirm = (total: number) => assessmentOf(['node3'], { verdict: 'Confirm', readings: readings(total) });

  it.each([
    [30, 15],
    [31, 16],
    [1, 1],
    [3600, 1800],
  ])(
    'over %i seconds is three readings, %i seconds apart, each told of those before it',
    async (confirmSeconds, apart) => {
      const executed = await replaceMember({
        'Load cluster': { ...LOADED, parameters: { confirmSeconds } },
        'Assess members': [confirm(1), confirm(2), assessmentOf(['node3'])],
      });
      expect(executed.waitsMs).toEqual([apart * 1000, apart * 1000]);
      expect(callsOf(executed, 'Assess members').map((input) => Object(input).readings)).toEqual([
        { targets: [], equal: 0, total: 0 },
        readings(1),
        readings(2),
      ]);
      expect(executed.visited.slice(1, 8)).toEqual([
        ...['Assess members', 'Has a member failed?', 'Wait before the next reading'],
        ...['Assess members', 'Has a member failed?', 'Wait before the next reading'],
        'Assess members',
      ]);
      expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    },
  );

  it('ends where the member comes back meanwhile', async () => {
    const { calls, ended } = await replaceMember({
      'Assess members': [confirm(1), assessmentOf([], { verdict: 'NothingToDo', summary: 'Every member is healthy.' })],
    });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess members', 'Assess members']);
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'NothingToDo', summary: 'Every member is healthy.' },
    });
  });
});

describe('a long host command', () => {
  it('is asked after by the same input, which no other command has', async () => {
    const executed = await replaceMember({
      'Stop service': [RUNNING, { activeState: 'inactive', subState: 'dead', mainPid: 0 }],
      'Move data aside': [RUNNING, RUNNING, archivedOn('far')],
    });
    expect(executed.waitsMs).toEqual([5_000, 5_000, 6_000]);
    const asked = callsOf(executed, 'Move data aside').map((input) => Object(input));
    expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    const [first] = asked;
    for (const { attempt: _, ...input } of asked) expect({ attempt: 0, ...input }).toEqual(first);
    expect(first).toMatchObject({ command: 'archive-data-dir', parameters: node3.archive.commands[0]?.parameters });
    expect(callsOf(executed, 'Stop service')[0]).not.toMatchObject({ visit: first.visit });
    expect(callsOf(executed, 'Choose next change')[3]).toMatchObject({
      done: ['StopService node3', 'ArchiveDataDir node3'],
    });
    expect(executed.ended).toMatchObject({
      output: { archived: [{ member: 'node3', host: hostOf('node3'), ...archivedOn('far') }] },
    });
  });

  it('may be an inspection: each result stays with its member', async () => {
    const executed = await replaceMember({
      'Assess members': assessmentOf(['node2', 'node3']),
      'Inspect hosts': [RUNNING, inspectionOf('node2'), inspectionOf('node3')],
      'Plan replacement': planOf([]),
    });
    expect(callsOf(executed, 'Plan replacement')).toMatchObject([
      {
        inspections: [
          { member: 'node2', inspection: { log: ['node2 starts', 'node2 panics'] } },
          { member: 'node3', inspection: { log: ['node3 starts', 'node3 panics'] } },
        ],
      },
    ]);
  });

  it('may be one that fails in the end, under its own name', async () => {
    const { ended, waitsMs } = await replaceMember({
      'Choose next change': [node3.remove, node3.join],
      'Write membership and start': [RUNNING, RUNNING, failure('HostCommandFailed', 'It does not stay up.')],
    });
    expect(waitsMs).toEqual([5_000, 6_000]);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed', cause: 'node3: It does not stay up.' });
  });
});

it.each(['Inspect hosts', 'Stop service', 'Move data aside', 'Write membership and start'])(
  'a killed function or an answer of AWS that was lost in "%s" changes nothing: the same is asked again',
  async (phase) => {
    const broken = [failure('Sandbox.Timedout', 'Task timed out'), failure('AwsUnavailable', 'SSM does not answer.')];
    const executed = await replaceMember({ [phase]: (input: JsonValue) => broken.shift() ?? wellOf(phase, input) });
    const asked = callsOf(executed, phase).map((input) => Object(input));
    expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    for (const { attempt: _, ...input } of asked) expect({ attempt: 0, ...input }).toEqual(asked[0]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  },
);

it('a host that is away ends it: the step has waited for it', async () => {
  const { ended, calls } = await replaceMember({
    'Inspect hosts': failure('HostUnreachable', 'SSM does not reach it.'),
  });
  expect(ended).toMatchObject({ status: 'FAILED', error: 'HostUnreachable', cause: 'node3: SSM does not reach it.' });
  expect(calls.map(({ step }) => step).slice(2)).toEqual(['Inspect hosts']);
});

describe('a cluster in an election', () => {
  it('is asked again until it has a leader', async () => {
    const settling = Array.from({ length: 12 }, () => failure('EtcdUnavailable', 'No leader.'));
    const executed = await replaceMember({ 'Choose next change': [...settling, ...replaceOf('node3'), FINISH] });
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(callsOf(executed, 'Choose next change').slice(0, 13)).toMatchObject(
      Array.from({ length: 13 }, () => ({ turn: 0 })),
    );
  });
});
