import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  failureOf,
  inspection,
  LAYOUT,
  MIB,
} from '../observations.ts';
import {
  answering,
  FIVE,
  MEMBERS,
  parametersWith,
  recoveryAction,
  refusalsOf,
  STATES,
  standing,
  WITH_BACKUPS,
  withBackup,
} from './recoveries.ts';

const { killed, up, waiting, stopped, crashed, empty } = STATES;
type Host = Partial<HostInspection> | null;
const three = (node1: Host, node2: Host, node3: Host) => ({ hosts: { node1, node2, node3 } });
const names = (commands: { member: string }[]) => commands.map(({ member }) => member);
const withConfiguration = (name: string, differences: Partial<HostInspection['configuration']>) => ({
  ...killed,
  configuration: configuration(name, differences),
});

describe('hosts of different releases', () => {
  it('are refused before anything is copied, and it is said which release all of them need', () => {
    const hosts = {
      node1: { ...empty, etcdVersion: '3.6.16' },
      node2: { ...empty, etcdVersion: '3.5.30' },
      node3: { ...empty, etcdVersion: '3.5.30' },
    };
    const { name, message } = failureOf(() => recoveryAction({ hosts }));
    expect(name).toBe('PreconditionFailed');
    expect(message).toContain('3.6.16 on node1, 3.5.30 on node2, 3.5.30 on node3');
    expect(message).toContain('install etcd 3.6.16 on i-2, i-3 as well');
    expect(message).toContain('Nothing was restored.');
  });

  it('are no concern where only the patch differs, nor while services may be started on their data', () => {
    const patch = { node1: { ...empty, etcdVersion: '3.5.29' }, node2: empty, node3: empty };
    expect(recoveryAction({ hosts: patch }).action).toBe('Salvage');
    const mixed = { node1: { ...killed, etcdVersion: '3.6.16' }, node2: killed, node3: killed };
    expect(recoveryAction({ hosts: mixed }).action).toBe('Restart');
  });
});

describe('services are started', () => {
  it.each<[string, Host, Host, Host, string[], number]>([
    ['all were killed', killed, killed, killed, ['node1', 'node2', 'node3'], 2],
    ['all were stopped', stopped, stopped, stopped, ['node1', 'node2', 'node3'], 2],
    ['one is up, and one more has its data', up, killed, empty, ['node2'], 1],
    ['two are up and find no leader, and the third has its data', up, waiting, stopped, ['node3'], 0],
    ['the third has lost its data', killed, killed, empty, ['node1', 'node2'], 2],
    ['the third cannot be reached', killed, killed, null, ['node1', 'node2'], 2],
    [
      ...(['they ended with an error, whose cause may have passed', crashed, crashed, crashed] as const),
      ...([['node1', 'node2', 'node3'], 2] satisfies [string[], number]),
    ],
  ])('where %s', (_, node1, node2, node3, launched, needed) => {
    const { action, commands, summary, examine, discard, mustStart } = recoveryAction(three(node1, node2, node3));
    expect({ action, mustStart }).toEqual({ action: 'Restart', mustStart: needed });
    expect(names(commands)).toEqual(launched);
    expect(commands.every(({ parameters }) => parameters.action === 'start-without-waiting')).toBe(true);
    // What a host was seen to hold, its start asks for again.
    for (const { parameters } of commands) expect(parameters).toMatchObject({ clusterId: 'c1', commitIndex: '100' });
    expect(commands.flatMap((command) => refusalsOf('control-service', command))).toEqual([]);
    expect(summary).toMatch(
      /^[23] of 3 voters have data, and a quorum is 2\..* Their services are started, which loses nothing\.$/,
    );
    expect({ examine, discard }).toEqual({ examine: null, discard: [] });
  });

  it('beside a member that answers, though its host cannot be reached', () => {
    const members = [answering('node1'), standing('node2'), standing('node3')];
    const { action, commands, mustStart } = recoveryAction({ ...three(null, killed, empty), members });
    expect({ action, launched: names(commands), mustStart }).toEqual({
      ...{ action: 'Restart', launched: ['node2'], mustStart: 1 },
    });
  });

  it('of a quorum of five, those with nothing left out', () => {
    const { action, commands } = recoveryAction({ cluster: FIVE, hosts: { node1: empty, node2: empty } });
    expect({ action, launched: names(commands) }).toEqual({ action: 'Restart', launched: ['node3', 'node4', 'node5'] });
  });

  it('of voters only', () => {
    const cluster = clusterOf([...MEMBERS, configured('node4', { learner: true })]);
    expect(names(recoveryAction({ cluster }).commands)).toEqual(['node1', 'node2', 'node3']);
    expect(recoveryAction({ cluster, hosts: { node1: empty, node2: empty } }).action).toBe('Salvage');
  });
});

describe('a member is never started', () => {
  it.each<[string, Host, string]>([
    ['on an empty data dir', empty, 'its data dir /var/lib/etcd is empty'],
    ['without its wal dir', { ...killed, walDir: directory('/wal', { empty: true }) }, 'its wal dir /wal is empty'],
    ['without its log', { ...killed, raftLog: null, clusterId: '' }, 'there is no log in /var/lib/etcd/member/wal'],
    [
      'on a log without a record, on which etcd does not start',
      {
        ...crashed,
        raftLog: { holds: 'empty', commitIndex: '', lastIndex: '', commitTerm: '', lastTerm: '' },
        clusterId: '',
      },
      'etcd cannot start on its log: no file in /var/lib/etcd/member/wal begins with a record',
    ],
    [
      'on another data dir than was looked at',
      withConfiguration('node2', { dataDir: '/data' }),
      'etcd\'s data dir is "/data", and clusters.json says /var/lib/etcd',
    ],
    [
      'where it would leave its cluster',
      withConfiguration('node2', { overriding: ['--force-new-cluster=true in the unit etcd'] }),
      'started, it would leave its cluster: --force-new-cluster=true in the unit etcd',
    ],
    [
      'where it would leave its cluster, by its environment',
      withConfiguration('node2', { overriding: ['ETCD_FORCE_NEW_CLUSTER=true in /etc/default/etcd'] }),
      'started, it would leave its cluster: ETCD_FORCE_NEW_CLUSTER=true in /etc/default/etcd',
    ],
    [
      'by a unit that somebody has masked',
      { unit: { ...killed.unit, loadState: 'masked' } },
      'systemd has no usable unit "etcd" (masked)',
    ],
    ['where its host cannot be reached', null, 'its host i-2 cannot be looked at: Run Command does not reach it'],
  ])('%s', (_, host, problem) => {
    expect(names(recoveryAction(three(killed, host, killed)).commands)).toEqual(['node1', 'node3']);
    const { action, summary } = recoveryAction(three(killed, host, empty));
    expect(action).toBe('Salvage');
    expect(summary).toBe(
      `1 of 3 voters has data, and a quorum is 2: node2: ${problem}. node3: its data dir /var/lib/etcd is empty.`,
    );
  });

  it('whatever else its configuration lacks: that takes nothing from its data', () => {
    const host = withConfiguration('node2', {
      name: 'other',
      file: '',
      overriding: ['--initial-cluster=a=b in the unit etcd'],
    });
    expect(recoveryAction(three(killed, host, empty)).action).toBe('Restart');
  });
});

describe('a quorum that was started', () => {
  const after = { restarted: true, restartProblem: 'node3: HostCommandFailed: it does not stay up.' };

  it('gets eight waits to find its leader', () => {
    for (let waits = 0; waits < 8; waits++) {
      const { action, summary, commands } = recoveryAction({ ...three(up, waiting, crashed), ...after, waits });
      expect({ action, commands }).toEqual({ action: 'WaitForQuorum', commands: [] });
      expect(summary).toBe('node1, node2 run, which is a quorum: it gets some time to find its leader.');
    }
  });

  it('is not restored over where it runs and finds none', () => {
    const log = Array.from({ length: 9 }, (_, line) => `rejected connection ${line}`);
    const failure = failureOf(() => recoveryAction({ ...three({ ...up, log }, waiting, crashed), ...after, waits: 8 }));
    expect(failure.name).toBe('UnsafeToProceed');
    expect(failure.message).toContain(
      'a restore would not help, and would lose what they hold, so nothing is restored.',
    );
    expect(failure.message).toContain(
      '- node1: etcd is active (running, success); the end of its log:\n    rejected connection 4\n',
    );
    expect(failure.message).not.toContain('rejected connection 3');
    expect(failure.message).toContain(
      'If the logs speak of another cluster ID, a member was left out of an earlier recovery and came back',
    );
    expect(failure.message).toContain('stop that member, move its data dir aside, and start again.');
    expect(failure.message).toContain('node3: HostCommandFailed: it does not stay up.');
  });

  it('is waited for where all ran from the beginning, and there is nothing to start', () => {
    expect(recoveryAction(three(up, up, up)).action).toBe('WaitForQuorum');
    expect(failureOf(() => recoveryAction({ ...three(up, up, empty), waits: 8 })).name).toBe('UnsafeToProceed');
  });

  it('is given up where too few stay up, and that is told', () => {
    const { action, summary, commands } = recoveryAction({ ...three(up, crashed, crashed), ...after });
    expect(action).toBe('Salvage');
    expect(names(commands)).toEqual(['node1', 'node2', 'node3']);
    expect(summary).toBe(
      'Services were started, and 1 of the 2 that make a quorum stay up.\n- node3: HostCommandFailed: it does not stay up.',
    );
  });

  it('is not waited for where a member has a process only because it is started again and again', () => {
    const request = { ...three(up, waiting, empty), ...after };
    expect(recoveryAction(request).action).toBe('WaitForQuorum');
    expect(recoveryAction({ ...request, launchFailed: ['node2'] }).action).toBe('Salvage');
  });

  it('is never started twice', () => {
    expect(recoveryAction({ ...three(killed, killed, killed), ...after }).action).toBe('Salvage');
  });
});

describe('a salvage', () => {
  const lost = three(killed, empty, empty);

  it('takes a snapshot of every host that can be reached, and keeps it', () => {
    const { action, commands, discard, examine } = recoveryAction(lost);
    expect(action).toBe('Salvage');
    expect(commands).toEqual(
      ['node1', 'node2', 'node3'].map((member) => ({
        member,
        host: member.replace('node', 'i-'),
        parameters: {
          unit: 'etcd',
          dataDir: '/var/lib/etcd',
          walDir: '',
          binDir: '/usr/local/bin',
          user: 'etcd',
          group: 'etcd',
          keep: 'yes',
          execution: 'run-1',
        },
      })),
    );
    expect(commands.flatMap((command) => refusalsOf('snapshot-data-dir', command))).toEqual([]);
    expect(names(discard)).toEqual(['node1', 'node2', 'node3']);
    expect(discard.flatMap((command) => refusalsOf('mark-recovery', command))).toEqual([]);
    expect(examine).toBeNull();
  });

  it('passes over hosts that cannot be reached; whether that is allowed is for the plan to say', () => {
    expect(names(recoveryAction(three(killed, null, null)).commands)).toEqual(['node1']);
  });

  it('is made as each host is laid out', () => {
    const layout = { dataDir: '/srv/etcd', walDir: '/wal/etcd', unit: 'etcd@orders' };
    const cluster = clusterOf([
      MEMBERS[0] ?? configured('node1'),
      configured('node2', { layout }),
      configured('node3'),
    ]);
    const [, second] = recoveryAction({ cluster, ...lost }).commands;
    expect(second?.parameters).toMatchObject(layout);
  });

  it('is of no use where no host can be reached', () => {
    const failure = failureOf(() => recoveryAction(three(null, null, null)));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('- node2: its host i-2 cannot be looked at: Run Command does not reach it');
  });

  describe('with a backup', () => {
    const roomy = (freeBytes: number, more: Host = killed) => ({
      ...more,
      dataDir: directory(LAYOUT.dataDir, { empty: true, freeBytes }),
    });

    it('has it fetched on the host with the most room', () => {
      const hosts = { node1: roomy(2 * MIB), node2: roomy(9 * MIB), node3: { ...roomy(99 * MIB), etcdVersion: '' } };
      const { examine, commands } = recoveryAction({ ...withBackup(), hosts });
      expect(examine).toEqual({
        member: 'node2',
        host: 'i-2',
        parameters: { dataDir: '/var/lib/etcd', binDir: '/usr/local/bin', keep: 'yes', execution: 'run-1', sha256: '' },
      });
      expect(examine && refusalsOf('fetch-backup', examine, '')).toEqual([]);
      expect(names(commands)).toEqual(['node1', 'node2', 'node3']);
    });

    it("is refused where no host has etcd's programs", () => {
      const without = { ...empty, etcdVersion: '' };
      const failure = failureOf(() => recoveryAction({ ...withBackup(), ...three(without, without, without) }));
      expect(failure).toMatchObject({
        name: 'PreconditionFailed',
        message: expect.stringContaining("No host that can be reached has etcd's programs"),
      });
    });

    it('that only competes comes after the services', () => {
      expect(recoveryAction({ ...withBackup(), ...three(killed, killed, killed) }).action).toBe('Restart');
    });

    it('that is forced starts none: the data that is left is not wanted', () => {
      const { action, summary } = recoveryAction({ ...withBackup(true), ...three(killed, killed, killed) });
      expect(action).toBe('Salvage');
      expect(summary).toBe('A backup is to be restored whatever is left, so no service is started on its data.');
    });

    it('is refused outside of what may be read', () => {
      const parameters = parametersWith({ snapshot: { key: 'other/1.db' } });
      expect(failureOf(() => recoveryAction({ cluster: WITH_BACKUPS, parameters, ...lost })).name).toBe('InvalidInput');
    });
  });
});

describe('a member that cannot be stopped', () => {
  const members = [answering('node1'), standing('node2'), standing('node3')];

  it.each([[{}], [{ acceptFewerMembers: true }]])(
    'keeps all from being restored, whatever is allowed: %j',
    (parameters) => {
      const failure = failureOf(() =>
        recoveryAction({
          ...three(null, killed, null),
          members,
          parameters: parametersWith(parameters),
          restarted: true,
        }),
      );
      expect(failure.name).toBe('PreconditionFailed');
      expect(failure.message).toContain(
        '- node1 answers clients, and its host i-1 cannot be looked at: Run Command does not reach it\n',
      );
    },
  );

  it('is one, too, that runs outside of its unit', () => {
    const failure = failureOf(() => recoveryAction({ ...three(stopped, empty, empty), members }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('- node1 answered clients a moment ago, and its unit on i-1 has no process');
  });
});

describe('a member that is frozen', () => {
  const frozen = { ...up, atWork: { ...inspection('node1').atWork, processState: 'T' } };
  const empties = three(frozen, empty, empty);

  it.each<[string, Parameters<typeof recoveryAction>[0]]>([
    ['is all that is left', empties],
    ['is all that is left, in a dry run', { ...empties, dryRun: true }],
    ['runs beside another', three(frozen, up, empty)],
    ['is one of a quorum that is frozen', three(frozen, frozen, up)],
    ['is left after the start of others', { ...three(frozen, crashed, empty), restarted: true }],
  ])('is not restored over where it %s', (_what, request) => {
    const { name, message } = failureOf(() => recoveryAction(request));
    expect(name).toBe('PreconditionFailed');
    expect(message).toContain(
      'A member that is frozen has not failed, so nothing is restored:\n- node1: its host i-1 says',
    );
    expect(message).toContain('"kill -CONT 812"');
    expect(message).toContain(request?.restarted ? 'Other services were started before this' : 'Nothing was changed.');
  });

  it('keeps nobody from starting a quorum without it, nor from waiting for one, nor from a restore that is forced', () => {
    expect(recoveryAction(three(frozen, stopped, stopped)).action).toBe('Restart');
    expect(recoveryAction({ ...three(frozen, up, up), restarted: true }).action).toBe('WaitForQuorum');
    expect(recoveryAction({ ...withBackup(true), ...empties }).action).toBe('Salvage');
  });
});

describe('a dry run', () => {
  it('starts nothing, and tells what a real one tries first', () => {
    const { action, summary, commands } = recoveryAction({ ...three(killed, killed, killed), dryRun: true });
    expect(action).toBe('Salvage');
    expect(commands.map(({ parameters }) => parameters.keep)).toEqual(['no', 'no', 'no']);
    expect(summary).toBe(
      '3 of 3 voters have data, and a quorum is 2. A dry run starts nothing; a real one first starts the services, which loses nothing, and ' +
        'does the rest only where that does not help.',
    );
  });

  it('tells where a real one would restore nothing', () => {
    const { action, summary } = recoveryAction({ ...three(up, up, empty), dryRun: true });
    expect(action).toBe('Salvage');
    expect(summary).toContain(
      'all of them run already. node3: its data dir /var/lib/etcd is empty. A real run waits for them',
    );
  });

  it('keeps no backup', () => {
    const { examine } = recoveryAction({ ...withBackup(), ...three(killed, empty, empty), dryRun: true });
    expect(examine?.parameters.keep).toBe('no');
  });
});

describe('the questions', () => {
  it('have an end', () => {
    expect(recoveryAction({ ...three(up, up, up), turn: 40 }).action).toBe('WaitForQuorum');
    expect(failureOf(() => recoveryAction({ ...three(up, up, up), turn: 41 })).name).toBe('PreconditionFailed');
    const again = { ...killed, recoveries: [{ execution: 'old', phase: 'restored' as const }] };
    expect(failureOf(() => recoveryAction({ ...three(again, killed, killed), turn: 41 })).name).toBe(
      'PreconditionFailed',
    );
  });

  it('do without the report of a member whose configuration names no host', () => {
    const cluster = clusterOf([...MEMBERS.slice(0, 2), configured('node3', { host: undefined })]);
    expect(recoveryAction({ cluster, hosts: { node2: empty } }).summary).toContain(
      'node3: clusters.json names no "host" for it.',
    );
  });
});
