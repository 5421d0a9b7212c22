import { describe, expect, it } from 'vitest';
import { type SpaceParameters, spaceParametersSchema } from '../../core/contracts/execution-input.ts';
import { parse } from '../../core/contracts/parse.ts';
import { assessSpace, chooseAlarmsToDisarm, chooseNext, describeSettled } from '../../core/decisions/space.ts';
import {
  FRAGMENTED,
  FULL,
  failureOf,
  idOf,
  learner,
  ledBy,
  MIB,
  noSpace,
  observation,
  QUOTA_BYTES,
  SMALL,
  sizes,
  voter,
} from './observations.ts';

function parametersWith(differences: Partial<SpaceParameters> = {}): SpaceParameters {
  return parse(spaceParametersSchema, differences, 'parameters');
}
const parameters = parametersWith();

describe('the assessment', () => {
  const fragmented = [voter('node1', FRAGMENTED), voter('node2', FRAGMENTED), voter('node3', FRAGMENTED)];

  it.each([
    [
      'reclaims where one member has raised NOSPACE',
      observation(fragmented, { alarms: [noSpace('node2')] }),
      'NOSPACE is raised by one member: etcd refuses writes.',
    ],
    [
      'reclaims where two members have raised NOSPACE',
      observation(fragmented, { alarms: [noSpace('node2'), noSpace('node3')] }),
      'NOSPACE is raised by 2 members: etcd refuses writes.',
    ],
    [
      'reclaims where an alarm is left over and every member is small',
      observation([voter('node1')], { alarms: [noSpace('node9')] }),
      'NOSPACE is raised by one member: etcd refuses writes.',
    ],
    [
      'prevents an alarm above 80 % of the quota, whether or not anything is free yet',
      observation([
        voter('node1'),
        voter('node2', { dbSizeBytes: 80 * MIB + 1, dbSizeInUseBytes: 80 * MIB }),
        voter('node3', FULL),
      ]),
      'No alarm yet, but above 80 % of the quota: node2, node3.',
    ],
    [
      'gives back what is fragmented, without an alarm and far below the quota',
      observation([voter('node1', sizes(40, 10)), voter('node2')]),
      'No alarm, but space can be given back by: node1.',
    ],
  ])('%s', (_, reading, summary) => {
    expect(assessSpace(reading, parameters)).toMatchObject({ verdict: 'Reclaim', summary, alarms: reading.alarms });
  });

  it('finds nothing to do at 80 % of the quota where nothing can be given back', () => {
    const member = voter('node1', sizes(80, 80));
    expect(assessSpace(observation([member]), parameters)).toEqual({
      verdict: 'NothingToDo',
      summary: 'No alarm is raised, and no member would give back enough space to be worth a defragmentation.',
      alarms: [],
      members: [
        {
          name: 'node1',
          id: 'a1',
          role: 'leader',
          version: '3.5.30',
          ...sizes(80, 80),
          quotaBytes: QUOTA_BYTES,
        },
      ],
      compactRevision: '0',
      plan: [],
    });
  });

  it('does not reclaim for a learner, which cannot be defragmented', () => {
    const reading = observation([voter('node1'), learner('node2', FRAGMENTED)]);
    expect(assessSpace(reading, parameters)).toMatchObject({ verdict: 'NothingToDo', plan: [] });
  });

  it('reports every member with its role, the learners last', () => {
    const reading = observation(ledBy('node3', [voter('node1', FULL), learner('node2'), voter('node3')]));
    expect(assessSpace(reading, parameters).members.map(({ name, role }) => [name, role])).toEqual([
      ['node1', 'follower'],
      ['node3', 'leader'],
      ['node2', 'learner'],
    ]);
  });

  it.each([
    ['node1', ['node2', 'node3', 'node1']],
    ['node2', ['node1', 'node3', 'node2']],
    ['node3', ['node1', 'node2', 'node3']],
  ])('plans the followers in the order of the configuration, and the leader %s last', (leader, plan) => {
    const reading = observation(ledBy(leader, [...fragmented, learner('node4', FRAGMENTED)]));
    expect(assessSpace(reading, parameters).plan).toEqual(plan);
  });

  it.each([
    ['to the newest revision', '5000', 0, '5000'],
    ['but for the newest revisions that are to be kept', '5000', 1200, '3800'],
    ['nothing where all are to be kept', '5000', 5000, '0'],
    ['nothing where more are to be kept than there are', '5000', 5001, '0'],
    ['beyond 53 bits to the last digit', '9223372036854775807', 4, '9223372036854775803'],
  ])('compacts %s: revision %s, keeping %d', (_, revision, retainRevisions, compactRevision) => {
    const reading = observation([voter('node1', { ...FRAGMENTED, revision })]);
    expect(assessSpace(reading, parametersWith({ retainRevisions })).compactRevision).toBe(compactRevision);
  });

  it("compacts to the leader's revision, not to that of a follower", () => {
    const members = ledBy('node2', [voter('node1', { revision: '4990' }), voter('node2', FRAGMENTED)]);
    expect(assessSpace(observation(members), parameters).compactRevision).toBe('5000');
  });
});

describe('the next member', () => {
  it.each([
    ['is the first follower', 'node1', [FRAGMENTED, FRAGMENTED, FRAGMENTED], 'node2'],
    ['is the first follower in the order of the configuration', 'node3', [FRAGMENTED, FRAGMENTED, FRAGMENTED], 'node1'],
    ['is the next follower once the first is small', 'node3', [SMALL, FRAGMENTED, FRAGMENTED], 'node2'],
    [
      'is a follower even where it has less to give than the leader',
      'node1',
      [FRAGMENTED, SMALL, sizes(40, 20)],
      'node3',
    ],
  ])('%s', (_, leader, [first, second, third], member) => {
    const members = ledBy(leader, [voter('node1', first), voter('node2', second), voter('node3', third)]);
    expect(chooseNext(observation(members), parameters, [], 0)).toEqual({ action: 'Defragment', member });
  });

  it('is nobody where nobody has anything to give', () => {
    const reading = observation([voter('node1'), voter('node2')], { alarms: [noSpace('node1')] });
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Finish' });
  });

  it('is the only member, in place, for nobody can take over from it', () => {
    const reading = observation([voter('node1', FRAGMENTED)]);
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node1' });
  });

  it('is the only voter, in place, for a learner cannot take over from it', () => {
    const reading = observation([voter('node1', FRAGMENTED), learner('node2'), learner('node3')]);
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node1' });
  });

  it('is never a learner', () => {
    const reading = observation([voter('node1'), learner('node2', FRAGMENTED)], { alarms: [noSpace('node2')] });
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Finish' });
  });

  it.each([
    ['enough bytes, enough of the database', sizes(50, 40), {}, true],
    ['a byte too few', { dbSizeBytes: 50 * MIB, dbSizeInUseBytes: 40 * MIB + 1 }, {}, false],
    ['too small a share of the database', sizes(75, 61), {}, false],
    ['as many bytes as asked for', sizes(50, 40), { minReclaimBytes: 10 * MIB }, true],
    ['fewer bytes than asked for', sizes(50, 40), { minReclaimBytes: 11 * MIB }, false],
    ['as large a share as asked for', sizes(40, 20), { minReclaimRatio: 0.5 }, true],
    ['a smaller share than asked for', sizes(40, 20), { minReclaimRatio: 0.51 }, false],
    ['nothing at all, with no minimum', sizes(50, 50), { minReclaimBytes: 0 }, false],
    ['too little, but the quota needs it', sizes(91, 89), {}, true],
    ['too little, and exactly at the threshold', sizes(90, 89), {}, false],
    ['too little, and just enough to come down to the threshold', sizes(91, 90), {}, true],
    ['too little, and a lower threshold needs it', sizes(71, 69), { disarmBelowRatio: 0.7 }, true],
  ])('is one that gives back %s: %o %o', (_, space, differences, expected) => {
    const next = chooseNext(observation([voter('node1', space)]), parametersWith(differences), [], 0);
    expect(next).toEqual(expected ? { action: 'Defragment', member: 'node1' } : { action: 'Finish' });
  });

  it.each([
    [[], 'node2'],
    [['node2'], 'node2'],
    [['node2', 'node2'], 'node3'],
    [['node2', 'node3', 'node2', 'node3'], undefined],
  ])('is tried twice at most where it does not shrink: after %o', (defragmented, member) => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED), voter('node3', FRAGMENTED)]);
    expect(chooseNext(reading, parameters, defragmented, 4)).toEqual(
      member ? { action: 'Defragment', member } : { action: 'Finish' },
    );
  });

  it.each([
    [3, 18],
    [1, 6],
  ])('is not asked for without end: %d voters have %d turns', (count, turns) => {
    const members = [voter('node1', FRAGMENTED), voter('node2'), voter('node3'), learner('node4')].filter(
      (member, index) => index < count || member.isLearner,
    );
    expect(failureOf(() => chooseNext(observation(members), parameters, [], turns)).name).toBe('no error');
    const failure = failureOf(() => chooseNext(observation(members), parameters, [], turns + 1));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(`After ${turns + 1} turns node1 is still to be defragmented`);
    expect(failure.message).toContain('- node1 (leader): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB');
  });

  it('is nobody, however many turns it took, once everything is done', () => {
    expect(chooseNext(observation([voter('node1')]), parameters, [], 1000)).toEqual({ action: 'Finish' });
  });
});

describe('leadership', () => {
  const behind = (raftAppliedIndex: string) => ({ raftAppliedIndex });

  it.each([
    ['the most caught-up voter', ['7000', '6998', '6999'], 'node3'],
    ['the first of those equally caught up', ['7000', '7000', '7000'], 'node2'],
    ['the most caught-up voter beyond 53 bits', ['9007199254740995', '9007199254740992', '9007199254740993'], 'node3'],
  ])('moves to %s before the leader is defragmented', (_, [first = '', second = '', third = ''], transferee) => {
    const reading = observation([
      voter('node1', { ...FRAGMENTED, ...behind(first) }),
      voter('node2', behind(second)),
      voter('node3', behind(third)),
    ]);
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'MoveLeadership', member: 'node1', transferee });
  });

  it('never moves to a learner, however far ahead', () => {
    const reading = observation([
      learner('node4', behind('7999')),
      voter('node1', FRAGMENTED),
      voter('node2', behind('6500')),
    ]);
    expect(chooseNext(reading, parameters, [], 0)).toMatchObject({ action: 'MoveLeadership', transferee: 'node2' });
  });

  it('stays while another voter is to be defragmented, for that one would have to give it up again', () => {
    const reading = observation([voter('node1', FRAGMENTED), voter('node2'), voter('node3', FRAGMENTED)]);
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node3' });
  });

  it('moves to a voter that did not shrink in two tries', () => {
    const reading = observation([voter('node1', FRAGMENTED), voter('node2', FRAGMENTED)]);
    expect(chooseNext(reading, parameters, ['node2', 'node2'], 2)).toEqual({
      action: 'MoveLeadership',
      member: 'node1',
      transferee: 'node2',
    });
  });

  it('stays where only followers need a defragmentation', () => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED)]);
    expect(chooseNext(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node2' });
  });
});

describe('a database that is full and not fragmented', () => {
  const members = [voter('node1', FRAGMENTED), voter('node2', FULL), voter('node3', sizes(98, 91))];
  const explanation =
    'The database is full, not fragmented: history is compacted, and what is left in use is still over 90 % of the quota on ' +
    'node2, node3. A defragmentation would free nothing that helps. \n' +
    '- node1 (leader): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB\n' +
    '- node2 (follower): database 95.0 MiB, in use 95.0 MiB, quota 100.0 MiB\n' +
    '- node3 (follower): database 98.0 MiB, in use 91.0 MiB, quota 100.0 MiB\n' +
    'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json) or delete keys, then start again. ';

  it('is refused before anything is defragmented, and keeps its alarm', () => {
    const reading = observation(members, { alarms: [noSpace('node2')] });
    expect(failureOf(() => chooseNext(reading, parameters, [], 0))).toEqual({
      name: 'VerificationFailed',
      reason: 'NotFragmented',
      message: `${explanation}The alarm is kept: etcd goes on refusing writes.`,
    });
  });

  it('is refused without an alarm as well', () => {
    expect(failureOf(() => chooseNext(observation(members), parameters, [], 0))).toEqual({
      name: 'VerificationFailed',
      reason: 'NotFragmented',
      message: `${explanation}No alarm is raised yet: etcd still takes writes.`,
    });
  });

  it('is not disarmed', () => {
    const reading = observation(members, { alarms: [noSpace('node2')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters))).toMatchObject({ reason: 'NotFragmented' });
  });

  it('may be full of the revisions that were to be kept', () => {
    const reading = observation(members);
    const { message } = failureOf(() => chooseNext(reading, parametersWith({ retainRevisions: 1000 }), [], 0));
    expect(message).toContain('history is compacted except for its newest 1000 revisions, and');
    expect(message).toContain(
      'quotaBackendBytes in clusters.json), retain fewer revisions or delete keys, then start again.',
    );
  });

  it.each([
    ['at the threshold', sizes(95, 90), 'no error'],
    ['a byte above it', { dbSizeBytes: 95 * MIB, dbSizeInUseBytes: 90 * MIB + 1 }, 'VerificationFailed'],
  ])('begins above the threshold: %s', (_, space, expected) => {
    expect(failureOf(() => chooseNext(observation([voter('node1', space)]), parameters, [], 0)).name).toBe(expected);
  });

  it("is measured by each member's own quota", () => {
    const reading = observation([voter('node1', FULL), voter('node2', { ...FULL, quotaBytes: 200 * MIB })]);
    expect(failureOf(() => chooseNext(reading, parameters, [], 0)).message).toContain('of the quota on node1. A');
  });
});

describe('the alarms to disarm', () => {
  it.each([
    ['none where none is raised', []],
    ['the one that is raised', [noSpace('node2')]],
    ['each that is raised', [noSpace('node1'), noSpace('node2')]],
    ['that of a member which was removed since', [{ memberId: 'dead', alarm: 'NOSPACE' }, noSpace('node1')]],
  ])('are %s', (_, alarms) => {
    const reading = observation([voter('node1', sizes(90, 20)), voter('node2')], { alarms });
    expect(chooseAlarmsToDisarm(reading, parameters)).toEqual(alarms);
  });

  it('are none while a voter is over the threshold', () => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED)], { alarms: [noSpace('node1')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters))).toEqual({
      name: 'VerificationFailed',
      reason: undefined,
      message:
        'Still over 90 % of the quota: node2. Disarmed now, the alarm would be raised again by the next write, so it is kept. \n' +
        '- node1 (leader): database 20.0 MiB, in use 19.0 MiB, quota 100.0 MiB\n' +
        '- node2 (follower): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB\n' +
        'Look for a compaction that is still running or a writer that fills the space at once; then start again.',
    });
  });

  it('are none while a learner is over the threshold, which has to be removed or promoted', () => {
    const reading = observation([voter('node1'), learner('node2', FULL)], { alarms: [noSpace('node2')] });
    const failure = failureOf(() => chooseAlarmsToDisarm(reading, parameters));
    expect(failure.name).toBe('VerificationFailed');
    expect(failure.message).toContain('Still over 90 % of the quota: node2.');
    expect(failure.message).toContain('- node2 (learner): database 95.0 MiB');
    expect(failure.message).toContain(
      'etcd does not defragment a learner: remove node2 and add it again once the voters are small, or promote it',
    );
  });

  it('follow the threshold that the responder chose', () => {
    const reading = observation([voter('node1', sizes(60, 20))], { alarms: [noSpace('node1')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parametersWith({ disarmBelowRatio: 0.5 }))).message).toContain(
      'Still over 50 % of the quota: node1.',
    );
  });
});

describe('the report at the end', () => {
  it('shows every member as it is now', () => {
    const members = ledBy('node2', [voter('node1'), voter('node2'), learner('node3', { version: '3.6.1' })]);
    const common = { version: '3.5.30', ...SMALL, quotaBytes: QUOTA_BYTES };
    expect(describeSettled(observation(members))).toEqual([
      { ...common, name: 'node1', id: idOf('node1'), role: 'follower' },
      { ...common, name: 'node2', id: idOf('node2'), role: 'leader' },
      { ...common, name: 'node3', id: idOf('node3'), role: 'learner', version: '3.6.1' },
    ]);
  });

  it('is a failure where the alarm is back', () => {
    const failure = failureOf(() => describeSettled(observation([voter('node1')], { alarms: [noSpace('node1')] })));
    expect(failure.name).toBe('VerificationFailed');
    expect(failure.message).toContain('NOSPACE is raised again right after it was disarmed.');
    expect(failure.message).toContain('- node1 (leader): database 20.0 MiB, in use 19.0 MiB, quota 100.0 MiB');
    expect(failure.message).toContain("a member's real quota is smaller than quotaBackendBytes in clusters.json");
  });
});
