import { describe, expect, it } from 'vitest';
import { type SpaceParameters, spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  FRAGMENTED,
  FULL,
  failureOf,
  learner,
  ledBy,
  MIB,
  noSpace,
  observation,
  SMALL,
  sizes,
  voter,
} from '../observations.ts';
import { chooseNextDefragmentation, NOW_MS } from './space-decisions.ts';

function parametersWith(differences: Partial<SpaceParameters> = {}): SpaceParameters {
  return parse(spaceParametersSchema, differences, 'parameters');
}
const parameters = parametersWith();

describe('after the end of its time', () => {
  const members = ledBy(
    'node1',
    ['node1', 'node2', 'node3'].map((name) => voter(name, FRAGMENTED)),
  );
  const until = (offsetMs: number) => parametersWith({ until: new Date(NOW_MS + offsetMs).toISOString() });

  it('no member is begun, and it is told which are left', () => {
    const seen = observation(members);
    expect(chooseNextDefragmentation(seen, until(1), ['node2'], 1)).toEqual({ action: 'Defragment', member: 'node2' });
    for (const offsetMs of [0, -1]) {
      const next = chooseNextDefragmentation(seen, until(offsetMs), [], 0);
      expect(next).toEqual({ action: 'Finish', left: ['node1', 'node2', 'node3'] });
    }
    const done = observation(['node1', 'node2', 'node3'].map((name) => voter(name, SMALL)));
    expect(chooseNextDefragmentation(done, until(-1), [], 3)).toEqual({ action: 'Finish' });
  });

  it('it goes on where etcd refuses writes', () => {
    const full = observation(members, { alarms: [noSpace('node1')] });
    expect(chooseNextDefragmentation(full, until(-1), [], 0)).toEqual({ action: 'Defragment', member: 'node2' });
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
    expect(chooseNextDefragmentation(observation(members), parameters, [], 0)).toEqual({
      action: 'Defragment',
      member,
    });
  });

  it('is nobody where nobody has anything to give', () => {
    const reading = observation([voter('node1'), voter('node2')], { alarms: [noSpace('node1')] });
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Finish' });
  });

  it('is the only member, in place, for nobody can take over from it', () => {
    const reading = observation([voter('node1', FRAGMENTED)]);
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node1' });
  });

  it('is the only voter, in place, for a learner cannot take over from it', () => {
    const reading = observation([voter('node1', FRAGMENTED), learner('node2'), learner('node3')]);
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node1' });
  });

  it('is one over the threshold even where it says that nothing is free: etcd 3.4 may say so of an old state', () => {
    const members = [voter('node1', FULL), voter('node2', FULL), voter('node3', FULL)];
    const reading = observation(members, { alarms: [noSpace('node1')] });
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node2' });
  });

  it('is never a learner', () => {
    const reading = observation([voter('node1'), learner('node2', FRAGMENTED)], { alarms: [noSpace('node2')] });
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Finish' });
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
    ['nothing of an empty database, with no minimum', sizes(0, 0), { minReclaimBytes: 0 }, false],
    ['too little, but more than 80 % of the quota are taken', sizes(81, 79), {}, true],
    ['too little, and exactly 80 % of the quota are taken', sizes(80, 79), {}, false],
    ['too little, and just enough to come down to 80 %', sizes(81, 80), {}, true],
    ['too little, and a lower threshold needs it', sizes(71, 69), { disarmBelowRatio: 0.7 }, true],
  ])('is one that gives back %s: %o %o', (_, space, differences, expected) => {
    const next = chooseNextDefragmentation(observation([voter('node1', space)]), parametersWith(differences), [], 0);
    expect(next).toEqual(expected ? { action: 'Defragment', member: 'node1' } : { action: 'Finish' });
  });

  it.each([
    ['over the threshold', sizes(91, 89), {}, true],
    ['at the threshold', sizes(90, 89), {}, false],
    ['over a lower threshold', sizes(86, 84), { disarmBelowRatio: 0.85 }, true],
  ])('is, while an alarm is raised, one %s: %o %o', (_, space, differences, expected) => {
    const reading = observation([voter('node1', space)], { alarms: [noSpace('node1')] });
    const next = chooseNextDefragmentation(reading, parametersWith(differences), [], 0);
    expect(next).toEqual(expected ? { action: 'Defragment', member: 'node1' } : { action: 'Finish' });
  });

  it.each([
    [[], 'node2'],
    [['node2'], 'node2'],
    [['node2', 'node2'], 'node3'],
    [['node2', 'node3', 'node2', 'node3'], undefined],
  ])('is tried twice at most where it does not shrink: after %o', (defragmented, member) => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED), voter('node3', FRAGMENTED)]);
    expect(chooseNextDefragmentation(reading, parameters, defragmented, 4)).toEqual(
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
    expect(failureOf(() => chooseNextDefragmentation(observation(members), parameters, [], turns)).name).toBe(
      'no error',
    );
    const failure = failureOf(() => chooseNextDefragmentation(observation(members), parameters, [], turns + 1));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(`After ${turns + 1} turns node1 is still to be defragmented`);
    expect(failure.message).toContain('- node1 (leader): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB');
  });

  it('is nobody, however many turns it took, once everything is done', () => {
    expect(chooseNextDefragmentation(observation([voter('node1')]), parameters, [], 1000)).toEqual({
      action: 'Finish',
    });
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
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({
      action: 'MoveLeadership',
      member: 'node1',
      transferee,
    });
  });

  it('stays where it is to be kept: the leader is defragmented as it is, after the others all the same', () => {
    const keep = parametersWith({ leadership: 'keep' });
    const both = observation([voter('node1', FRAGMENTED), voter('node2', FRAGMENTED), voter('node3')]);
    expect(chooseNextDefragmentation(both, keep, [], 0)).toEqual({ action: 'Defragment', member: 'node2' });
    const last = observation([voter('node1', FRAGMENTED), voter('node2'), voter('node3')]);
    expect(chooseNextDefragmentation(last, keep, [], 0)).toEqual({ action: 'Defragment', member: 'node1' });
  });

  it('never moves to a learner, however far ahead', () => {
    const reading = observation([
      learner('node4', behind('7999')),
      voter('node1', FRAGMENTED),
      voter('node2', behind('6500')),
    ]);
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toMatchObject({
      action: 'MoveLeadership',
      transferee: 'node2',
    });
  });

  it('stays while another voter is to be defragmented, for that one would have to give it up again', () => {
    const reading = observation([voter('node1', FRAGMENTED), voter('node2'), voter('node3', FRAGMENTED)]);
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node3' });
  });

  it('moves to a voter that did not shrink in two tries', () => {
    const reading = observation([voter('node1', FRAGMENTED), voter('node2', FRAGMENTED)]);
    expect(chooseNextDefragmentation(reading, parameters, ['node2', 'node2'], 2)).toEqual({
      action: 'MoveLeadership',
      member: 'node1',
      transferee: 'node2',
    });
  });

  it('stays where only followers need a defragmentation', () => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED)]);
    expect(chooseNextDefragmentation(reading, parameters, [], 0)).toEqual({ action: 'Defragment', member: 'node2' });
  });
});

describe('a database that is full and not fragmented', () => {
  const members = [voter('node1', FRAGMENTED), voter('node2', sizes(95, 94)), voter('node3', sizes(98, 71))];
  const alarms = [noSpace('node2')];
  const explain = (share: string) =>
    `The database is full, not fragmented: history is compacted, and what is left in use is over ${share} of the quota on node2. \n` +
    '- node1 (leader): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB\n' +
    '- node2 (follower): database 95.0 MiB, in use 94.0 MiB, quota 100.0 MiB\n' +
    '- node3 (follower): database 98.0 MiB, in use 71.0 MiB, quota 100.0 MiB\n' +
    'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json) or delete keys, then start again. ';

  it('is refused, under an alarm, once a follower was defragmented in vain, and keeps its alarm', () => {
    const reading = observation(members, { alarms });
    expect(failureOf(() => chooseNextDefragmentation(reading, parameters, [], 0)).name).toBe('no error');
    expect(failureOf(() => chooseNextDefragmentation(reading, parameters, ['node2'], 1))).toEqual({
      name: 'VerificationFailed',
      reason: 'Full',
      message: `${explain('90 %')}The alarm is kept: etcd goes on refusing writes.`,
    });
  });

  it('is refused at once without an alarm: writes go on, so its size in use is the true one', () => {
    expect(failureOf(() => chooseNextDefragmentation(observation(members), parameters, [], 0))).toEqual({
      name: 'VerificationFailed',
      reason: 'Full',
      message: `${explain('80 %')}No alarm is raised yet: etcd still takes writes.`,
    });
  });

  it('may be full of the revisions that were to be kept', () => {
    const reading = observation(members);
    const { message } = failureOf(() =>
      chooseNextDefragmentation(reading, parametersWith({ retainRevisions: 1000 }), [], 1),
    );
    expect(message).toContain('history is compacted except for its newest 1000 revisions, and');
    expect(message).toContain(
      'quotaBackendBytes in clusters.json), retain fewer revisions or delete keys, then start again.',
    );
  });

  it.each([
    ['at 80 %, without an alarm', sizes(80, 80), [], 'no error'],
    [
      'a byte above 80 %, without an alarm',
      { dbSizeBytes: 81 * MIB, dbSizeInUseBytes: 80 * MIB + 1 },
      [],
      'VerificationFailed',
    ],
    ['at the threshold, with an alarm', sizes(90, 90), alarms, 'no error'],
    [
      'a byte above the threshold',
      { dbSizeBytes: 95 * MIB, dbSizeInUseBytes: 90 * MIB + 1 },
      alarms,
      'VerificationFailed',
    ],
  ])('begins above its goal: %s', (_, space, raised, expected) => {
    const reading = observation([voter('node1', space)], { alarms: raised });
    expect(failureOf(() => chooseNextDefragmentation(reading, parameters, ['node1'], 1)).name).toBe(expected);
  });

  it("is measured by each member's own quota", () => {
    const reading = observation([voter('node1', FULL), voter('node2', { ...FULL, quotaBytes: 200 * MIB })]);
    expect(failureOf(() => chooseNextDefragmentation(reading, parameters, [], 0)).message).toContain(
      'of the quota on node1. \n',
    );
  });
});
