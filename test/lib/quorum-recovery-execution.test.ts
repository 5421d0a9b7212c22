import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../local/asl/json.ts';
import { failure, RUNNING } from './execute.ts';
import { all, INSPECTED, PLANNED, REPORTED } from './recovery-report.ts';
import {
  archivedOn,
  assessmentOf,
  COMPARED,
  except,
  FORGET,
  MEMBERS,
  memberOn,
  PARAMETERS,
  PLAN,
  PLANNED_CLUSTER,
  recover,
  SALVAGING,
  STAGED,
  salvageOf,
  swapping,
  VERIFIED,
  WRITTEN,
  wellOf,
} from './recovery-scene.ts';
import { CLUSTER, callsOf, hostOf, inspectionOf } from './replacement-scene.ts';
import { LAYOUT } from './stacks.ts';

describe('an execution that restores', () => {
  it('salvages, plans, sends, restores, puts that in place, starts all, and proves the result', async () => {
    const { visited, ended, waitsMs } = await recover();
    expect(visited).toEqual([
      ...['Load cluster', 'Assess quorum', 'Is the quorum lost?'],
      ...['Inspect hosts', 'Is the loss confirmed?', 'Choose recovery', 'What may bring the quorum back?'],
      ...[
        'Snapshot data on every host',
        'Is a backup to be found?',
        'Fetch the backup',
        'Is the backup damaged?',
        'Plan recovery',
        'Is this a dry run?',
      ],
      ...['Does it take several parts?', 'Begin upload', 'Send the snapshot', 'Did sending fail anywhere?'],
      'Complete upload',
      ...['Restore on every host', 'Did the restore fail anywhere?'],
      ...['Check for a quorum once more', 'Did the quorum come back?'],
      ...['Put restored data in place', 'Did the swap fail anywhere?'],
      ...['Start all services', 'Did the start fail anywhere?'],
      ...['Verify recovery', 'Can it take writes?', 'Prove writes on every member', 'Compare hashes'],
      ...['Clear the recovery marks', 'Was data restored?', 'Discard staged snapshot', 'Cluster restored'],
    ]);
    expect(waitsMs).toEqual([]);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(ended).output).toEqual({
      outcome: 'Remediated',
      ...REPORTED,
      ...PLANNED,
      summary:
        'Every member is healthy. The snapshot of node1 (replay) was restored. At most 2 writes are lost. Before: No member leads.',
      archived: MEMBERS.map((member) => ({ member, host: hostOf(member), ...archivedOn(hostOf(member)) })),
      configured: MEMBERS.map(
        (member) => `${hostOf(member)}: ${LAYOUT.configFile} (as it was before: ${LAYOUT.configFile}.copy)`,
      ),
      scratchLeft: '',
      interrupted: [],
      revision: COMPARED.revision,
      hash: COMPARED,
      members: VERIFIED.members,
      remaining: [],
    });
  });

  it('stops those that it left out, of which nothing lies aside and nothing is written', async () => {
    const [first] = PLAN.targets;
    const commands = { ...PLAN.commands, swap: [...swapping('swap', ['node1']), ...swapping('leave', ['node3'])] };
    const stopped = { dataDir: '', walDir: '', file: '', copy: '', changed: false };
    const { ended } = await recover({
      'Plan recovery': { ...PLAN, targets: [first], commands },
      'Put restored data in place': except({ ...archivedOn('node1'), ...WRITTEN }, { node3: stopped }),
    });
    expect(ended).toMatchObject({
      output: {
        archived: [{ member: 'node1', dataDir: archivedOn('node1').dataDir }],
        configured: [expect.stringMatching(/^[^,]*etcd[^,]*$/)],
      },
    });
  });

  it('names those that it left out', async () => {
    const leftOut = ['node2', 'node3'].map((member) => ({ member, problem: 'Its host is gone.' }));
    const { ended } = await recover({ 'Plan recovery': { ...PLAN, leftOut } });
    expect(ended).toMatchObject({
      output: { leftOut, summary: expect.stringMatching(/ Left out: node2, node3\. Before: No member leads\.$/) },
    });
  });

  it('sends each phase the commands that were planned for it, each once', async () => {
    const { calls, visited } = await recover();
    const asks = (state: string) => calls.some(({ step, input }) => step === state && 'command' in Object(input));
    // In a row: for each of them the way to the hosts and back is waited for.
    expect(visited.filter(asks)).toEqual([
      ...['Inspect hosts', 'Snapshot data on every host', 'Send the snapshot', 'Restore on every host'],
      ...['Put restored data in place', 'Start all services', 'Clear the recovery marks'],
    ]);
    const sentFrom = (step: string) =>
      calls
        .filter((call) => call.step === step)
        .map(({ input }) => {
          const { host, parameters } = Object(input);
          return { member: memberOn(host), host, parameters };
        })
        .toSorted((a, b) => a.member.localeCompare(b.member));
    const { restore, swap, start } = PLAN.commands;
    expect(sentFrom('Snapshot data on every host')).toEqual(SALVAGING.commands);
    expect(sentFrom('Send the snapshot')).toEqual(
      PLAN.staging?.parts.map(({ member, host, parameters }) => ({ member, host, parameters })),
    );
    expect(sentFrom('Restore on every host')).toEqual(restore);
    expect(sentFrom('Put restored data in place')).toEqual(swap);
    expect(sentFrom('Clear the recovery marks')).toEqual(FORGET);
    expect(sentFrom('Start all services')).toEqual(start);
  });

  it('tells the steps that decide what was found', async () => {
    const executed = await recover();
    const request = { cluster: CLUSTER, parameters: PARAMETERS };
    expect(callsOf(executed, 'Assess quorum')).toEqual([
      { ...request, readings: { lost: 0, total: 0, committed: {} } },
    ]);
    const common = { ...request, dryRun: false, members: assessmentOf().members, inspections: INSPECTED };
    expect(callsOf(executed, 'Choose recovery')).toEqual([
      { ...common, restarted: false, restartProblem: '', launchFailed: [], waits: 0, turn: 0, execution: 'run-1' },
    ]);
    expect(callsOf(executed, 'Plan recovery')).toEqual([
      {
        ...common,
        salvaged: all(salvageOf('4030')),
        examined: null,
        backup: null,
        restartProblem: '',
        launched: [],
        execution: 'run-1',
      },
    ]);
    const held = { clusterId: 'c1', commitIndex: '100', commitTerm: '3' };
    expect(callsOf(executed, 'Check for a quorum once more')).toEqual([
      { cluster: CLUSTER, held: [held, held, held], waitSeconds: 0 },
    ]);
  });

  it('proves the planned cluster, at the revision that was restored', async () => {
    const executed = await recover();
    expect(callsOf(executed, 'Verify recovery')).toEqual([
      { cluster: PLANNED_CLUSTER, revision: '4030', required: MEMBERS, restored: true },
    ]);
    const those = { cluster: PLANNED_CLUSTER, members: MEMBERS };
    expect(callsOf(executed, 'Compare hashes')).toEqual([those]);
    expect(callsOf(executed, 'Prove writes on every member')).toEqual([{ ...those, execution: 'run-1' }]);
  });

  it('uploads part by part, and completes the upload with the receipt of each', async () => {
    const executed = await recover();
    const { key, uploadId } = STAGED;
    expect(callsOf(executed, 'Begin upload')).toEqual([{ action: 'Begin', key }]);
    expect(callsOf(executed, 'Send the snapshot').map((input) => Object(input).object)).toEqual(
      [1, 2].map((partNumber) => ({ access: 'write-part', key, uploadId, partNumber })),
    );
    const parts = [1, 2].map((partNumber) => ({ partNumber, etag: `"etag-${partNumber}"` }));
    expect(callsOf(executed, 'Complete upload')).toEqual([{ action: 'Complete', key, uploadId, parts }]);
    expect(callsOf(executed, 'Discard staged snapshot')).toEqual([{ action: 'Discard', key, uploadId }]);
  });

  it('sends what fits into one part as one object, with nothing to begin or to complete', async () => {
    const [first] = PLAN.staging?.parts ?? [];
    const planned = { 'Plan recovery': { ...PLAN, staging: { ...PLAN.staging, parts: [first] } } };
    const executed = await recover(planned);
    const { key } = STAGED;
    expect(callsOf(executed, 'Send the snapshot')).toMatchObject([{ object: { access: 'write', key } }]);
    expect([...callsOf(executed, 'Begin upload'), ...callsOf(executed, 'Complete upload')]).toEqual([]);
    expect(callsOf(executed, 'Restore on every host')).toMatchObject(
      MEMBERS.map(() => ({ object: { access: 'read', key } })),
    );
    expect(callsOf(executed, 'Discard staged snapshot')).toEqual([{ action: 'Discard', key, uploadId: '' }]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    const failed = await recover({
      ...planned,
      'Send the snapshot': failure('HostCommandFailed', 'The disk is gone.'),
    });
    expect(callsOf(failed, 'Discard upload')).toEqual([{ action: 'Discard', key, uploadId: '' }]);
    expect(callsOf(failed, 'Restore on every host')).toEqual([]);
  });

  it('names the staged object to each host that restores, and to no other', async () => {
    const executed = await recover();
    expect(callsOf(executed, 'Restore on every host').map((input) => Object(input).object)).toEqual(
      MEMBERS.map(() => ({ access: 'read', key: STAGED.key })),
    );
    expect(callsOf(executed, 'Put restored data in place')[0]).not.toHaveProperty('object');
  });

  it('asks again after a phase that takes longer, with the same input, from every five seconds to every minute', async () => {
    const restored = { revision: '1000004030', sizeBytes: 9 };
    const executed = await recover({
      'Restore on every host': [...Array.from({ length: 20 }, () => RUNNING), ...MEMBERS.map(() => restored)],
    });
    const seconds = executed.waitsMs.map((ms) => Math.round(ms / 1000));
    expect([seconds.slice(0, 3), seconds.at(-1)]).toEqual([[5, 6, 7], 60]);
    const asked = callsOf(executed, 'Restore on every host').map((input) => Object(input));
    expect(asked.map(({ attempt }) => attempt)).toEqual([...Array(20).keys(), 20, 20, 20]);
    expect(new Set(asked.map(({ visit }) => visit)).size).toBe(1);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('goes on from a killed function or an answer of AWS that was lost, in whichever phase it is: the same is asked again', async () => {
    const phases = [
      ...['Inspect hosts', 'Snapshot data on every host', 'Send the snapshot', 'Restore on every host'],
      ...['Put restored data in place', 'Start all services', 'Clear the recovery marks'],
    ];
    const well = await recover();
    for (const phase of phases) {
      const broken = [failure('Sandbox.Timedout', 'Task timed out'), failure('AwsUnavailable', 'SSM does not answer.')];
      const executed = await recover({ [phase]: (input: JsonValue) => broken.shift() ?? wellOf(phase, input) });
      const asked = callsOf(executed, phase).map((input) => Object(input));
      expect(new Set(asked.map(({ visit }) => visit)).size, phase).toBe(1);
      expect(
        asked.slice(0, 3).map(({ attempt }) => attempt),
        phase,
      ).toEqual([0, 1, 2]);
      const sent = callsOf(well, phase).map((input) => Object(input).parameters);
      expect(
        asked.slice(2).map(({ parameters }) => parameters),
        phase,
      ).toEqual(sent);
      expect(executed.ended, phase).toMatchObject({ status: 'SUCCEEDED' });
    }
  });

  it('is a success although a host does not forget, and says so', async () => {
    const gone = failure('HostCommandFailed', 'The host is gone.');
    for (const remaining of [[], ['space-exceeded']]) {
      const executed = await recover({
        'Verify recovery': { ...VERIFIED, remaining },
        'Clear the recovery marks': except({ discarded: true }, { node1: gone, node3: gone }),
      });
      expect(executed.ended).toMatchObject({
        status: 'SUCCEEDED',
        output: { outcome: 'Remediated', scratchLeft: 'node1: The host is gone.\nnode3: The host is gone.' },
      });
    }
  });

  it('is a success although the staged snapshot could not be removed: the bucket does that itself', async () => {
    const { ended } = await recover({ 'Discard staged snapshot': failure('HostCommandFailed', 'S3 does not answer.') });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it('hands NOSPACE that survived over: the cluster takes no writes to prove anything with', async () => {
    const executed = await recover({ 'Verify recovery': { ...VERIFIED, remaining: ['space-exceeded'] } });
    expect(executed.visited).not.toContain('Prove writes on every member');
    expect(executed.ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Remediated', remaining: ['space-exceeded'], hash: COMPARED },
    });
  });
});

describe('a host that cannot be reached', () => {
  it('is told of, and the others are inspected and salvaged all the same', async () => {
    const executed = await recover({
      'Inspect hosts': ({ host }: { host: string }) =>
        memberOn(host) === 'node3'
          ? failure('HostCommandFailed', 'No way there.')
          : inspectionOf(memberOn(host), { mainPid: 0 }),
      'Snapshot data on every host': ({ host }: { host: string }) =>
        memberOn(host) === 'node2' ? failure('HostCommandFailed', 'The disk is full.') : salvageOf('4030'),
    });
    const failed = { result: null, error: 'HostCommandFailed' };
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      {
        inspections: [
          ...INSPECTED.slice(0, 2),
          { member: 'node3', host: hostOf('node3'), ...failed, problem: 'No way there.' },
        ],
        salvaged: [
          { member: 'node1', error: '' },
          { member: 'node2', host: hostOf('node2'), ...failed, problem: 'The disk is full.' },
          { member: 'node3', error: '' },
        ],
      },
    ]);
  });
});
