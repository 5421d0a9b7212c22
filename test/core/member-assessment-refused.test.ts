import { describe, expect, it } from 'vitest';
import { memberParametersSchema } from '../../core/contracts/execution-input.ts';
import type { MembersAssessment } from '../../core/contracts/membership.ts';
import type { MemberObservation } from '../../core/contracts/observation.ts';
import { parse } from '../../core/contracts/parse.ts';
import { assessMembers } from '../../core/decisions/member-assessment.ts';
import { clusterOf, configured, failureOf, observation, refusing, silent, voter } from './observations.ts';

const PARAMETERS = parse(memberParametersSchema, {}, 'parameters');

function assess(members: MemberObservation[], member = '', parameters = PARAMETERS): MembersAssessment {
  const cluster = clusterOf(members.map(({ name }) => configured(name)));
  const readings = { targets: [], equal: 0, total: 0 };
  return assessMembers(observation(members), { cluster, parameters, member, readings });
}

describe('a member that answers and refuses this runbook', () => {
  const well = ['node1', 'node2', 'node3'].map((name) => voter(name));

  it('is not replaced, which its first reading says, and every such member is named', () => {
    const refused = [refusing('node4', 'Its certificate has expired.'), refusing('node5', 'The login is refused.')];
    expect(failureOf(() => assess([...well, ...refused]))).toMatchObject({
      name: 'PreconditionFailed',
      message:
        'node4 runs and refuses us: Its certificate has expired.\nnode5 runs and refuses us: The login is refused.\n' +
        'Nothing of this proves that a member has failed, and replacing it would not help. Correct it, and start again. Nothing was changed.',
    });
  });

  it('keeps another one from being replaced, and is the only one that is named', () => {
    const failure = failureOf(() => assess([...well, silent('node4'), refusing('node5')]));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toMatch(/^node5 runs and refuses us: /);
    expect(failure.message).not.toContain('node4');
  });

  it('is refused as well where it is the one that was named', () => {
    expect(failureOf(() => assess([...well, refusing('node4')], 'node4')).name).toBe('PreconditionFailed');
  });

  it('is no matter where a healthy one is named', () => {
    expect(assess([...well, refusing('node4')], 'node2').verdict).toBe('NothingToDo');
  });

  it('is told from one that is silent, which is to be confirmed', () => {
    expect(assess([...well, silent('node4')]).verdict).toBe('Confirm');
  });
});

describe('members that may be replaced', () => {
  const well = ['node1', 'node2', 'node3'].map((name) => voter(name));
  const only = (...onlyMembers: string[]) => ({ ...PARAMETERS, onlyMembers });

  it('are any, where nothing is said', () => {
    expect(assess([...well, silent('node4')]).verdict).toBe('Confirm');
  });

  it('are those that somebody has approved of, also where fewer have failed than that', () => {
    expect(assess([...well, silent('node4'), voter('node5')], '', only('node4', 'node5')).verdict).toBe('Confirm');
  });

  it('are no others, which have failed since: nothing is changed, and they are named', () => {
    const { name, message } = failureOf(() => assess([...well, silent('node4'), silent('node5')], '', only('node4')));
    expect(name).toBe('PreconditionFailed');
    expect(message).toMatch(/^node5 .* Only node4 may be replaced: nobody has approved of more\./);
  });

  it('are no reason to refuse where another is only behind, which is waited for', () => {
    const behind = voter('node5', { raftAppliedIndex: '12' });
    expect(assess([...well, silent('node4'), behind], '', only('node4')).verdict).toBe('Confirm');
  });

  it('are none where the one that was approved of is back', () => {
    expect(assess([...well, voter('node4'), voter('node5')], '', only('node4')).verdict).toBe('NothingToDo');
  });
});
