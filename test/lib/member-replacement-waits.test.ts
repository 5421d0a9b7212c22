import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import {
  archivedOn,
  assessmentOf,
  callsOf,
  changesOf,
  done,
  FINISH,
  hostOf,
  INSPECTION,
  inProgress,
  inspectionOf,
  LOADED,
  planOf,
  replaceMember,
  replaceOf,
  targetOf,
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
  const later = (commandId: string, result: unknown) => [
    ...[inProgress(commandId), inProgress(commandId)],
    done(result, commandId),
  ];
  const rounds = (subject: string, name: string) =>
    Array.from({ length: 3 }, () => [`Wait for ${subject}`, `${name}: how is it?`, `Has ${subject} ended?`]).flat();
  const askedAfter = { host: hostOf('node3'), execution: 'run-1', commandId: 'long', sentAt: 1_000 };

  it('is waited for ten seconds at a time, and asked after by its ID', async () => {
    const executed = await replaceMember({
      'Move data aside': inProgress('long'),
      'The host command: how is it?': later('long', archivedOn('far')),
    });
    const { visited, waitsMs, ended } = executed;
    const from = visited.indexOf('Move data aside');
    expect(visited.slice(from, from + 12)).toEqual([
      ...['Move data aside', 'Has the host command ended?'],
      ...rounds('the host command', 'The host command'),
      'Choose next change',
    ]);
    expect(waitsMs).toEqual([10_000, 10_000, 10_000]);
    const asked = { ...askedAfter, command: 'archive-data-dir', parameters: node3.archive.parameters };
    expect(callsOf(executed, 'The host command: how is it?')).toEqual([asked, asked, asked]);
    expect(callsOf(executed, 'Choose next change')[3]).toMatchObject({
      done: ['StopService node3', 'ArchiveDataDir node3'],
    });
    expect(ended).toMatchObject({
      output: { archived: [{ member: 'node3', host: hostOf('node3'), ...archivedOn('far') }] },
    });
  });

  it('is not taken for the one before it', async () => {
    const executed = await replaceMember({
      'Stop service': inProgress('stop'),
      'Move data aside': inProgress('move'),
      'The host command: how is it?': [
        done({ activeState: 'inactive', subState: 'dead', mainPid: 0 }, 'stop'),
        inProgress('move'),
        done(archivedOn('far'), 'move'),
      ],
    });
    const asked = callsOf(executed, 'The host command: how is it?').map((input) => {
      const { command, commandId } = Object(input);
      return `${command} ${commandId}`;
    });
    expect(asked).toEqual(['control-service stop', 'archive-data-dir move', 'archive-data-dir move']);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('may be an inspection: the others go on, and each result stays with its member', async () => {
    const executed = await replaceMember({
      'Assess members': assessmentOf(['node2', 'node3']),
      'Inspect host': ({ host }: { host: string }) =>
        host === hostOf('node3') ? inProgress('long') : done(inspectionOf('node2')),
      'The inspection: how is it?': later('long', inspectionOf('node3')),
      'Plan replacement': planOf([]),
    });
    expect(executed.waitsMs).toEqual([10_000, 10_000, 10_000]);
    const asked = { ...askedAfter, command: 'inspect-host', parameters: INSPECTION };
    expect(callsOf(executed, 'The inspection: how is it?')).toEqual([asked, asked, asked]);
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
      'Choose next change': [node3.remove, node3.start],
      'Start service': inProgress('long'),
      'The host command: how is it?': [inProgress('long'), failure('HostCommandFailed', 'It does not stay up.')],
    });
    expect(waitsMs).toEqual([10_000, 10_000]);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed', cause: 'It does not stay up.' });
  });
});

describe('a host that is away', () => {
  it('is tried again after five seconds and after ten', async () => {
    const away = failure('HostUnreachable', 'SSM does not reach it.');
    const executed = await replaceMember({ 'Stop service': [away, away, done({ activeState: 'inactive' })] });
    expect(executed.waitsMs).toEqual([5_000, 10_000]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('is given up after that', async () => {
    const { ended, calls } = await replaceMember({
      'Inspect host': failure('HostUnreachable', 'SSM does not reach it.'),
    });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'HostUnreachable', cause: 'SSM does not reach it.' });
    expect(calls.map(({ step }) => step).slice(2)).toEqual(['Inspect host', 'Inspect host', 'Inspect host']);
  });
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
