import { describe, expect, it } from 'vitest';
import type { HashReading } from '../../../core/cluster/compared-hashes.ts';
import type { Observation } from '../../../core/cluster/observation.ts';
import { type DataAssessment, repairParametersSchema } from '../../../core/member-repair/contracts.ts';
import { assessData, describeDifference } from '../../../core/member-repair/data-assessment.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterOf,
  configured,
  failureOf,
  learner,
  listed,
  noSpace,
  observation,
  silent,
  unreached,
  voter,
} from '../observations.ts';
import { corrupt, hashesOf, seen, votersOf, withLast } from './readings.ts';

const NONE = { targets: [], equal: 0, total: 0 };

function assess(reading: Observation, compared: HashReading, readings = NONE, parameters = {}): DataAssessment {
  const members = reading.memberList.map(({ name, isLearner }) => configured(name, { learner: isLearner }));
  return assessData(reading, compared, {
    cluster: clusterOf(members),
    parameters: parse(repairParametersSchema, parameters, 'parameters'),
    readings,
  });
}

/** Three readings that are the same. */
function settled(reading: Observation, compared: HashReading, parameters = {}): DataAssessment {
  let last = assess(reading, compared, NONE, parameters);
  for (let turn = 1; turn < 3; turn++) last = assess(reading, compared, last.readings as typeof NONE, parameters);
  return last;
}

const RAISED = { alarms: [corrupt('a3')] };

describe('a member whose data differ', () => {
  it('is replaced once three readings have shown it, with the reason hash by hash', () => {
    expect(assess(seen(3, RAISED), hashesOf('aab')).verdict).toBe('Confirm');
    const assessment = settled(seen(3, RAISED), hashesOf('aab'));
    expect(assessment).toMatchObject({
      verdict: 'Replace',
      readings: { targets: [{ member: 'node3', kind: 'failed' }], equal: 3 },
      condemned: [{ member: 'node3', id: 'a3' }],
      inspections: [{ member: 'node3', host: 'i-3' }],
      stepsAfter: [
        'compare the data of all voters',
        'disarm CORRUPT of a3 (node3): until then etcd takes no write',
        'write and delete a key through every voter',
      ],
    });
    expect(assessment.stepsBefore).toEqual([
      'node3 holds other data than a majority of the voters: it has the hash 98 at revision 5000, and node1, node2 have 97 (history is compacted ' +
        'up to 4000), so it is replaced',
    ]);
  });

  it('is found where etcd has raised no alarm, and then none is disarmed', () => {
    const { summary, stepsAfter } = settled(seen(3), hashesOf('aab'));
    expect(summary).toContain('etcd itself has raised no alarm.');
    expect(stepsAfter.join()).not.toContain('disarm');
  });

  it('may lead: then leadership is moved away from it first', () => {
    const { stepsBefore, summary } = settled(seen(3, { alarms: [corrupt('a2')] }), hashesOf('baa'));
    expect(stepsBefore.at(-1)).toBe(
      'move leadership from node1 to node2 or node3: a new member has its data from the leader',
    );
    expect(summary).toContain('The data of a2 (node2) agree with the majority all the same');
  });

  it.each([
    ['two of five that differ', seen(5), 'aaabb', ['node4', 'node5']],
    [
      'one that differs, and one that does not answer',
      observation(withLast(5, silent('node5'))),
      'aaab-',
      ['node4', 'node5'],
    ],
    ['one that does not answer, as etcd names it', observation(withLast(3, silent('node3')), RAISED), 'aa-', ['node3']],
  ])('is %s', (_, reading, letters, expected) => {
    const { verdict, readings } = settled(reading, hashesOf(letters));
    expect([verdict, readings.targets.map(({ member }) => member)]).toEqual(['Replace', expected]);
  });
});

describe('nothing is replaced', () => {
  it('where all hold the same and no alarm is raised', () => {
    expect(assess(seen(3), hashesOf('aaa'))).toMatchObject({
      verdict: 'NothingToDo',
      summary: 'node1, node2, node3 hold the same data at revision 5000.',
    });
  });

  it('where all hold the same: an alarm that is left over is disarmed after three readings', () => {
    const reading = seen(3, RAISED);
    expect(assess(reading, hashesOf('aaa')).verdict).toBe('Confirm');
    expect(settled(reading, hashesOf('aaa'))).toMatchObject({ verdict: 'Disarm', condemned: [], inspections: [] });
  });

  it.each([
    ['no majority of all voters agrees', seen(3, RAISED), hashesOf('abc'), {}, 'UnsafeToProceed'],
    [
      'an alarm is of a kind that is not known',
      seen(3, { alarms: [{ memberId: 'a3', alarm: '7' }] }),
      hashesOf('aab'),
      {},
      'UnsafeToProceed',
    ],
    [
      'the store is full besides',
      seen(3, { alarms: [corrupt('a3'), noSpace('node1')] }),
      hashesOf('aab'),
      {},
      'PreconditionFailed',
    ],
    [
      'another member was approved of',
      seen(3, RAISED),
      hashesOf('aab'),
      { onlyMembers: ['node2'] },
      'PreconditionFailed',
    ],
    ['only disarming was approved of', seen(3, RAISED), hashesOf('aab'), { onlyMembers: [] }, 'PreconditionFailed'],
    [
      'no quorum is left',
      observation([voter('node1'), silent('node2'), silent('node3')], RAISED),
      hashesOf('a--'),
      {},
      'EtcdUnavailable',
    ],
  ])('where %s', (_, reading, compared, parameters, expected) => {
    expect(failureOf(() => settled(reading, compared, parameters)).name).toBe(expected);
  });

  it('where only disarming was approved of, and that is said', () => {
    const { message } = failureOf(() => settled(seen(3, RAISED), hashesOf('aab'), { onlyMembers: [] }));
    expect(message).toContain(' No member may be replaced: more was not approved. ');
  });

  const learning = (...ids: string[]) => observation([...votersOf(3), learner('node4')], { alarms: ids.map(corrupt) });

  it.each([
    ['etcd names a learner, which gives no hash', learning('a4'), 'aaa'],
    ['etcd names a learner besides a voter that differs', learning('a3', 'a4'), 'aab'],
    ['etcd names nobody, and no voter explains it', learning('0'), 'aaa'],
  ])('where %s: the alarm may be for it', (_, reading, letters) => {
    expect(failureOf(() => settled(reading, hashesOf(letters)))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('it may be for a4 (node4): a learner, which gives no hash'),
    });
  });

  it.each([
    ['a voter is the one that etcd names', learning('a3'), 'aaa', 'Disarm'],
    ['a voter explains an alarm that names nobody', learning('0'), 'aab', 'Replace'],
    [
      'the learner that etcd names is down, and is replaced',
      observation([...votersOf(3), silent('node4')], {
        alarms: [corrupt('a4')],
        memberList: ['node1', 'node2', 'node3', 'node4'].map((name) => listed(name, { isLearner: name === 'node4' })),
      }),
      'aaa',
      'Replace',
    ],
  ])('for a learner where %s', (_, reading, letters, expected) => {
    expect(settled(reading, hashesOf(letters)).verdict).toBe(expected);
  });

  it('where a member cannot be judged from here, and its host cannot say why', () => {
    const reading = observation(withLast(5, unreached('node5')), RAISED);
    expect(assess(reading, hashesOf('aaab-')).verdict).toBe('Look');
  });
});

it.each([
  [{ sameAt: '4711', differentAt: '4712' }, 'The data of node3 differ from revision 4712 on: '],
  [
    { sameAt: '4711', differentAt: '4800' },
    'after 4711 and not after 4800: clients of it may have read wrong data since then',
  ],
  [{ sameAt: '', differentAt: '4001' }, 'differ at revision 4001, and it is not known since when'],
])('between which revisions clients may have read wrong data is reported: %j', (found, expected) => {
  expect(describeDifference({ member: 'node3', ...found })).toContain(expected);
});
