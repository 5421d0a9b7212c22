import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../core/cluster/observation.ts';
import type { ChooseNextChange } from '../../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import {
  clusterOf,
  configured,
  failureOf,
  inspection,
  learner,
  ledBy,
  listed,
  observation,
  silent,
  voter,
} from '../observations.ts';
import { choose, DEPARTED, MEMBERS, membersOf, STOPPED, target } from './changes.ts';

/** Members that answer, and are replaced all the same. */

const condemned = (name: string) => ({ member: name, id: name.replace('node', 'a'), problem: 'holds other data.' });
const THREE = observation(MEMBERS.map(({ name }) => voter(name)));
const FIVE = ['node1', 'node2', 'node3', 'node4', 'node5'].map((name) => configured(name));
const CORRUPT = { alarms: [{ memberId: 'a3', alarm: 'CORRUPT' }] };

function next(reading: Observation, request: Partial<ChooseNextChange> = {}): string {
  const chosen = choose(reading, { condemned: [condemned('node3')], ...request });
  return [chosen.action, ...membersOf(chosen), ...('transferee' in chosen ? ['to', chosen.transferee] : [])].join(' ');
}

describe('a member that is condemned', () => {
  it.each([
    ['it answers', THREE, [], 'StopService node3'],
    ['CORRUPT is raised', { ...THREE, ...CORRUPT }, [], 'StopService node3'],
    [
      'it is stopped',
      observation([voter('node1'), voter('node2'), silent('node3')], CORRUPT),
      STOPPED,
      'RemoveMember node3',
    ],
    [
      'another one has taken its place',
      {
        ...observation([voter('node1'), voter('node2'), learner('node3', { id: 'b3' })], CORRUPT),
        memberList: [listed('node1'), listed('node2'), listed('node3', { id: 'b3', isLearner: true })],
      },
      DEPARTED,
      'PromoteMember node3',
    ],
  ])('is replaced as one that has failed, where %s', (_, reading, done, expected) => {
    expect(next(reading, { done })).toBe(expected);
  });

  it('is left alone by whoever does not condemn it, and CORRUPT stops them', () => {
    expect(failureOf(() => choose(THREE)).message).toContain('node3 has come back');
    expect(failureOf(() => choose({ ...THREE, ...CORRUPT })).name).toBe('UnsafeToProceed');
  });

  it('stops at an alarm of a kind that is not known', () => {
    expect(failureOf(() => next({ ...THREE, alarms: [{ memberId: 'a3', alarm: '7' }] })).name).toBe('UnsafeToProceed');
  });

  it('gives leadership away first, to the one of the others that is furthest', () => {
    const led = observation(
      ledBy('node3', [voter('node1', { raftAppliedIndex: '6999' }), voter('node2'), voter('node3')]),
    );
    expect(next(led)).toBe('MoveLeadership node3 to node2');
  });

  it('is not stopped where the others would be no quorum', () => {
    const reading = observation([voter('node1'), silent('node2'), voter('node3')]);
    expect(failureOf(() => next(reading)).name).toBe('UnsafeToProceed');
  });
});

describe('several that are condemned', () => {
  const five = (letters: string, leader = 'node1') =>
    observation(
      [...letters].map((letter, at) => {
        const name = FIVE[at]?.name ?? '';
        return letter === 's' ? silent(name) : (ledBy(leader, [voter(name)])[0] ?? voter(name));
      }),
    );
  const request = {
    cluster: clusterOf(FIVE),
    targets: ['node3', 'node4', 'node5'].map((name) => target(name)),
    condemned: ['node4', 'node5'].map(condemned),
  };
  /** It has joined again, under another ID. */
  const back = (reading: Observation, name: string): Observation => {
    const id = name.replace('node', 'b');
    return {
      ...reading,
      members: reading.members.map((seen) => (seen.name === name ? voter(name, { id }) : seen)),
      memberList: reading.memberList.map((each) => (each.name === name ? { ...each, id } : each)),
    };
  };

  it('leave and join one after the other, and what has failed does so before them', () => {
    expect(next(five('wwsww'), request)).toBe('StopService node3');
    const third = back(five('wwwww'), 'node3');
    const finished = ['StopService', 'ArchiveDataDir', 'JoinCluster'].map((action) => `${action} node3`);
    expect(next(third, { ...request, done: finished })).toBe('StopService node4');
    const both = [...finished, ...finished.map((each) => each.replace('node3', 'node4'))];
    expect(next(back(third, 'node4'), { ...request, done: both })).toBe('StopService node5');
    const away = { ...back(third, 'node4') };
    away.members = away.members.map((seen) => (seen.name === 'node5' ? silent('node5') : seen));
    expect(next(away, { ...request, done: [...both, 'StopService node5'] })).toBe('RemoveMember node5');
    expect(next(back(back(third, 'node4'), 'node5'), { ...request, done: both })).toBe('Finish');
  });

  it('never lead while one of them is replaced, not even one whose turn comes later', () => {
    expect(next(five('wwsww', 'node5'), request)).toMatch(/^MoveLeadership node5 to node[12]$/);
  });
});

it('the plan for one that answers is that for one that has failed, its service stopped as it runs', () => {
  const runs = inspection('node3', {
    unit: { ...inspection('node3').unit, activeState: 'active', subState: 'running', mainPid: 4711 },
    atWork: {
      ...inspection('node3').atWork,
      clientPortListens: true,
      peerPortListens: true,
      answer: 'leader',
      memberId: 'a3',
    },
  });
  const { targets, steps } = planReplacement(
    { ...THREE, ...CORRUPT },
    {
      cluster: clusterOf(MEMBERS),
      parameters: { confirmSeconds: 30 },
      member: '',
      targets: [{ member: 'node3', kind: 'failed', problem: 'holds other data.' }],
      inspections: [{ member: 'node3', inspection: runs }],
      oldHost: [],
      condemned: [condemned('node3')],
    },
  );
  expect(targets).toMatchObject([
    { member: 'node3', removeIds: ['a3'], prepare: true, wasActive: true, asLearner: true },
  ]);
  expect(steps[0]).toMatch(/^stop etcd on i-3/);
});
