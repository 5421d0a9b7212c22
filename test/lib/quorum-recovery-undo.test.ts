import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { BROKEN, configured, LOST, RUN_AGAIN, SWAPPED, UNSAFE } from './recovery-causes.ts';
import { except, MEMBERS, membersOf, PLAN, recover, STAGED, swapping } from './recovery-scene.ts';
import { callsOf } from './replacement-scene.ts';

const FOUND = 'Every data dir is as it was found.';
const ALL_NEWER = MEMBERS.map((member) => `${member}: Its data is newer.`).join('\n');
const MOVED =
  'Before this the services were to be stopped, and restored data to be put in the place of what was there.';

describe('an error while data is moved, and before the first start', () => {
  it('moves everything back, starts again what ran, and removes the scratch folders, in this order', async () => {
    const executed = await recover({ 'Put restored data in place': except(SWAPPED, { node3: BROKEN }) });
    expect(membersOf(executed, 'Put restored data in place')).toEqual(MEMBERS);
    expect(membersOf(executed, 'Move all data back')).toEqual(MEMBERS);
    expect(callsOf(executed, 'Move all data back')).toMatchObject(
      MEMBERS.map(() => ({ command: 'revert-data-dir', parameters: PLAN.commands.revert[0]?.parameters })),
    );
    expect(membersOf(executed, 'Start services again')).toEqual(['node2']);
    expect(membersOf(executed, 'Discard scratch folders')).toEqual(MEMBERS);
    const order = executed.calls.map(({ step }) => step);
    expect(order.indexOf('Start services again')).toBeGreaterThan(order.lastIndexOf('Move all data back'));
    expect(order.indexOf('Discard scratch folders')).toBeGreaterThan(order.lastIndexOf('Start services again'));
    expect(executed.visited).not.toContain('Start all services');
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: `node3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${configured(['node1', 'node2'], ['node3'])}\n${LOST}`,
    });
  });

  const unwritten = { ...SWAPPED, copy: '', changed: false };
  it.each<[string, unknown, string]>([
    ['written on all but one that refused', except(SWAPPED, { node2: UNSAFE }), `${configured(['node1', 'node3'])}\n`],
    [
      'as it has to be on all but one, which cannot say',
      except(unwritten, { node2: BROKEN }),
      `${configured([], ['node2'])}\n`,
    ],
    ['as it has to be on all but one, which refused', except(unwritten, { node2: UNSAFE }), ''],
    ['Run Command which did not answer', failure('AwsUnavailable', 'SSM is away.'), `${configured([], MEMBERS)}\n`],
  ])('says where the configuration of etcd is another one now: it was %s', async (_, answer, files) => {
    const { ended } = await recover({ 'Put restored data in place': answer });
    expect(Object(ended).cause.endsWith(`\n${FOUND}\n${RUN_AGAIN}\n${files}${LOST}`)).toBe(true);
  });

  it('says nothing of the configuration of a member that was only to be stopped', async () => {
    const swap = [...swapping('swap', ['node1', 'node2']), ...swapping('leave', ['node3'])];
    const { ended } = await recover({
      'Plan recovery': { ...PLAN, commands: { ...PLAN.commands, swap } },
      'Put restored data in place': except(unwritten, { node3: BROKEN }),
    });
    expect(Object(ended).cause).toBe(`node3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${LOST}`);
  });

  it('discards what was staged by then, and nothing where nothing was', async () => {
    const { key, uploadId } = STAGED;
    for (const state of ['Send the snapshot', 'Restore on every host', 'Put restored data in place']) {
      const uploaded = await recover({ [state]: BROKEN });
      expect(callsOf(uploaded, 'Discard upload')).toEqual([{ action: 'Discard', key, uploadId }]);
    }
    const begun = await recover({ 'Begin upload': BROKEN });
    expect(begun.visited).not.toContain('Discard upload');
  });

  it('keeps its name and its message whatever becomes of the rest', async () => {
    const executed = await recover({
      'Put restored data in place': UNSAFE,
      'Start services again': BROKEN,
      'Discard scratch folders': BROKEN,
      'Discard upload': BROKEN,
    });
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'UnsafeToProceed',
      cause: [
        ALL_NEWER,
        MOVED,
        FOUND,
        'Not every service that ran before runs again:',
        'node2: The disk is gone.',
        'Scratch folders are left, which hold copies of the data:',
        ...MEMBERS.map((member) => `${member}: The disk is gone.`),
        LOST,
      ].join('\n'),
    });
  });

  it('says nothing of services where none ran', async () => {
    const commands = { ...PLAN.commands, startAgain: [] };
    const executed = await recover({ 'Plan recovery': { ...PLAN, commands }, 'Put restored data in place': UNSAFE });
    expect(membersOf(executed, 'Start services again')).toEqual([]);
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: `${ALL_NEWER}\n${MOVED}\n${FOUND}\n${LOST}`,
    });
  });

  it('that is told by two hosts has the name of the first, and the words of both', async () => {
    const { ended } = await recover({
      'Put restored data in place': except(unwritten, { node1: UNSAFE, node3: BROKEN }),
    });
    expect(ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: `node1: Its data is newer.\nnode3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${configured([], ['node3'])}\n${LOST}`,
    });
  });

  describe('with a host on which it cannot be moved back', () => {
    const undo = (member: string) =>
      recover({
        'Put restored data in place': UNSAFE,
        'Move all data back': except({ reverted: true, setAside: '' }, { [member]: BROKEN }),
      });

    it('moves it back on the others', async () => {
      expect(membersOf(await undo('node1'), 'Move all data back')).toEqual(MEMBERS);
    });

    it('starts nothing there, and what ran elsewhere', async () => {
      expect(membersOf(await undo('node1'), 'Start services again')).toEqual(['node2']);
      expect(membersOf(await undo('node2'), 'Start services again')).toEqual([]);
    });

    it('keeps every scratch folder, for they say to the next execution that not all were placed', async () => {
      const executed = await undo('node1');
      expect(executed.visited).not.toContain('Discard scratch folders');
      expect(executed.ended).toMatchObject({
        error: 'UnsafeToProceed',
        cause: [
          ...MEMBERS.map((each) => `${each}: Its data is newer.`),
          MOVED,
          'NOT every data dir is as it was found. Start no etcd on these hosts, and start this runbook again: it moves back what is left.',
          'node1: The disk is gone.',
          RUN_AGAIN,
          LOST,
        ].join('\n'),
      });
    });
  });
});

describe('a phase of the way back that Run Command does not answer for', () => {
  const NO_ANSWER = failure('AwsUnavailable', 'SSM does not answer.');

  it('while data moves back starts nothing, and keeps every scratch folder', async () => {
    const executed = await recover({ 'Put restored data in place': UNSAFE, 'Move all data back': NO_ANSWER });
    for (const other of ['Start services again', 'Discard scratch folders']) {
      expect(membersOf(executed, other)).toEqual([]);
    }
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringContaining('It is not known which data dirs are as they were found. Start no etcd'),
    });
  });

  it('says what is not known, and goes on', async () => {
    const executed = await recover({
      'Put restored data in place': UNSAFE,
      'Start services again': NO_ANSWER,
      'Discard scratch folders': NO_ANSWER,
    });
    expect(executed.visited).toContain('Discard upload');
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: [
        ...[ALL_NEWER, MOVED, FOUND],
        'It is not known which of the services that ran before run again.',
        'It is not known whether scratch folders are left, which hold copies of the data.',
        LOST,
      ].join('\n'),
    });
  });
});
