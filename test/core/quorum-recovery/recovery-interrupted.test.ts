import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { clusterOf, configured, failureOf } from '../observations.ts';
import { MEMBERS, names, parametersWith, recoveryAction, refusalsOf, STATES, withBackup } from './recoveries.ts';

type Phase = HostInspection['recoveries'][number]['phase'];

/** A stopped host on which an earlier execution has come so far; null where nothing of it is left. */
const left = (phase: Phase | null, execution = 'old-1', state: object = STATES.stopped) => ({
  ...state,
  recoveries: phase ? [{ execution, phase }] : [],
});
const three = (...phases: [Phase | null, Phase | null, Phase | null]) => ({
  hosts: { node1: left(phases[0]), node2: left(phases[1]), node3: left(phases[2]) },
});

describe('a recovery that was interrupted', () => {
  it.each<[[Phase | null, Phase | null, Phase | null], string[]]>([
    [
      ['restored', 'restored', 'restored'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['restored', 'restored', null],
      ['node1', 'node2'],
    ],
    [
      ['moving', 'restored', 'restored'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', 'moving', 'restored'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', 'placed', 'restored'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', 'placed', 'moving'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['placed', null, 'moving'],
      ['node1', 'node3'],
    ],
    [['placed', null, null], ['node1']],
    [
      [null, 'placed', 'placed'],
      ['node2', 'node3'],
    ],
  ])('goes back where nothing proves that it was in place everywhere: %j', (phases, hosts) => {
    const { action, commands, discard } = recoveryAction(three(...phases));
    expect({ action, reverted: names(commands), discarded: names(discard) }).toEqual({
      action: 'MoveBack',
      reverted: hosts,
      discarded: hosts,
    });
    expect([...commands, ...discard].every(({ parameters }) => parameters.execution === 'old-1')).toBe(true);
    expect(discard.every(({ parameters }) => parameters.outcome === 'undo')).toBe(true);
    expect(commands.flatMap((command) => refusalsOf('revert-data-dir', command))).toEqual([]);
    expect(discard.flatMap((command) => refusalsOf('mark-recovery', command))).toEqual([]);
  });

  it('says where the configuration of etcd lies as it was, of each host that may have another one', () => {
    const { summary } = recoveryAction(three('placed', 'restored', 'moving'));
    expect(summary).toContain("written the membership into etcd's configuration. This is not put back");
    expect(summary).toMatch(/the original is beside it: \S+\.old-1 on i-\w*1, \S+\.old-1 on i-\w*3\.$/);
    expect(recoveryAction(three('restored', 'restored', 'restored')).summary).not.toContain('configuration');
  });

  it.each<[[Phase | null, Phase | null, Phase | null], string[]]>([
    [
      ['placed', 'placed', 'placed'],
      ['node1', 'node2', 'node3'],
    ],
    [
      ['kept', 'placed', 'placed'],
      ['node2', 'node3'],
    ],
    [['kept', 'placed', null], ['node2']],
    [[null, 'placed', 'kept'], ['node2']],
  ])('is kept where every host says that it is in place, or one that it is on all: %j', (phases, placed) => {
    const { action, commands, discard, summary } = recoveryAction(three(...phases));
    expect({ action, kept: names(commands), discard }).toEqual({ action: 'Keep', kept: placed, discard: [] });
    expect(commands.every(({ parameters }) => parameters.outcome === 'commit')).toBe(true);
    expect(commands.flatMap((command) => refusalsOf('mark-recovery', command))).toEqual([]);
    expect(summary).toContain('What that execution has reported as lost is lost.');
  });

  it.each<[[Phase | null, Phase | null, Phase | null], string[]]>([
    [
      ['kept', 'kept', 'kept'],
      ['node1', 'node2', 'node3'],
    ],
    [['kept', null, null], ['node1']],
  ])('is over where every word that is left is "kept": %j, which goes after the proofs', (phases, forgotten) => {
    const { action, discard, kept } = recoveryAction(three(...phases));
    expect({ action, forgotten: names(discard) }).toEqual({ action: 'Restart', forgotten });
    expect(discard.every(({ parameters }) => parameters.outcome === 'forget')).toBe(true);
    expect(discard.flatMap((command) => refusalsOf('mark-recovery', command))).toEqual([]);
    expect(kept).toBe(
      'An earlier recovery (old-1) has restored data, which was kept. What it has lost is lost: its own plan says how much.',
    );
  });

  it.each<[[Phase | null, Phase | null, Phase | null], string]>([
    [['kept', 'restored', 'placed'], 'node2: restored'],
    [['moving', 'kept', 'restored'], 'node1: moving, node3: restored'],
  ])('is for a person where the hosts contradict each other: %j', (phases, those) => {
    for (const dryRun of [false, true]) {
      const failure = failureOf(() => recoveryAction({ ...three(...phases), dryRun }));
      expect(failure.name).toBe('UnsafeToProceed');
      expect(failure.message).toContain(`on every host. ${those} means that it is not`);
    }
  });

  describe('with a host that cannot be looked at', () => {
    const fewer = parametersWith({ acceptFewerMembers: true });

    it.each<[Phase, Phase]>([
      ['moving', 'restored'],
      ['restored', 'restored'],
      ['placed', 'placed'],
    ])('is neither moved back nor kept, unless it may be left out: %s, %s', (first, second) => {
      const hosts = { node1: left(first), node2: null, node3: left(second) };
      const failure = failureOf(() => recoveryAction({ hosts }));
      expect(failure.name).toBe('PreconditionFailed');
      expect(failure.message).toContain(
        '\n- node2: Run Command does not reach it.\nThe recovery may have got further there',
      );
      expect(failure.message).toContain('make sure that node2 is off for good');
      const { action, commands, discard } = recoveryAction({ hosts, parameters: fewer });
      expect({ action, reverted: names(commands), discarded: names(discard) }).toEqual({
        action: 'MoveBack',
        reverted: ['node1', 'node3'],
        discarded: ['node1', 'node3'],
      });
    });

    it('is not left out where leave was given for another one', () => {
      const hosts = { node1: left('moving'), node2: null, node3: left('restored') };
      const only = (name: string) => parametersWith({ acceptFewerMembers: true, leaveOutOnly: [name] });
      expect(failureOf(() => recoveryAction({ hosts, parameters: only('node3') })).message).toContain(
        'only node3 may be left out by the last one',
      );
      expect(recoveryAction({ hosts, parameters: only('node2') }).action).toBe('MoveBack');
    });

    it('is kept all the same where another one says that all have it', () => {
      const hosts = { node1: left('kept'), node2: null, node3: left('placed') };
      const { action, commands } = recoveryAction({ hosts });
      expect({ action, kept: names(commands) }).toEqual({ action: 'Keep', kept: ['node3'] });
    });

    it('is as unknown where the configuration names no host', () => {
      const cluster = clusterOf([configured('node1'), configured('node2', { host: undefined }), configured('node3')]);
      const failure = failureOf(() =>
        recoveryAction({ cluster, hosts: { node1: left('placed'), node3: left('placed') } }),
      );
      expect(failure.message).toContain('- node2: clusters.json names no "host" for it');
    });

    it("needs no learner's word, for a learner is never restored", () => {
      const cluster = clusterOf([...MEMBERS, configured('node4', { learner: true })]);
      const { hosts } = three('placed', 'placed', 'placed');
      expect(recoveryAction({ cluster, hosts: { ...hosts, node4: null } }).action).toBe('Keep');
    });
  });

  it('is forgotten where nothing of it is left', () => {
    expect(recoveryAction(three(null, null, null)).action).toBe('Restart');
  });

  it('comes before a backup that is forced, and before services that could be started', () => {
    expect(recoveryAction({ ...three('placed', null, 'moving'), ...withBackup(true) }).action).toBe('MoveBack');
    expect(recoveryAction({ ...three('placed', 'kept', null), ...withBackup(true) }).action).toBe('Keep');
  });

  it("is one execution's at a time, and those that are over do not count", () => {
    const recoveries = (...each: [Phase, string][]) => ({
      ...STATES.stopped,
      recoveries: each.map(([phase, execution]) => ({ phase, execution })),
    });
    const hosts = {
      node1: recoveries(['kept', 'old-0'], ['placed', 'old-1']),
      node2: recoveries(['restored', 'old-2']),
      node3: recoveries(['kept', 'old-1']),
    };
    const first = recoveryAction({ hosts });
    expect({ action: first.action, of: names(first.commands) }).toEqual({ action: 'Keep', of: ['node1'] });
    const second = recoveryAction({ hosts: { ...hosts, node1: recoveries(['kept', 'old-0'], ['kept', 'old-1']) } });
    expect({ action: second.action, of: names(second.discard) }).toEqual({ action: 'MoveBack', of: ['node2'] });
  });

  it('is kept under services that run on it', () => {
    const hosts = { node1: left('placed', 'old-1', STATES.up), node2: left('kept'), node3: left(null) };
    expect(recoveryAction({ hosts }).action).toBe('Keep');
  });

  it('is moved back under a survivor that runs and whose data was not moved, so that no late command stops it', () => {
    const hosts = { node1: left('restored', 'old-1', STATES.up), node2: left('restored'), node3: left('restored') };
    const { commands, discard } = recoveryAction({ hosts });
    expect(names(commands)).toEqual(['node1', 'node2', 'node3']);
    expect(names(discard)).toEqual(['node1', 'node2', 'node3']);
  });

  it('waits for a person where etcd runs on data that has to move', () => {
    const hosts = {
      node1: left('moving', 'old-1', STATES.up),
      node2: left('restored', 'old-1', STATES.up),
      node3: left(null),
    };
    const failure = failureOf(() => recoveryAction({ hosts }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toBe(
      'The recovery of the execution old-1 was interrupted while it moved data (node1: moving), and etcd runs on node1 all the same. Run ' +
        '"systemctl stop etcd" on i-1, then start again.',
    );
  });

  it.each<[string, [Phase | null, Phase | null, Phase | null], string[]]>([
    [
      'moved back',
      ['moving', 'restored', null],
      [
        'move data back to where it was before the execution old-1, wherever that has moved any: node1, node2',
        'discard what that execution has restored and not put in place: node1, node2',
      ],
    ],
    [
      'kept',
      ['placed', 'kept', null],
      ['keep the data that the execution old-1 has put in place on every host, and the old data beside it'],
    ],
  ])('is all that a dry run plans, which says what would be %s, and changes nothing', (_, phases, first) => {
    const { action, summary, steps, commands, discard } = recoveryAction({ ...three(...phases), dryRun: true });
    expect({ action, commands, discard }).toEqual({ action: 'FinishEarlier', commands: [], discard: [] });
    expect(summary).toMatch(
      /^The recovery of the execution old-1 was interrupted \(node1: .*\)\. Nothing was changed now/,
    );
    expect(steps).toEqual([
      ...first,
      expect.stringMatching(/^start the services/),
      expect.stringMatching(/^restore nothing/),
    ]);
  });

  it('is brought to its end where no more was approved, and then nothing is restored', () => {
    const parameters = parametersWith({ restoreNothing: true });
    expect(recoveryAction({ ...three('moving', 'restored', null), parameters }).action).toBe('MoveBack');
    expect(recoveryAction({ ...three('placed', 'kept', null), parameters }).action).toBe('Keep');
    expect(recoveryAction({ ...three(null, null, null), parameters }).action).toBe('Restart');
    const lost = { hosts: { node1: left(null), node2: STATES.empty, node3: STATES.empty }, parameters };
    const failure = failureOf(() => recoveryAction(lost));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toMatch(
      /^The quorum is still lost\. .*\nWhat was approved restores nothing: .* Start again: the next plan/,
    );
  });
});
