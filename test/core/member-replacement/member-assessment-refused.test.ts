import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { type MembersAssessment, memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterOf,
  configured,
  failureOf,
  inspected,
  inspection,
  observation,
  refusing,
  silent,
  unreached,
  voter,
} from '../observations.ts';

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
    expect(message).toMatch(/^node5 .* Only node4 may be replaced: more was not approved\./);
  });

  it('are no reason to refuse where another is only behind, which is waited for', () => {
    const behind = voter('node5', { raftAppliedIndex: '12' });
    expect(assess([...well, silent('node4'), behind], '', only('node4')).verdict).toBe('Confirm');
  });

  it('are none where the one that was approved of is back', () => {
    expect(assess([...well, voter('node4'), voter('node5')], '', only('node4')).verdict).toBe('NothingToDo');
  });
});

describe('a member that nobody gets to from here', () => {
  const well = ['node1', 'node2', 'node3'].map((name) => voter(name));
  const members = [...well, unreached('node4'), refusing('node5', 'The login is refused.')];
  const cluster = clusterOf(members.map(({ name }) => configured(name)));
  const request = { cluster, parameters: PARAMETERS, member: '', targets: [], inspections: [] };
  const planned = (oldHost: InspectionReport[], seen: MemberObservation[] = members) =>
    failureOf(() => planReplacement(observation(seen), { ...request, oldHost }));
  const runs = (answer: HostInspection['atWork']['answer']) =>
    inspected('node4', {
      unit: { ...inspection('node4').unit, activeState: 'active', subState: 'running', mainPid: 4711 },
      atWork: {
        clientPortListens: true,
        peerPortListens: true,
        processState: 'S',
        answer,
        memberId: 'a4',
        problem: '',
      },
    });

  it('is not replaced, and its host is asked for the other view; not that of one which refuses us', () => {
    const { verdict, inspections, oldHost, readings } = assess(members);
    expect({ verdict, inspections, targets: readings.targets }).toEqual({
      verdict: 'Look',
      inspections: [],
      targets: [],
    });
    expect(oldHost.map(({ member, host }) => [member, host])).toEqual([['node4', 'i-4']]);
  });

  it('is refused at once where no host is known', () => {
    const hostless = { ...cluster, members: cluster.members.map(({ host: _, ...member }) => member) };
    const readings = { targets: [], equal: 0, total: 0 };
    const failure = failureOf(() => assessMembers(observation(members), { ...request, cluster: hostless, readings }));
    expect(failure.message).toMatch(/^node4 cannot be judged from here: The host name in clientUrl .*\nnode5 runs and/);
  });

  it.each<[string, InspectionReport, string]>([
    [
      'at work',
      runs('leader'),
      'Its host i-4 says that its unit is active (running) with process 4711, that it listens for clients and peers, and that it has a leader: it runs. Correct its clientUrl, or what is between it and here.',
    ],
    ['stopped', inspected('node4'), 'Its host i-4 says that its unit is failed: once its clientUrl'],
    ['of no use', runs('silent'), 'and that it does not answer on its own host either: once its clientUrl'],
    ['not told of', runs('speaks'), 'but does not say whether it has a leader.\n'],
    ['out of reach', inspected('node4', null), 'Its host i-4 could not be asked: Run Command does not reach it.'],
  ])('is refused with both views where its host shows it %s', (_, report, view) => {
    const { name, message } = planned([report]);
    expect(name).toBe('PreconditionFailed');
    expect(message).toMatch(
      /^node4 cannot be judged from here: The host name in clientUrl is not known to DNS here\. Its/,
    );
    expect(message).toContain(view);
    expect(message).toContain('\nnode5 runs and refuses us: The login is refused.\nNothing of this proves');
  });

  it('is left to a new start where it can be judged by now', () => {
    expect(planned([], [...well, voter('node4'), voter('node5')])).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('can be by now. Nothing was changed; start again.'),
    });
  });
});
