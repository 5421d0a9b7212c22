import { describe, expect, it } from 'vitest';
import { failureOf } from '../observations.ts';
import { names, recoveryAction, STATES, three } from './recoveries.ts';

const { killed, up, waiting, crashed, empty } = STATES;

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
