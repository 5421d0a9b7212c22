import { describe, expect, it } from 'vitest';
import type { RecoveryPlan } from '../../../core/quorum-recovery/contracts.ts';
import { clusterOf, configured, failureOf } from '../observations.ts';
import {
  DATA,
  examined,
  log,
  MEMBERS,
  names,
  parametersWith,
  plan,
  STATES,
  salvage,
  withBackup,
} from './recoveries.ts';

const { up } = STATES;
const swapped = ({ swap }: RecoveryPlan['commands']) =>
  swap.map(({ member, parameters }) => `${member} ${parameters.data}`);

describe('members that cannot be recovered', () => {
  const fewer = parametersWith({ acceptFewerMembers: true });
  const unreachable = {
    hosts: { node3: null },
    data: {
      node1: salvage('replayed', 4004, { log: log(5, 5) }),
      node2: salvage('replayed', 4030, { log: log(5, 9) }),
    },
  };
  const failed = { data: { ...DATA, node3: null } };

  it.each<[string, Parameters<typeof plan>[0], string]>([
    ['a host that is not reached', unreachable, 'its host i-3 cannot be looked at: Run Command does not reach it'],
    [
      'data that could not be copied',
      failed,
      'its data could not be copied, and may be newer: Nothing more fits on its disk.',
    ],
  ])('keep the others waiting, and are named with what those hold: %s', (_, request, problem) => {
    const { name, message } = failureOf(() => plan(request));
    expect(name).toBe('PreconditionFailed');
    expect(message).toMatch(/^Not every member can be recovered:\n- node3: /);
    expect(message).toContain(problem);
    expect(message).toContain('- node1: replay, revision 4004, 1000 keys\n- node2: replay, revision 4030, 1000 keys\n');
    expect(message).toMatch(
      /What node3 holds may be newer\. If it runs .* that node3 is off for good, and start again with parameters\.acceptFewerMembers\. Nothing was restored\.$/,
    );
  });

  it('are told of together, with what is told of each under it', () => {
    const hosts = { node1: null, node3: null };
    const data = { node2: salvage('raw', 9, { problem: 'It ended:\n    panic' }) };
    const { message } = failureOf(() => plan({ hosts, data }));
    expect(message).toContain(
      '- node2: raw, revision 9, 1000 keys (It ended:\n      panic)\nWhat node1, node3 hold may be newer',
    );
    expect(message).toContain('Bring their hosts back; or make sure that node1, node3 are off for good');
  });

  it('are left out where that is accepted, and told of', () => {
    const { targets, leftOut, cluster, commands, steps, loss } = plan({ ...unreachable, parameters: fewer });
    expect(names(targets)).toEqual(['node1', 'node2']);
    expect(leftOut).toEqual([
      { member: 'node3', problem: 'its host i-3 cannot be looked at: Run Command does not reach it' },
    ]);
    expect(cluster.members.map(({ name }) => name)).toEqual(['node1', 'node2']);
    expect(commands.restore[0]?.parameters.initialCluster).toBe('node1=https://node1:2380,node2=https://node2:2380');
    for (const phase of ['restore', 'swap', 'discard', 'forget', 'start', 'revert'] as const) {
      expect(names(commands[phase])).toEqual(['node1', 'node2']);
    }
    expect(steps.at(-2)).toBe(
      'leave out node3: its host i-3 cannot be looked at: Run Command does not reach it; its etcd has to stay off until it joins again, by the ' +
        'runbook for member-failed',
    );
    // Of three voters, as before: two whole logs are one of every quorum.
    expect(loss.atMostWrites).toBe(4);
  });

  it.each([
    ['another one', ['node2'], 'only node2 may be left out by the last one'],
    ['none', [], 'no member may be left out by the last one'],
  ])('keep the others waiting where leave was given for %s', (_, leaveOutOnly, approved) => {
    const { name, message } = failureOf(() =>
      plan({ ...unreachable, parameters: parametersWith({ acceptFewerMembers: true, leaveOutOnly }) }),
    );
    expect(name).toBe('PreconditionFailed');
    expect(message).toContain(`start again for a new plan and a new approval: ${approved}. Nothing was restored.`);
  });

  it('are only those that leave was not given for, which are told', () => {
    const hosts = { node1: null, node3: null };
    const parameters = parametersWith({ acceptFewerMembers: true, leaveOutOnly: ['node3'] });
    const { message } = failureOf(() => plan({ hosts, data: { node2: salvage('raw', 9) }, parameters }));
    expect(message).toContain('Not every member can be recovered:\n- node1: ');
    expect(message).not.toContain('- node3: ');
  });

  it('are left out where leave was given for these, and never by a list alone', () => {
    const leaveOutOnly = ['node1', 'node3'];
    const parameters = parametersWith({ acceptFewerMembers: true, leaveOutOnly });
    expect(plan({ ...unreachable, parameters }).leftOut.map(({ member }) => member)).toEqual(['node3']);
    const listed = parametersWith({ leaveOutOnly });
    expect(failureOf(() => plan({ ...unreachable, parameters: listed })).name).toBe('PreconditionFailed');
  });

  it('are stopped all the same where their hosts are reached', () => {
    const { targets, commands } = plan({ ...failed, parameters: fewer, hosts: { node3: up } });
    expect(names(targets)).toEqual(['node1', 'node2']);
    expect(swapped(commands)).toEqual(['node1 swap', 'node2 swap', 'node3 leave']);
    expect(names(commands.startAgain)).toEqual(['node3']);
    expect(names(commands.discard)).toEqual(['node1', 'node2', 'node3']);
    expect(names(commands.start)).toEqual(['node1', 'node2']);
    expect(names(commands.forget)).toEqual(['node1', 'node2', 'node3']);
  });

  it('may be all but one', () => {
    const { targets, winner } = plan({
      hosts: { node1: null, node3: null },
      data: { node2: salvage('raw', 9) },
      parameters: fewer,
    });
    expect(names(targets)).toEqual(['node2']);
    expect(winner.member).toBe('node2');
  });

  it('may not be the host of the backup', () => {
    const request = { ...withBackup(true), examined: examined(7), data: { ...DATA, node2: null } };
    const failure = failureOf(() =>
      plan({ ...request, parameters: { ...request.parameters, acceptFewerMembers: true } }),
    );
    expect(failure).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('on the host of node2, which is left out'),
    });
  });

  it("are learners without anybody's leave: they are stopped, and join again", () => {
    const cluster = clusterOf([...MEMBERS, configured('node4', { learner: true })]);
    const { targets, leftOut, commands } = plan({ cluster, hosts: { node4: up } });
    expect(names(targets)).toEqual(['node1', 'node2', 'node3']);
    expect(leftOut).toEqual([{ member: 'node4', problem: 'it is a learner, which has no part in a quorum' }]);
    expect(swapped(commands)).toEqual(['node1 swap', 'node2 swap', 'node3 swap', 'node4 leave']);
    expect(names(commands.startAgain)).toEqual(['node4']);
    expect(names(commands.revert)).toEqual(['node1', 'node2', 'node3']);
  });
});
