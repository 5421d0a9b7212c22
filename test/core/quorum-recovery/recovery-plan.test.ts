import { describe, expect, it } from 'vitest';
import type { HostCommandName } from '../../../core/hosts/host-commands.ts';
import type { HostCommand } from '../../../core/hosts/run-host-commands.ts';
import type { RecoveryPlan } from '../../../core/quorum-recovery/contracts.ts';
import { clusterOf, configuration, configured, directory, failureOf, LAYOUT, MIB } from '../observations.ts';
import {
  CLUSTER,
  DATA,
  examined,
  log,
  MEMBERS,
  names,
  parametersWith,
  plan,
  refusalsOf,
  STATES,
  salvage,
  withBackup,
} from './recoveries.ts';

const { killed, up, empty } = STATES;
const GIB = 1024 ** 3;
const none = salvage('none', 0);
const INITIAL_CLUSTER = 'node1=https://node1:2380,node2=https://node2:2380,node3=https://node3:2380';

describe('the plan of a recovery', () => {
  it('restores the newest snapshot on every host', () => {
    const { winner, targets, cluster, leftOut, loss } = plan();
    expect(winner).toMatchObject({ member: 'node2', host: 'i-2', source: 'replay', revision: '4030' });
    expect(targets).toEqual(
      ['1', '2', '3'].map((n) => ({ member: `node${n}`, host: `i-${n}`, unit: 'etcd', wasActive: false })),
    );
    expect(cluster).toEqual(CLUSTER);
    expect(leftOut).toEqual([]);
    expect(loss).toMatchObject({ keptRevision: '4030', atMostWrites: 0 });
  });

  it('tells what it does, a line each', () => {
    const cluster = clusterOf([
      ...MEMBERS.slice(0, 2),
      configured('node3', { layout: { walDir: '/wal', unit: 'etcd15000' } }),
    ]);
    const third = { ...killed, walDir: directory('/wal'), configuration: configuration('node3', { walDir: '/wal' }) };
    expect(plan({ cluster, hosts: { node3: third } }).steps).toEqual([
      "send node2's snapshot (replay) of revision 4030 (4.0 MiB) from i-2 to every host",
      'restore it beside the data of node1, node2, node3',
      'stop etcd on i-1, i-2; etcd15000 on i-3',
      'move /var/lib/etcd/member aside on i-1, and the restored data into its place',
      'move /var/lib/etcd/member aside on i-2, and the restored data into its place',
      'move /var/lib/etcd/member and /wal aside on i-3, and the restored data into their places',
      'write the membership of node1, node2, node3, with a new token, into their configuration',
      'start node1, node2, node3 at once',
      'compare their data at one revision, and write through each of node1, node2, node3',
      'keep what was moved aside, under the name run-1',
    ]);
  });

  it('says which settings the etcd of a host passes over', () => {
    const old = configuration('node3', { experimental: ['experimental-max-learners'] });
    const at = (more: object = {}) => ({ ...killed, etcdVersion: '3.7.3', ...more });
    const hosts = { node1: at(), node2: at(), node3: at({ configuration: old }) };
    expect(plan({ hosts }).steps).toContain(
      'note that on i-3 etcd 3.7.3 ignores experimental-max-learners in /etc/etcd/etcd.yaml',
    );
  });

  it('names what earlier executions have moved aside', () => {
    const hosts = { node1: { ...killed, archives: ['/var/lib/etcd.old-1'] } };
    expect(plan({ hosts }).archives).toEqual({ node1: ['/var/lib/etcd.old-1'], node2: [], node3: [] });
  });

  it('is the same in a dry run, but for the snapshot, which nobody has kept', () => {
    const unkept = Object.fromEntries(Object.entries(DATA).map(([name, each]) => [name, { ...each, snapshot: null }]));
    const dry = plan({ data: unkept, dryRun: true });
    const real = plan();
    expect(dry.staging).toBeNull();
    expect(dry.steps[0]).toBe("send node2's snapshot (replay) of revision 4030 (20.0 MiB) from i-2 to every host");
    expect(dry.loss).toEqual({ ...real.loss, explanation: `If the restart does not help: ${real.loss.explanation}` });
    for (const field of ['winner', 'candidates', 'targets', 'leftOut', 'cluster'] as const) {
      expect(dry[field]).toEqual(real[field]);
    }
  });

  it('is made of nothing older than what was approved', () => {
    const parameters = (atLeastRevision: string) => parametersWith({ atLeastRevision });
    expect(plan({ parameters: parameters('4030') }).winner.revision).toBe('4030');
    // The numbers are 64 bits wide, and no text to be compared as one.
    expect(plan({ parameters: parameters('999') }).winner.revision).toBe('4030');
    expect(failureOf(() => plan({ parameters: parameters('4031') }))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('revision 4030 of node2, and less than 4031 was not approved'),
    });
  });

  it('is made of nothing older where the newest snapshot was not kept', () => {
    const failure = failureOf(() => plan({ data: { ...DATA, node2: salvage('replayed', 4030, { snapshot: null }) } }));
    expect(failure).toMatchObject({ name: 'PreconditionFailed', message: expect.stringContaining('of revision 4030') });
  });
});

/** Every command of a plan, and which it is. */
function commandsOf({ commands, staging }: RecoveryPlan): [HostCommandName, HostCommand, string | undefined][] {
  const all = (name: HostCommandName, list: HostCommand[], url?: string) =>
    list.map((command): [HostCommandName, HostCommand, string | undefined] => [name, command, url]);
  return [
    ...all('control-service', commands.startAgain),
    ...all('restore-snapshot', commands.restore, ''),
    ...all('swap-data-dir', commands.swap),
    ...all('start-restored', commands.start),
    ...all('mark-recovery', [...commands.discard, ...commands.forget]),
    ...all('revert-data-dir', commands.revert),
    ...all('send-snapshot', staging?.parts ?? [], ''),
  ];
}

describe('a plan is refused where the data is not what is wrong', () => {
  const tried = { launched: ['node1', 'node2'], restartProblem: 'node1: bind: address already in use.' };
  const twoWhole = { ...DATA, node3: none };

  it('for a quorum of whole logs was started, and did not stay up', () => {
    const failure = failureOf(() => plan({ data: twoWhole, ...tried }));
    expect(failure.name).toBe('UnsafeToProceed');
    expect(failure.message).toContain('The data of node1, node2 is whole, and these are a quorum.');
    expect(failure.message).toContain('bind: address already in use');
  });

  it('but not where they are of different clusters, and so no quorum', () => {
    const other = salvage('replayed', 4004, { log: log(4100, 4100, true, 'c2') });
    expect(failureOf(() => plan({ data: { ...twoWhole, node1: other }, ...tried })).message).toContain(
      'The hosts hold data of different clusters',
    );
    const failure = failureOf(() => plan({ data: { ...DATA, node1: other, node3: salvage('replayed', 9) }, ...tried }));
    expect(failure.message).toContain('The data of node2, node3 is whole');
  });

  it('but not where fewer are whole, nothing was started, or a backup is forced', () => {
    const torn = { ...twoWhole, node1: salvage('replayed', 4004, { log: log(4100, 4100, false) }) };
    expect(plan({ data: torn, ...tried }).winner.member).toBe('node2');
    expect(plan({ data: twoWhole, ...tried, dryRun: true }).winner.member).toBe('node2');
    expect(plan({ data: twoWhole }).winner.member).toBe('node2');
    const forced = { ...withBackup(true), examined: examined(10) };
    expect(plan({ data: twoWhole, ...tried, ...forced }).winner.source).toBe('backup');
  });
});

describe('the commands', () => {
  it.each<[string, Parameters<typeof plan>[0]]>([
    ['of members', {}],
    ['of a backup', { ...withBackup(true), examined: examined(7) }],
    ['of an execution with a long name', { execution: 'e'.repeat(80), ...withBackup(true), examined: examined(7) }],
    ['with a wal dir of its own', withWalDirs()],
  ])('are all such as run-host-commands sends: %s', (_, request) => {
    expect(commandsOf(plan(request)).flatMap(([name, command, url]) => refusalsOf(name, command, url))).toEqual([]);
  });

  it('restore the same on every host, each as its member', () => {
    const { restore } = plan().commands;
    expect(restore[2]).toEqual({
      member: 'node3',
      host: 'i-3',
      parameters: {
        dataDir: '/var/lib/etcd',
        walDir: '',
        binDir: '/usr/local/bin',
        user: 'etcd',
        group: 'etcd',
        execution: 'run-1',
        name: 'node3',
        peerUrls: 'https://node3:2380',
        initialCluster: INITIAL_CLUSTER,
        initialClusterToken: 'etcd-remediation-run-1',
        sha256: '5a4030',
        hashCheck: 'no',
        revision: '4030',
        bumpRevision: '1000000000',
        sizeBytes: '20971520',
      },
    });
    const own = ['name', 'peerUrls'];
    const shared = restore.map(({ parameters }) => Object.entries(parameters).filter(([key]) => !own.includes(key)));
    expect(shared[0]).toEqual(shared[2]);
    expect(shared[1]).toEqual(shared[2]);
  });

  it('place it only over older data, unless it was asked for', () => {
    const replaceNewer = ({ commands }: RecoveryPlan) => commands.swap.map(({ parameters }) => parameters.replaceNewer);
    expect(replaceNewer(plan())).toEqual(['no', 'no', 'no']);
    expect(replaceNewer(plan({ ...withBackup(), examined: examined(9999) }))).toEqual(['no', 'no', 'no']);
    expect(replaceNewer(plan({ ...withBackup(true), examined: examined(7) }))).toEqual(['yes', 'yes', 'yes']);
    expect(plan().commands.swap[0]?.parameters).toMatchObject({ revision: '4030', execution: 'run-1', unit: 'etcd' });
  });

  it('write the same membership everywhere, in which nobody can begin a cluster by itself', () => {
    expect(plan().commands.swap.map(({ parameters }) => parameters)).toMatchObject(
      Array(3).fill({
        unit: 'etcd',
        configFile: '/etc/etcd/etcd.yaml',
        initialCluster: INITIAL_CLUSTER,
        initialClusterToken: 'etcd-remediation-run-1',
        execution: 'run-1',
      }),
    );
  });

  it('take every peer URL that a member announces', () => {
    const initialAdvertisePeerUrls = 'https://10.0.1.11:2380, https://node1:2380/';
    const hosts = { node1: { ...killed, configuration: configuration('node1', { initialAdvertisePeerUrls }) } };
    const { restore, swap } = plan({ hosts }).commands;
    const initialCluster =
      'node1=https://10.0.1.11:2380,node1=https://node1:2380,node2=https://node2:2380,node3=https://node3:2380';
    expect(restore[0]?.parameters).toMatchObject({
      peerUrls: 'https://10.0.1.11:2380,https://node1:2380',
      initialCluster,
    });
    expect(swap[2]?.parameters.initialCluster).toBe(initialCluster);
  });

  it('check the hash that etcd has put behind a backup, and none where there is none', () => {
    const hashCheck = (request: Parameters<typeof plan>[0]) =>
      plan(request).commands.restore.map(({ parameters }) => parameters.hashCheck);
    expect(hashCheck({ data: { node1: salvage('raw', 9), node2: none, node3: none } })).toEqual(Array(3).fill('no'));
    expect(hashCheck({ ...withBackup(true), examined: examined(7, { hasHash: false }) })).toEqual(Array(3).fill('no'));
    expect(hashCheck({ ...withBackup(true), examined: examined(7) })).toEqual(Array(3).fill('yes'));
    expect(hashCheck({ data: { node1: salvage('live', 9), node2: none, node3: none } })).toEqual(Array(3).fill('no'));
  });

  it('remove the scratch folders as far as the data has come', () => {
    const { discard, forget } = plan().commands;
    const outcomes = [discard, forget].map((each) => each.map(({ parameters }) => parameters.outcome));
    expect(outcomes).toEqual([Array(3).fill('undo'), Array(3).fill('forget')]);
  });

  it('forget with their own recovery an earlier one that a host has kept, whose data is aside then', () => {
    const kept = { ...STATES.killed, recoveries: [{ execution: 'old-1', phase: 'kept' as const }] };
    const { forget } = plan({ hosts: { node2: kept } }).commands;
    const last = forget.at(-1);
    expect([forget.length, last?.member, last?.parameters.execution, last?.parameters.outcome]).toEqual([
      ...[4, 'node2', 'old-1', 'forget'],
    ]);
  });

  it('stop all members, and start again those that ran', () => {
    const { swap, startAgain, start } = plan({ hosts: { node1: up, node3: STATES.waiting } }).commands;
    expect(swap.map(({ member, parameters }) => [member, parameters.data])).toEqual(
      ['node1', 'node2', 'node3'].map((member) => [member, 'swap']),
    );
    expect(names(startAgain)).toEqual(['node1', 'node3']);
    expect(startAgain[0]?.parameters).toEqual({
      ...{ unit: 'etcd', action: 'start-without-waiting', dataDir: '/var/lib/etcd', walDir: '' },
      ...{ clusterId: 'c1', commitIndex: '100' },
    });
    expect(names(start)).toEqual(['node1', 'node2', 'node3']);
    expect(start[0]?.parameters).toEqual({ unit: 'etcd', dataDir: '/var/lib/etcd', walDir: '', execution: 'run-1' });
  });

  it('move data back under the name that it was moved aside', () => {
    expect(plan().commands.revert.map(({ parameters }) => parameters.execution)).toEqual(Array(3).fill('run-1'));
  });

  it('follow the layout of each host', () => {
    const layout = { dataDir: '/srv/etcd', unit: 'etcd@orders', configFile: '/etc/orders.yaml', user: 'orders' };
    const cluster = clusterOf([...MEMBERS.slice(0, 2), configured('node3', { layout })]);
    const third = { ...killed, configuration: configuration('node3', { dataDir: '/srv/etcd' }) };
    const { commands, targets } = plan({ cluster, hosts: { node3: third } });
    expect(commands.restore[2]?.parameters).toMatchObject({ dataDir: '/srv/etcd', user: 'orders' });
    expect(commands.swap[2]?.parameters).toMatchObject({ configFile: '/etc/orders.yaml', unit: 'etcd@orders' });
    expect(targets[2]?.unit).toBe('etcd@orders');
  });
});

describe('the staging of the snapshot', () => {
  const stagingOf = (sizeBytes: number) => {
    const snapshot = { sizeBytes, sha256: '5a' };
    const roomy = { ...killed, dataDir: directory(LAYOUT.dataDir, { freeBytes: 100 * GIB }) };
    return plan({
      hosts: { node1: roomy, node2: roomy, node3: roomy },
      data: { node1: none, node2: salvage('replayed', 9, { snapshot }), node3: none },
    }).staging;
  };
  const ranges = (sizeBytes: number) =>
    stagingOf(sizeBytes)?.parts.map(({ partNumber, parameters }) => [
      partNumber,
      Number(parameters.offsetBytes),
      Number(parameters.lengthBytes),
    ]);

  it('has a key of its own, and one part where it is small', () => {
    expect(stagingOf(4 * MIB)).toEqual({
      key: 'orders/run-1.snapshot',
      sizeBytes: 4 * MIB,
      parts: [
        {
          partNumber: 1,
          member: 'node2',
          host: 'i-2',
          parameters: {
            ...{ dataDir: '/var/lib/etcd', execution: 'run-1', source: 'data' },
            ...{ offsetBytes: '0', lengthBytes: String(4 * MIB) },
          },
        },
      ],
    });
  });

  it.each([
    ['to the byte', GIB, [[1, 0, GIB]]],
    [
      'one byte more',
      GIB + 1,
      [
        [1, 0, GIB],
        [2, GIB, 1],
      ],
    ],
    ['larger than one upload may be', 5 * GIB + 7, [0, 1, 2, 3, 4, 5].map((n) => [n + 1, n * GIB, n < 5 ? GIB : 7])],
  ])('cuts it into parts of a GiB: %s', (_, sizeBytes, expected) => {
    expect(ranges(sizeBytes)).toEqual(expected);
  });

  it('sends a backup from the host that has fetched it', () => {
    const { staging, commands } = plan({ ...withBackup(true), examined: examined(7) });
    expect(staging?.parts[0]).toMatchObject({
      host: 'i-2',
      parameters: { execution: 'run-1', lengthBytes: String(2 * MIB), source: 'backup' },
    });
    expect(names(commands.discard)).toEqual(['node1', 'node2', 'node3']);
  });
});

function withWalDirs() {
  const layout = { ...LAYOUT, walDir: '/wal' };
  const hosts = Object.fromEntries(
    ['node1', 'node2', 'node3'].map((name) => [
      name,
      { ...empty, walDir: directory('/wal'), configuration: configuration(name, { walDir: '/wal' }) },
    ]),
  );
  return { cluster: clusterOf(MEMBERS, { layout }), hosts };
}
