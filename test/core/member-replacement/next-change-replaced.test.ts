import { describe, expect, it } from 'vitest';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { chooseNextChangeInput } from '../../../core/member-replacement/contracts.ts';
import { scopeInView } from '../../../core/member-replacement/next-change.ts';
import { clusterOf, configured, failureOf, learner, listed, observation, silent, voter } from '../observations.ts';
import { choose, LIST, MEMBERS, target } from './changes.ts';

/** node9 on a spare host takes the place of node3, at any point of it. */
const replaced = configured('node3');
const cluster = clusterOf([...MEMBERS.slice(0, 2), configured('node9')]);
const targets = [target('node9', { removeIds: ['a3'] })];
const request = { cluster, replaced, targets };
const STOPPED = ['StopService node9'];
const DEPARTED = [...STOPPED, 'ArchiveDataDir node9'];
const STARTED = [...DEPARTED, 'JoinCluster node9'];

/** node1 and node2 are well; then node9 and node3, as the scope names them. */
function reading(ninth: MemberObservation, third: MemberObservation, memberList: Observation['memberList']) {
  return observation([voter('node1'), voter('node2'), ninth, third], { memberList });
}
const WITHOUT_THIRD = LIST.slice(0, 2);
const joined = listed('node9', { id: 'b9', isLearner: true });

it('the members as they will be are looked at, and after them the one whose place is taken', () => {
  const input = { done: [], waits: 0, turn: 0, execution: 'run-1', cluster, targets };
  const names = (one: typeof replaced | null) =>
    scopeInView({ ...input, replaced: one }).observed.map(({ name }) => name);
  expect(names(replaced)).toEqual(['node1', 'node2', 'node9', 'node3']);
  expect(names(null)).toEqual(['node1', 'node2', 'node9']);
});

it('whoever asks for the next change says whose place is taken, if any', () => {
  const input = { cluster, targets, done: [], waits: 0, turn: 0, execution: 'run-1' };
  expect(chooseNextChangeInput.safeParse({ ...input, replaced }).success).toBe(true);
  expect(chooseNextChangeInput.safeParse({ ...input, replaced: null }).success).toBe(true);
  expect(chooseNextChangeInput.safeParse(input).success).toBe(false);
});

describe('a member on another host', () => {
  it.each([
    [
      'is stopped',
      reading(silent('node9'), silent('node3'), LIST),
      [],
      { action: 'StopService', commands: [{ host: 'i-9' }] },
    ],
    [
      'has the old one taken off the list',
      reading(silent('node9'), silent('node3'), LIST),
      STOPPED,
      { action: 'RemoveMember', member: 'node9', id: 'a3' },
    ],
    [
      'is then given an empty data dir',
      reading(silent('node9'), silent('node3'), WITHOUT_THIRD),
      STOPPED,
      { action: 'ArchiveDataDir', commands: [{ host: 'i-9' }] },
    ],
    [
      'is then added at its own peer URL',
      reading(silent('node9'), silent('node3'), WITHOUT_THIRD),
      DEPARTED,
      { action: 'AddMember', member: 'node9', peerUrls: ['https://node9:2380'] },
    ],
    [
      'is promoted in the end',
      reading(learner('node9', { id: 'b9' }), silent('node3'), [...WITHOUT_THIRD, joined]),
      STARTED,
      { action: 'PromoteMember', member: 'node9', id: 'b9' },
    ],
    [
      'has then taken the place',
      reading(voter('node9', { id: 'b9' }), silent('node3'), [...WITHOUT_THIRD, { ...joined, isLearner: false }]),
      STARTED,
      { action: 'Finish' },
    ],
  ])('%s', (_, seen, done, expected) => {
    expect(choose(seen, { ...request, done })).toMatchObject(expected);
  });
});

describe('the member whose place is taken', () => {
  it.each([
    ['before anything is stopped', []],
    ['before it is removed', STOPPED],
  ])('is left alone where it has come back, %s', (_, done) => {
    expect(failureOf(() => choose(reading(silent('node9'), voter('node3'), LIST), { ...request, done }))).toMatchObject(
      {
        name: 'PreconditionFailed',
        message:
          'node3 at https://node3:2379 is healthy, and this runbook replaces members that have failed. Say with "member" which one has.',
      },
    );
  });

  it('is no matter where it comes back after it was removed', () => {
    const seen = reading(silent('node9'), voter('node3'), WITHOUT_THIRD);
    expect(choose(seen, { ...request, done: STOPPED }).action).toBe('ArchiveDataDir');
  });

  it('does not make up for a voter of those that stay', () => {
    const seen = observation([voter('node1'), silent('node2'), silent('node9'), voter('node3', { leaderId: '0' })], {
      memberList: LIST,
    });
    expect(failureOf(() => choose(seen, request)).name).toBe('EtcdUnavailable');
  });
});

it('the new member may be reached at the client URL of the old one, whose name in DNS it has taken over', () => {
  const ninth = voter('node9', { id: 'b9' });
  const both = reading(ninth, { ...ninth, name: 'node3' }, [...WITHOUT_THIRD, listed('node9', { id: 'b9' })]);
  expect(choose(both, { ...request, done: STARTED })).toEqual({ action: 'Finish' });
});

it('the old member is not removed under an ID that the plan does not name: somebody has added it again', () => {
  const again = [...WITHOUT_THIRD, listed('node3', { id: 'c3', name: '', isLearner: true })];
  const chosen = () => choose(reading(silent('node9'), silent('node3'), again), { ...request, done: STOPPED });
  expect(failureOf(chosen)).toMatchObject({
    name: 'PreconditionFailed',
    message: expect.stringContaining('member c3'),
  });
});

it('a learner that somebody else has added is not promoted where its promotion would not be kept', () => {
  const ninth = learner('node9', { id: 'b9', version: '3.5.16' });
  expect(
    failureOf(() => choose(reading(ninth, silent('node3'), [...WITHOUT_THIRD, joined]), { ...request, done: STARTED })),
  ).toMatchObject({
    name: 'PreconditionFailed',
    message: expect.stringContaining('node9 was added as a learner by another person or program'),
  });
});
