import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { clusterOf, configuration, configured, directory, failureOf } from '../observations.ts';
import {
  answering,
  FIVE,
  type Host,
  MEMBERS,
  names,
  recoveryAction,
  refusalsOf,
  STATES,
  standing,
  three,
  withBackup,
} from './recoveries.ts';

const { killed, up, waiting, stopped, crashed, empty } = STATES;
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
