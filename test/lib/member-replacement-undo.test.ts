import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import {
  assessmentOf,
  callsOf,
  changesOf,
  HOSTS,
  hostOf,
  inProgress,
  plannedOf,
  planOf,
  REVERT,
  REVERTED,
  replaceMember,
  replaceOf,
  SERVICE,
} from './replacement-scene.ts';

const node3 = changesOf('node3');
const BROKEN = failure('UnsafeToProceed', 'CORRUPT is raised.');
const TOLD = { status: 'FAILED', error: 'UnsafeToProceed', cause: 'CORRUPT is raised.' };
const AGAIN = 'The host command: how is it?';
/** What a state's error is thrown by: itself, or the question after a command of it that took long. */
const failing = (state: string, error: Error, isLong = false) =>
  isLong ? { [state]: inProgress('long'), [AGAIN]: error } : { [state]: error };

describe('an error after a service was to be stopped, and before the member was removed,', () => {
  const cases: [string, boolean, Record<string, unknown>][] = [
    ['Stop service', false, failing('Stop service', BROKEN)],
    ['Stop service', true, failing('Stop service', BROKEN, true)],
    ['Move data aside', false, failing('Move data aside', BROKEN)],
    ['Move data aside', true, failing('Move data aside', BROKEN, true)],
    ['Choose next change', false, { 'Choose next change': [node3.stop, BROKEN] }],
    ['Choose next change', false, { 'Choose next change': [node3.stop, node3.archive, BROKEN] }],
    ['Remove member', false, failing('Remove member', BROKEN)],
  ];

  it.each(cases)('in "%s" (after a while: %s) moves the data back, and goes on as it was', async (_, __, answers) => {
    const executed = await replaceMember(answers);
    expect(callsOf(executed, 'Move data dir back')).toEqual([
      {
        command: 'revert-data-dir',
        host: hostOf('node3'),
        parameters: { ...REVERT, execution: 'run-1' },
        execution: 'run-1',
        commandId: '',
        sentAt: 0,
      },
    ]);
    expect(executed.visited.slice(-6)).toEqual([
      ...['Is there data to move back?', 'Move data back', 'Move data dir back', 'Has moving back ended?'],
      ...['Data is back', 'Stop with the error'],
    ]);
    expect(executed.ended).toMatchObject({
      ...TOLD,
      cause: 'CORRUPT is raised. The data of members that were not removed from etcd is in its place.',
    });
  });

  it('starts the service again if it ran before', async () => {
    const executed = await replaceMember({
      'Plan replacement': planOf([plannedOf('node3', { wasActive: true })]),
      'Move data aside': BROKEN,
    });
    expect(callsOf(executed, 'Start service again')).toEqual([
      {
        command: 'control-service',
        host: hostOf('node3'),
        parameters: { unit: 'etcd', action: 'start' },
        execution: 'run-1',
        commandId: '',
        sentAt: 0,
      },
    ]);
    expect(executed.visited.slice(-6)).toEqual([
      ...['Move data dir back', 'Has moving back ended?', 'Start service again', 'Has moving back ended?'],
      ...['Data is back', 'Stop with the error'],
    ]);
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringMatching(/is in its place\.$/),
    });
  });

  it('waits for a long way back, and then for the start', async () => {
    const executed = await replaceMember({
      'Plan replacement': planOf([plannedOf('node3', { wasActive: true })]),
      'Move data aside': BROKEN,
      'Move data dir back': inProgress('back'),
      'Start service again': inProgress('start'),
      'Moving back: how is it?': [
        inProgress('back'),
        { ...REVERTED, commandId: 'back' },
        { ...SERVICE, commandId: 'start' },
      ],
    });
    expect(executed.waitsMs).toEqual([10_000, 10_000, 10_000]);
    expect(
      callsOf(executed, 'Moving back: how is it?').map(
        (input) => `${Object(input).command} ${Object(input).commandId}`,
      ),
    ).toEqual(['revert-data-dir back', 'revert-data-dir back', 'control-service start']);
    expect(callsOf(executed, 'Start service again')).toHaveLength(1);
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringMatching(/is in its place\.$/),
    });
  });

  it.each(['Move data dir back', 'Moving back: how is it?', 'Start service again'])(
    'keeps its name and its message when "%s" fails as well, and says so',
    async (state) => {
      const { ended } = await replaceMember({
        'Plan replacement': planOf([plannedOf('node3', { wasActive: true })]),
        'Move data aside': BROKEN,
        ...(state.startsWith('Moving') && { 'Move data dir back': inProgress('back') }),
        [state]: failure('HostCommandFailed', 'The disk is gone.'),
      });
      expect(ended).toMatchObject({
        status: 'FAILED',
        error: 'UnsafeToProceed',
        cause: expect.stringMatching(/^CORRUPT is raised\. .*The disk is gone\./),
      });
      expect(Object(ended).cause).not.toContain('is in its place');
    },
  );
});

describe('an error after the member was removed', () => {
  it('moves nothing back, though the answer to the removal was lost', async () => {
    const executed = await replaceMember({
      'Remove member': [failure('Sandbox.Timedout', 'Task timed out'), { changed: false, member: '', id: '' }],
      'Start service': BROKEN,
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED' });
    expect(callsOf(executed, 'Remove member')).toHaveLength(2);
    expect(callsOf(executed, 'Move data dir back')).toEqual([]);
  });
});

describe('an error of two members', () => {
  it('puts one back, although the other one cannot be', async () => {
    const { ended, ...executed } = await replaceMember({
      'Assess members': assessmentOf(['node2', 'node3']),
      'Plan replacement': planOf([plannedOf('node2', { wasActive: true }), plannedOf('node3', { wasActive: true })]),
      'Choose next change': [
        ...[...replaceOf('node2').slice(0, 2), ...replaceOf('node3').slice(0, 2)],
        failure('UnsafeToProceed', 'CORRUPT is raised.'),
      ],
      'Move data dir back': [failure('HostCommandFailed', 'The disk is gone.'), REVERTED],
    });
    expect(callsOf({ ended, ...executed }, 'Start service again')).toHaveLength(1);
    expect(ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringMatching(
        /^CORRUPT is raised\. Not every host could be put back as it was: node[23]: The disk is gone\.$/,
      ),
    });
  });

  const both = {
    'Assess members': assessmentOf(['node2', 'node3']),
    'Plan replacement': planOf([plannedOf('node2'), plannedOf('node3', { wasActive: true })]),
  };

  it('get both their data back, and run again where they ran before', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [
        ...[...replaceOf('node2').slice(0, 2), ...replaceOf('node3').slice(0, 1)],
        failure('UnsafeToProceed', 'CORRUPT is raised.'),
      ],
    });
    const hostsOf = (step: string) => callsOf(executed, step).map((input) => Object(input).host);
    expect(hostsOf('Move data dir back').toSorted()).toEqual([HOSTS.node2, HOSTS.node3]);
    expect(hostsOf('Start service again')).toEqual([HOSTS.node3]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
  });

  it('have nothing moved back that was not touched yet', async () => {
    const executed = await replaceMember({ ...both, 'Move data aside': failure('UnsafeToProceed', 'It is a link.') });
    expect(callsOf(executed, 'Move data dir back')).toMatchObject([{ host: HOSTS.node3 }]);
    expect(callsOf(executed, 'Start service again')).toMatchObject([{ host: HOSTS.node3 }]);
  });

  it('get nothing back for the one that is removed already', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [
        ...[...replaceOf('node2').slice(0, 2), ...replaceOf('node3').slice(0, 2)],
        ...[changesOf('node2').remove, BROKEN],
      ],
      'Remove member': { changed: true, member: 'node2', id: 'a2' },
    });
    expect(callsOf(executed, 'Move data dir back')).toMatchObject([{ host: HOSTS.node3 }]);
    expect(callsOf(executed, 'Start service again')).toMatchObject([{ host: HOSTS.node3 }]);
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringMatching(/is in its place\.$/),
    });
  });

  it('get nothing back once both are removed', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [
        ...[...replaceOf('node2').slice(0, 2), ...replaceOf('node3').slice(0, 2)],
        ...[changesOf('node2').remove, changesOf('node3').remove, BROKEN],
      ],
      'Remove member': [
        { changed: true, member: 'node2', id: 'a2' },
        { changed: true, member: 'node3', id: 'a3' },
      ],
    });
    expect(callsOf(executed, 'Move data dir back')).toEqual([]);
    expect(executed.ended).toMatchObject(TOLD);
  });
});
