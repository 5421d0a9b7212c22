import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../core/contracts/host-commands.ts';
import { failureOf } from './observations.ts';
import { refusalsOf, rescue, STATES, withBackup } from './recoveries.ts';

type Phase = HostInspection['recoveries'][number]['phase'];

/** A stopped host on which an earlier execution has come so far; null where nothing of it is left. */
const left = (phase: Phase | null, execution = 'old-1', state: object = STATES.stopped) => ({
  ...state,
  recoveries: phase ? [{ execution, phase }] : [],
});
const three = (...phases: [Phase | null, Phase | null, Phase | null]) => ({
  hosts: { node1: left(phases[0]), node2: left(phases[1]), node3: left(phases[2]) },
});
const names = (commands: { member: string }[]) => commands.map(({ member }) => member);

describe('a recovery that was interrupted', () => {
  it.each<[[Phase | null, Phase | null, Phase | null], string[], string[]]>([
    [['restored', 'restored', 'restored'], [], ['node1', 'node2', 'node3']],
    [['restored', 'restored', null], [], ['node1', 'node2']],
    [['moving', 'restored', 'restored'], ['node1'], ['node1', 'node2', 'node3']],
    [
      ['placed', 'moving', 'restored'],
      ['node1', 'node2'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', 'placed', 'restored'],
      ['node1', 'node2'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', 'placed', 'moving'],
      ['node1', 'node2', 'node3'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', null, 'moving'],
      ['node1', 'node3'],
      ['node1', 'node3'],
    ],
  ])('goes back where it was not in place everywhere: %j', (phases, reverted, discarded) => {
    const { action, commands, discard } = rescue(three(...phases));
    expect({ action, reverted: names(commands), discarded: names(discard) }).toEqual({
      action: 'MoveBack',
      reverted,
      discarded,
    });
    expect([...commands, ...discard].every(({ parameters }) => parameters.execution === 'old-1')).toBe(true);
    expect(commands.flatMap((command) => refusalsOf('revert-data-dir', command))).toEqual([]);
    expect(discard.flatMap((command) => refusalsOf('discard-scratch', command))).toEqual([]);
  });

  it.each<[[Phase | null, Phase | null, Phase | null], string[]]>([
    [
      ['placed', 'placed', 'placed'],
      ['node1', 'node2', 'node3'],
    ],
    [['placed', null, null], ['node1']],
    [
      [null, 'placed', 'placed'],
      ['node2', 'node3'],
    ],
  ])('is kept where nothing of it is left but what is in place: %j', (phases, kept) => {
    const { action, commands, discard, summary } = rescue(three(...phases));
    expect({ action, kept: names(commands), discard }).toEqual({ action: 'Keep', kept, discard: [] });
    expect(commands.flatMap((command) => refusalsOf('discard-scratch', command))).toEqual([]);
    expect(summary).toContain('What that execution has reported as lost is lost.');
  });

  it('is forgotten where nothing of it is left', () => {
    expect(rescue(three(null, null, null)).action).toBe('Restart');
  });

  it('comes before a backup that is forced, and before services that could be started', () => {
    expect(rescue({ ...three('placed', null, 'moving'), ...withBackup(true) }).action).toBe('MoveBack');
    expect(rescue({ ...three('placed', null, null), ...withBackup(true) }).action).toBe('Keep');
  });

  it("is one execution's at a time", () => {
    const hosts = { node1: left('placed', 'old-1'), node2: left('restored', 'old-2'), node3: left('placed', 'old-1') };
    const first = rescue({ hosts });
    expect({ action: first.action, of: names(first.commands) }).toEqual({ action: 'Keep', of: ['node1', 'node3'] });
    const second = rescue({ hosts: { ...hosts, node1: left(null), node3: left(null) } });
    expect({ action: second.action, of: names(second.discard) }).toEqual({ action: 'MoveBack', of: ['node2'] });
  });

  it('is judged by the hosts that can be reached', () => {
    const hosts = { node1: left('moving'), node2: null, node3: left('restored') };
    const { action, commands, discard } = rescue({ hosts });
    expect({ action, reverted: names(commands), discarded: names(discard) }).toEqual({
      action: 'MoveBack',
      reverted: ['node1'],
      discarded: ['node1', 'node3'],
    });
  });

  it('is kept under services that run on it', () => {
    const hosts = { node1: left('placed', 'old-1', STATES.up), node2: left(null), node3: left(null) };
    expect(rescue({ hosts }).action).toBe('Keep');
  });

  it('waits for a person where etcd runs on data that has to move', () => {
    const hosts = {
      node1: left('moving', 'old-1', STATES.up),
      node2: left('restored', 'old-1', STATES.up),
      node3: left(null),
    };
    const failure = failureOf(() => rescue({ hosts }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toBe(
      'The recovery of the execution old-1 was interrupted while it moved data (node1: moving), and etcd runs on node1 all the same. Run ' +
        '"systemctl stop etcd" on i-1, then start again.',
    );
  });

  it.each<[string, [Phase | null, Phase | null, Phase | null], RegExp]>([
    [
      'moved back',
      ['moving', 'restored', null],
      /before its data was in place on every host \(node1: moving, node2: restored\)/,
    ],
    ['kept', ['placed', null, null], /when its data was in place on every host/],
  ])('makes no plan of a dry run, which says what would be %s', (_, phases, message) => {
    const failure = failureOf(() => rescue({ ...three(...phases), dryRun: true }));
    expect(failure).toMatchObject({ name: 'PreconditionFailed', message: expect.stringMatching(message) });
    expect(failure.message).toContain('Start without dryRun');
  });
});
