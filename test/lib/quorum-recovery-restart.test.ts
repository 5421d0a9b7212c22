import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { LATE, RESTART, RESTARTED, running, WAIT } from './recovery-actions.ts';
import { BROKEN } from './recovery-causes.ts';
import {
  actionOf,
  COMPARED,
  except,
  LED,
  membersOf,
  NOT_LED,
  PLAN,
  recover,
  SALVAGING,
  SERVICES,
  VERIFIED,
} from './recovery-scene.ts';
import { CLUSTER, callsOf, SERVICE } from './replacement-scene.ts';

const isCommand = (input: unknown) => Object(input).command !== undefined;

describe('members that have lost their data and run', () => {
  const STOP = actionOf('Stop', { commands: SERVICES('stop', ['node3']) });

  it('are stopped, and the hosts are looked at again before anything is started', async () => {
    const executed = await recover({ ...RESTARTED, 'Choose recovery': [STOP, RESTART] });
    expect(callsOf(executed, 'Stop what has lost its data')).toMatchObject([{ parameters: { action: 'stop' } }]);
    const order = executed.calls.map(({ step }) => step);
    expect(order.indexOf('Start what has data')).toBeGreaterThan(order.lastIndexOf('Inspect hosts'));
    expect(order.lastIndexOf('Inspect hosts')).toBeGreaterThan(order.indexOf('Stop what has lost its data'));
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  });

  it('keep everything as it is where they cannot be stopped', async () => {
    const executed = await recover({ 'Choose recovery': STOP, 'Stop what has lost its data': BROKEN });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    expect(executed.calls.at(-1)?.step).toBe('Stop what has lost its data');
  });
});

describe('where a quorum has its data', () => {
  it('the services are started and nothing else: no data is salvaged, moved or restored', async () => {
    const executed = await recover(RESTARTED);
    expect(membersOf(executed, 'Start what has data')).toEqual(['node1', 'node2']);
    expect(callsOf(executed, 'Start what has data')).toMatchObject([
      { command: 'control-service', parameters: { unit: 'etcd', action: 'start-without-waiting' } },
      { command: 'control-service', parameters: { unit: 'etcd', action: 'start-without-waiting' } },
    ]);
    const held = ['node1', 'node2', 'node3'].map(() => ({ clusterId: 'c1', commitIndex: '100', commitTerm: '3' }));
    expect(callsOf(executed, 'Wait for quorum')).toEqual([{ cluster: CLUSTER, held, waitSeconds: 15 }]);
    // Twice a command is sent to hosts: to look at them, and to start.
    expect(executed.visited.filter((state) => callsOf(executed, state).some(isCommand))).toEqual([
      ...['Inspect hosts', 'Start what has data'],
    ]);
    expect([...new Set(executed.calls.map(({ step }) => step))]).toEqual([
      ...[
        'Load cluster',
        'Assess quorum',
        'Inspect hosts',
        'Choose recovery',
        'Start what has data',
        'Wait for quorum',
      ],
      ...['Verify recovery', 'Prove writes on every member', 'Compare hashes'],
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      outcome: 'Remediated',
      incident: 'quorum-lost',
      runbook: 'quorum-recovery',
      cluster: 'orders',
      reason: 'Two hosts are gone.',
      requestedBy: 'on-call',
      membersBefore: expect.anything(),
      summary: 'Every member is healthy. Two of three have their data. Before: No member leads.',
      ladder: [{ rung: 'restart', serves: true, why: 'Two of three have their data.' }],
      loss: {
        keptRevision: COMPARED.revision,
        atMostWrites: 0,
        explanation: expect.stringContaining('all that was acknowledged'),
      },
      revision: COMPARED.revision,
      hash: COMPARED,
      members: VERIFIED.members,
      remaining: [],
      interrupted: [],
      scratchLeft: '',
    });
  });

  it('those that started, and those that ran before, are waited for at once: no host is looked at again', async () => {
    for (const [before, commands, required] of [
      [[], ['node1', 'node2'], ['node1', 'node2']],
      [['node3'], ['node1'], ['node3', 'node1']],
    ] as const) {
      const executed = await recover({
        ...RESTARTED,
        'Choose recovery': {
          ...RESTART,
          commands: SERVICES('start-without-waiting', [...commands]),
          mustStart: commands.length,
        },
        'Inspect hosts': running(...before),
      });
      expect(callsOf(executed, 'Inspect hosts')).toHaveLength(3);
      expect(callsOf(executed, 'Verify recovery')).toEqual([
        { cluster: CLUSTER, revision: '0', required, restored: false },
      ]);
    }
  });

  it('one whose start failed is not, though it has a process now and then', async () => {
    const executed = await recover({
      ...RESTARTED,
      'Choose recovery': [RESTART, WAIT],
      'Inspect hosts': running('node1', 'node2'),
      'Start what has data': except(SERVICE, { node2: BROKEN }),
    });
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(2 * 3);
    expect(callsOf(executed, 'Verify recovery')).toMatchObject([{ required: ['node1'] }]);
  });

  it('one that has ended since is not, once the hosts were looked at again', async () => {
    const looks = [running(), running('node2', 'node3')];
    let looked = 0;
    const executed = await recover({
      ...RESTARTED,
      'Choose recovery': [RESTART, WAIT],
      'Wait for quorum': [NOT_LED, LED],
      'Inspect hosts': (input: { host: string }) => looks[Math.floor(looked++ / 3)]?.(input),
    });
    expect(callsOf(executed, 'Verify recovery')).toMatchObject([{ required: ['node2', 'node3'] }]);
  });

  it('one that does not join is left to the member runbook, and the others are proven', async () => {
    const remaining = { ...VERIFIED, healthy: ['node1', 'node3'], remaining: ['member-failed'] };
    const executed = await recover({
      ...RESTARTED,
      'Verify recovery': [...Array.from({ length: 13 }, () => LATE), remaining],
    });
    expect(callsOf(executed, 'Verify recovery').slice(-2)).toMatchObject([
      { required: ['node1', 'node2'] },
      { required: [] },
    ]);
    expect(callsOf(executed, 'Compare hashes')).toEqual([{ cluster: CLUSTER, members: ['node1', 'node3'] }]);
    expect(callsOf(executed, 'Prove writes on every member')).toMatchObject([{ members: ['node1', 'node3'] }]);
    expect(executed.ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Remediated', remaining: ['member-failed'] },
    });
  });

  it('a cluster that does not settle without it either is an error, and the services run on', async () => {
    const executed = await recover({ ...RESTARTED, 'Verify recovery': LATE });
    expect(callsOf(executed, 'Verify recovery')).toHaveLength(2 * 13);
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'EtcdUnavailable',
      cause: 'node2 does not answer.\nNo data was changed. The services that were started run on.',
    });
  });

  it('any other error of the proofs ends it at once', async () => {
    const executed = await recover({ ...RESTARTED, 'Verify recovery': failure('VerificationFailed', 'Too old.') });
    expect(callsOf(executed, 'Verify recovery')).toHaveLength(1);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'VerificationFailed' });
  });
});

describe('where a quorum runs already and only needs time', () => {
  it('nothing is started, and nothing was to be done', async () => {
    const executed = await recover({ 'Choose recovery': [WAIT, WAIT], 'Wait for quorum': [NOT_LED, LED] });
    expect(executed.calls.at(-1)?.step).toBe('Wait for quorum');
    expect(executed.ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'NothingToDo', summary: 'A quorum has come back. No data was changed.' },
    });
  });
});

describe('where no quorum comes of the start', () => {
  it('though enough started, it is waited for first, and then looked at again', async () => {
    const executed = await recover({
      'Choose recovery': [RESTART, WAIT, SALVAGING],
      'Wait for quorum': NOT_LED,
    });
    const states = ['Inspect hosts', 'Start what has data', 'Wait for quorum', 'Snapshot data on every host'];
    expect(executed.visited.filter((state) => states.includes(state))).toEqual([
      ...['Inspect hosts', 'Start what has data', 'Wait for quorum', 'Inspect hosts'],
      ...['Wait for quorum', 'Inspect hosts', 'Snapshot data on every host'],
    ]);
    expect(callsOf(executed, 'Choose recovery').map((input) => Object(input).waits)).toEqual([0, 1, 2]);
  });

  it('and too few started, it is looked at again, waited for, and at last salvaged; each choice knows what was tried', async () => {
    const executed = await recover({
      'Choose recovery': [RESTART, WAIT, WAIT, SALVAGING],
      'Start what has data': except(SERVICE, { node2: BROKEN }),
      'Wait for quorum': NOT_LED,
    });
    const told = callsOf(executed, 'Choose recovery').map((input) => {
      const { restarted, restartProblem, launchFailed, waits, turn } = Object(input);
      return { restarted, restartProblem, launchFailed, waits, turn };
    });
    const after = { restarted: true, restartProblem: 'node2: The disk is gone.', launchFailed: ['node2'] };
    expect(told).toEqual([
      { restarted: false, restartProblem: '', launchFailed: [], waits: 0, turn: 0 },
      { ...after, waits: 0, turn: 1 },
      { ...after, waits: 1, turn: 2 },
      { ...after, waits: 2, turn: 3 },
    ]);
    expect(callsOf(executed, 'Inspect hosts')).toHaveLength(4 * 3);
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      { restartProblem: 'node2: The disk is gone.', launched: ['node1', 'node2'] },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { ladder: PLAN.ladder } });
  });

  it('and the choice refuses, nothing is touched any more', async () => {
    const executed = await recover({
      'Choose recovery': [RESTART, failure('PreconditionFailed', 'They run, and none leads.')],
    });
    expect(executed.visited.at(-1)).toBe('Stop with the error');
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: 'They run, and none leads.',
    });
  });
});
