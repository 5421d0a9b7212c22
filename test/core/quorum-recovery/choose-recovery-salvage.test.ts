import { describe, expect, it } from 'vitest';
import { clusterOf, configured, directory, failureOf, LAYOUT, MIB } from '../observations.ts';
import {
  type Host,
  MEMBERS,
  names,
  parametersWith,
  recoveryAction,
  refusalsOf,
  STATES,
  three,
  WITH_BACKUPS,
  withBackup,
} from './recoveries.ts';

const { killed, empty } = STATES;

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
          compressor: 'gzip',
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

  it.each([
    ['zstd, where every host that can be reached has it', [true, null, true], 'zstd'],
    ['gzip, where one that can be reached has no zstd', [true, false, true], 'gzip'],
  ] as const)('is compressed by %s', (_what, [first, second, third], compressor) => {
    const with_ = (zstd: boolean | null) => (zstd === null ? null : { ...killed, dataDir: empty.dataDir, zstd });
    const hosts = { node1: with_(first), node2: with_(second), node3: with_(third) };
    const { examine, commands } = recoveryAction({ ...withBackup(true), hosts });
    const used = [...commands, ...(examine ? [examine] : [])].map(({ parameters }) => parameters.compressor);
    expect(used).toEqual(Array(commands.length + 1).fill(compressor));
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
        parameters: {
          dataDir: '/var/lib/etcd',
          binDir: '/usr/local/bin',
          keep: 'yes',
          compressor: 'gzip',
          execution: 'run-1',
          sha256: '',
        },
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
