import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import {
  archivedOn,
  assessmentOf,
  CLUSTER,
  callsOf,
  changesOf,
  FINISH,
  HOSTS,
  hostOf,
  INSPECTION,
  inspectionOf,
  LOADED,
  PARAMETERS,
  PLANNED_CLUSTER,
  plannedOf,
  planOf,
  progressOf,
  replaceMember,
  replaceOf,
  targetOf,
  together,
} from './replacement-scene.ts';

/** What every report tells of its execution. */
const REPORTED = {
  incident: 'member-failed',
  runbook: 'member-replacement',
  cluster: 'orders',
  reason: 'The member is gone.',
  requestedBy: 'on-call',
  summary: 'node3 failed.',
  membersBefore: assessmentOf(['node3']).members,
};
const CHOOSE = ['Choose next change', 'What comes next?'];
const ON_HOST = (state: string) => [state, 'Did the command fail?', ...CHOOSE];
const UNTIL_PLANNED = [
  ...['Load cluster', 'Assess members', 'Has a member failed?'],
  ...['Inspect hosts', 'Did an inspection fail?', 'Plan replacement', 'Is anything left to do?'],
];
const node2 = changesOf('node2');
const node3 = changesOf('node3');

describe('an execution', () => {
  it('inspects, plans, does one thing after the other, asks again after each, and proves the result', async () => {
    const { visited, ended, waitsMs } = await replaceMember();
    expect(visited).toEqual([
      ...UNTIL_PLANNED,
      'Is this a dry run?',
      ...CHOOSE,
      ...ON_HOST('Stop service'),
      ...['Remove member', ...CHOOSE],
      ...ON_HOST('Move data aside'),
      ...['Add member', ...CHOOSE],
      ...ON_HOST('Write membership and start'),
      ...['Wait for member', ...CHOOSE],
      ...['Promote member', ...CHOOSE],
      ...['Prove writes on every member', 'Compare hashes', 'Member replaced'],
    ]);
    expect(waitsMs).toEqual([]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'Remediated',
      ...REPORTED,
      summary:
        'node3 is back: every voter took a write, and all hold the same data at revision 9. Before: node3 failed.',
      plan: ['replace node3'],
      archived: [{ member: 'node3', host: hostOf('node3'), ...archivedOn(hostOf('node3')) }],
      archives: { node3: ['/var/lib/etcd.old'] },
      hash: { revision: '9', hash: 4711, members: ['node1', 'node2', 'node3'] },
      members: ['after'],
    });
  });

  it('looks at the configured cluster, and from the plan on at the planned one', async () => {
    const executed = await replaceMember();
    const request = { cluster: CLUSTER, parameters: PARAMETERS, member: '' };
    expect(callsOf(executed, 'Load cluster')).toEqual([
      { incident: 'member-failed', execution: 'run-1', input: { cluster: 'orders' } },
    ]);
    expect(callsOf(executed, 'Assess members')).toEqual([
      { ...request, readings: { targets: [], equal: 0, total: 0 } },
    ]);
    expect(callsOf(executed, 'Plan replacement')).toEqual([
      {
        ...request,
        targets: [targetOf('node3')],
        inspections: [{ member: 'node3', inspection: inspectionOf('node3') }],
        oldHost: [],
      },
    ]);
    expect(callsOf(executed, 'Wait for member')).toEqual([{ cluster: PLANNED_CLUSTER, member: 'node3' }]);
    expect(callsOf(executed, 'Compare hashes')).toEqual([{ cluster: PLANNED_CLUSTER }]);
    expect(callsOf(executed, 'Prove writes on every member')).toEqual([
      { cluster: PLANNED_CLUSTER, execution: 'run-1' },
    ]);
  });

  it('asks the host of a member whose place another one takes, and plans with whatever became of that', async () => {
    const asked = { member: 'node2', host: hostOf('node2'), parameters: INSPECTION };
    const scene = { 'Assess members': assessmentOf(['node3'], { oldHost: [asked] }) };
    const inspected = (old: unknown) => ({
      'Inspect hosts': ({ member }: { member: string }) => (member === 'node2' ? old : inspectionOf(member)),
    });
    const told = await replaceMember({ ...scene, ...inspected(inspectionOf('node2')) });
    const away = await replaceMember({
      ...scene,
      ...inspected(failure('HostUnreachable', 'SSM does not reach it.')),
    });
    const at = { member: 'node2', host: hostOf('node2') };
    for (const [executed, report] of [
      [told, { ...at, result: inspectionOf('node2'), error: '', problem: '' }],
      [away, { ...at, result: null, error: 'HostUnreachable', problem: 'SSM does not reach it.' }],
    ] as const) {
      expect(callsOf(executed, 'Plan replacement')).toMatchObject([
        { inspections: [{ member: 'node3' }], oldHost: [report] },
      ]);
      // In the same phase as the host of the new one.
      expect(callsOf(executed, 'Inspect hosts')).toMatchObject([{ host: HOSTS.node3 }, { host: HOSTS.node2 }]);
      expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    }
  });

  it('sends what was chosen, and each time as a new command', async () => {
    const { calls } = await replaceMember();
    const sent = calls.flatMap(({ step, input }) => {
      const { command, host, parameters, visit, attempt } = Object(input);
      return command === undefined ? [] : [{ step, command, host, parameters, visit, attempt }];
    });
    const at = { host: hostOf('node3'), attempt: 0, visit: expect.any(String) };
    expect(sent).toEqual([
      { step: 'Inspect hosts', ...at, command: 'inspect-host', parameters: INSPECTION },
      { step: 'Stop service', ...at, command: 'control-service', parameters: node3.stop.commands[0]?.parameters },
      {
        ...{ step: 'Move data aside', ...at, command: 'archive-data-dir' },
        parameters: node3.archive.commands[0]?.parameters,
      },
      {
        ...{ step: 'Write membership and start', ...at, command: 'join-cluster' },
        parameters: node3.join.commands[0]?.parameters,
      },
    ]);
  });

  it('tells every choice, and every change, what was done on hosts so far and how often it was asked', async () => {
    const executed = await replaceMember();
    const unchanged = { cluster: PLANNED_CLUSTER, replaced: null, targets: [plannedOf('node3')] };
    const common = { ...unchanged, execution: 'run-1', waits: 0 };
    const stopped = ['StopService node3'];
    const moved = [...stopped, 'ArchiveDataDir node3'];
    const started = [...moved, 'JoinCluster node3'];
    expect(callsOf(executed, 'Choose next change')).toEqual(
      [[], stopped, stopped, moved, moved, started, started, started].map((doneSoFar, turn) => ({
        ...common,
        done: doneSoFar,
        turn,
      })),
    );
    expect(callsOf(executed, 'Remove member')).toEqual([{ ...common, change: 'RemoveMember', done: stopped, turn: 2 }]);
    expect(callsOf(executed, 'Add member')).toEqual([{ ...common, change: 'AddMember', done: moved, turn: 4 }]);
    expect(callsOf(executed, 'Promote member')).toEqual([
      { ...common, change: 'PromoteMember', done: started, turn: 7 },
    ]);
  });

  it('tells every choice, and every change, whose place is taken', async () => {
    const replaced = { ...CLUSTER.members[1], name: 'gone', layout: { dataDir: '/data/etcd' } };
    const executed = await replaceMember({ 'Plan replacement': { ...planOf([plannedOf('node3')]), replaced } });
    for (const step of ['Choose next change', 'Remove member', 'Add member', 'Promote member']) {
      const told = callsOf(executed, step).map((input) => Object(input).replaced);
      expect(told, step).toEqual(Array.from({ length: step === 'Choose next change' ? 8 : 1 }, () => replaced));
    }
  });

  it('counts how often in a row a member was waited for and its raft index stood still', async () => {
    const executed = await replaceMember({
      'Choose next change': [...Array.from({ length: 6 }, () => node3.wait), FINISH],
      'Wait for member': ['5', '5', '5', '9', '9', '10'].map((index) => progressOf('node3', index)),
    });
    const asked = callsOf(executed, 'Choose next change').map((input) => Object(input).waits);
    expect(asked).toEqual([0, 0, 1, 2, 0, 1, 0]);
  });

  it('chooses again when a change was not the next thing any more', async () => {
    const { visited, ended } = await replaceMember({
      'Choose next change': [node3.remove, FINISH],
      'Remove member': { changed: false, member: '', id: '' },
    });
    expect(visited.slice(-6)).toEqual([
      ...['Remove member', ...CHOOSE],
      ...['Prove writes on every member', 'Compare hashes', 'Member replaced'],
    ]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', archived: [] } });
  });

  it('of a member that only has to finish joining touches no host', async () => {
    const executed = await replaceMember({
      'Assess members': assessmentOf([], {
        readings: { targets: [targetOf('node3', 'joining')], equal: 1, total: 1 },
      }),
      'Plan replacement': planOf([plannedOf('node3', { prepare: false, removeIds: [], start: {} })]),
      'Choose next change': [node3.wait, node3.promote, FINISH],
    });
    expect(callsOf(executed, 'Inspect hosts')).toEqual([]);
    expect(callsOf(executed, 'Plan replacement')).toMatchObject([
      { targets: [targetOf('node3', 'joining')], inspections: [] },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated', archived: [] } });
  });
});

describe('an execution that changes nothing', () => {
  it('is one on a cluster in order', async () => {
    const assessment = assessmentOf([], { verdict: 'NothingToDo', summary: 'node3 failed.' });
    const { calls, ended } = await replaceMember({ 'Assess members': assessment });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Assess members']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({ outcome: 'NothingToDo', ...REPORTED });
  });

  it.each([false, true])('is one whose member has come back when it is planned (dry run: %s)', async (dryRun) => {
    const { visited, ended } = await replaceMember({
      'Load cluster': { ...LOADED, dryRun },
      'Plan replacement': planOf([]),
    });
    expect(visited).toEqual([...UNTIL_PLANNED, 'All came back']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'NothingToDo',
      ...REPORTED,
      summary: 'What had failed has come back. Nothing was changed.',
    });
  });

  it('is a dry run: it inspects, says what it would do, and which data lies aside', async () => {
    const { visited, ended } = await replaceMember({ 'Load cluster': { ...LOADED, dryRun: true } });
    expect(visited).toEqual([...UNTIL_PLANNED, 'Is this a dry run?', 'Planned']);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'Planned',
      ...REPORTED,
      targets: ['node3'],
      removeIds: ['a3'],
      plan: ['replace node3'],
      archives: { node3: ['/var/lib/etcd.old'] },
    });
  });
});

describe('two members', () => {
  const both = {
    'Assess members': assessmentOf(['node2', 'node3']),
    'Plan replacement': planOf([plannedOf('node2'), plannedOf('node3')]),
  };

  it('are stopped, removed and moved aside together, join one after the other, and are both reported', async () => {
    const [a, b] = [replaceOf('node2'), replaceOf('node3')];
    const executed = await replaceMember({
      ...both,
      'Choose next change': [
        ...[together(node2.stop, node3.stop), node2.remove, node3.remove, together(node2.archive, node3.archive)],
        ...[...a.slice(3), ...b.slice(3), FINISH],
      ],
    });
    expect(callsOf(executed, 'Plan replacement')).toMatchObject([
      {
        targets: [targetOf('node2'), targetOf('node3')],
        inspections: [{ member: 'node2' }, { member: 'node3' }],
      },
    ]);
    const choices = callsOf(executed, 'Choose next change');
    expect(choices[0]).toMatchObject({ targets: [{ member: 'node2' }, { member: 'node3' }], done: [] });
    expect(choices[1]).toMatchObject({ done: ['StopService node2', 'StopService node3'] });
    expect(choices.at(-1)).toMatchObject({
      done: [
        ...['StopService node2', 'StopService node3', 'ArchiveDataDir node2', 'ArchiveDataDir node3'],
        ...['JoinCluster node2', 'JoinCluster node3'],
      ],
    });
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Remediated',
      plan: ['replace node2', 'replace node3'],
      archived: [
        { member: 'node2', host: HOSTS.node2, ...archivedOn(hostOf('node2')) },
        { member: 'node3', host: HOSTS.node3, ...archivedOn(hostOf('node3')) },
      ],
      archives: { node2: ['/var/lib/etcd.old'], node3: ['/var/lib/etcd.old'] },
    });
  });
});
