import { describe, expect, it } from 'vitest';
import { failureOf, inspection } from '../observations.ts';
import { answering, parametersWith, recoveryAction, STATES, standing, three, withBackup } from './recoveries.ts';

const { killed, up, stopped, crashed, empty } = STATES;

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
