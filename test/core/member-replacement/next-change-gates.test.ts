import { describe, expect, it } from 'vitest';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import type { ChooseNextChange } from '../../../core/member-replacement/contracts.ts';
import {
  clusterOf,
  configured,
  failureOf,
  LAYOUT,
  learner,
  listed,
  MIB,
  noSpace,
  observation,
  silent,
  voter,
} from '../observations.ts';
import {
  added,
  choose,
  crashed,
  DEPARTED,
  joining,
  LIST,
  STARTED,
  STOPPED,
  started,
  target,
  withThird,
} from './changes.ts';

describe('a wait', () => {
  const inspect = {
    host: 'i-3',
    parameters: {
      unit: 'etcd',
      dataDir: LAYOUT.dataDir,
      walDir: '',
      configFile: LAYOUT.configFile,
      binDir: LAYOUT.binDir,
      user: LAYOUT.user,
      group: LAYOUT.group,
      url: '',
    },
  };

  it.each([
    ['does not answer', silent('node3', 'Refused.'), 18, 19, 'node3 was started and does not answer: Refused.'],
    [
      'answers and makes no progress',
      learner('node3', { id: 'b3', raftAppliedIndex: '1' }),
      59,
      60,
      'node3 was started and has applied 1 of 7000 log entries',
    ],
  ])('for a member that %s ends, and its host is looked at', (_, third, last, limit, problem) => {
    const reading = withThird(third, started);
    expect(choose(reading, { done: STARTED, waits: last })).toEqual({ action: 'WaitForMember', member: 'node3' });
    expect(choose(reading, { done: STARTED, waits: limit })).toEqual({
      action: 'GiveUp',
      member: 'node3',
      problem,
      ...inspect,
    });
  });

  it.each([
    ['1 byte', 1, 19],
    ['100 MiB', 100 * MIB, 19],
    ['100 MiB and 1 byte', 100 * MIB + 1, 20],
    ['8 GiB', 8192 * MIB, 100],
  ])('for a member that does not answer lasts as long as the leader takes to send it %s', (_, dbSizeBytes, limit) => {
    const reading = withThird(silent('node3'), started);
    const [leader, ...others] = reading.members;
    const sending = { ...reading, members: [{ ...leader, dbSizeBytes } as MemberObservation, ...others] };
    expect(choose(sending, { done: STARTED, waits: limit - 1 }).action).toBe('WaitForMember');
    expect(choose(sending, { done: STARTED, waits: limit }).action).toBe('GiveUp');
  });

  it('for a member that answers does not depend on the size of the database', () => {
    const behind = learner('node3', { id: 'b3', raftAppliedIndex: '1' });
    const reading = observation([voter('node1', { dbSizeBytes: 8192 * MIB }), voter('node2'), behind]);
    const request = { done: STARTED, waits: 60 };
    expect(choose({ ...reading, memberList: [...LIST.slice(0, 2), started] }, request).action).toBe('GiveUp');
  });

  it('does not end with giving up where the member is ready in the end', () => {
    const ready = withThird(learner('node3', { id: 'b3' }), started);
    expect(choose(ready, { done: STARTED, waits: 1000 })).toMatchObject({ action: 'PromoteMember' });
    expect(choose(withThird(voter('node3')), { targets: [joining('node3')], waits: 1000 })).toEqual({
      action: 'Finish',
    });
  });
});

describe('the loop', () => {
  it('ends where the turns do not', () => {
    expect(choose(crashed, { turn: 1000 })).toMatchObject({ action: 'StopService' });
    expect(failureOf(() => choose(crashed, { turn: 1001 }))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('After 1001 turns'),
    });
  });

  it('leaves a member alone that is catching up by itself, before it was stopped', () => {
    const behind = withThird(voter('node3', { raftAppliedIndex: '1' }));
    expect(failureOf(() => choose(behind))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('come back, so it is not replaced'),
    });
  });
});

describe('the gates before every change', () => {
  /** From before the first change to after the last one. */
  const STAGES: [string, Observation, Partial<ChooseNextChange>][] = [
    ['before it is stopped', crashed, {}],
    ['before it is removed', crashed, { done: STOPPED }],
    ['before its data is moved aside', withThird(silent('node3'), null), { done: STOPPED }],
    ['before it is added', withThird(silent('node3'), null), { done: DEPARTED }],
    ['before it is started', withThird(silent('node3'), added), { done: STARTED.slice(0, 3) }],
    ['before it is promoted', withThird(learner('node3', { id: 'b3' }), started), { done: STARTED }],
    ['at the end', withThird(voter('node3', { id: 'b3' }), listed('node3', { id: 'b3' })), { done: STARTED }],
  ];
  const replaceSecond = ({ members, ...rest }: Observation, second: MemberObservation): Observation => ({
    ...rest,
    members: members.map((member, index) => (index === 1 ? second : member)),
  });

  it.each(STAGES)('stop at alarms: %s', (_, reading, request) => {
    const alarms = (...alarm: Observation['alarms']) => failureOf(() => choose({ ...reading, alarms: alarm }, request));
    expect(alarms(noSpace('node1')).name).toBe('PreconditionFailed');
    expect(alarms(noSpace('gone')).message).toContain('Run the runbook for space-exceeded first');
    expect(alarms({ memberId: 'a1', alarm: 'CORRUPT' }).name).toBe('UnsafeToProceed');
    expect(alarms(noSpace('node1'), { memberId: 'a3', alarm: '9' }).name).toBe('UnsafeToProceed');
  });

  it.each(STAGES)('wait for a leader: %s', (_, reading, request) => {
    const leaderless = reading.members.map((member) => (member.answering ? { ...member, leaderId: '0' } : member));
    expect(failureOf(() => choose({ ...reading, members: leaderless }, request)).name).toBe('EtcdUnavailable');
    expect(failureOf(() => choose({ ...reading, memberList: [] }, request)).name).toBe('EtcdUnavailable');
  });

  it.each(STAGES)('wait for a member that stays and is behind: %s', (_, reading, request) => {
    const behind = replaceSecond(reading, voter('node2', { raftAppliedIndex: '12' }));
    const failure = failureOf(() => choose(behind, request));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toMatch(/node2:? has applied 12 of 7000 log entries/);
  });

  it('wait for a member that fails besides the targets, as long as a quorum is left', () => {
    const names = ['node1', 'node2', 'node3', 'node4', 'node5'];
    const cluster = clusterOf(names.map((name) => configured(name)));
    const well = names.slice(0, 3).map((name) => voter(name));
    const reading = observation([...well, silent('node4', 'Refused.'), silent('node5')]);
    const failure = failureOf(() => choose(reading, { cluster, targets: [target('node5')] }));
    expect(failure).toMatchObject({
      name: 'EtcdUnavailable',
      message: 'The members that stay are not all well: node4 does not answer: Refused.',
    });
  });

  it('stop where only members that are behind would make the quorum, though they are to be waited for', () => {
    const names = ['node1', 'node2', 'node3', 'node4', 'node5'];
    const cluster = clusterOf(names.map((name) => configured(name)));
    const behind = ['node4', 'node5'].map((name) => voter(name, { raftAppliedIndex: '12' }));
    const reading = observation([voter('node1'), voter('node2'), silent('node3'), ...behind]);
    const targets = [target('node3'), joining('node4'), joining('node5')];
    expect(failureOf(() => choose(reading, { cluster, targets })).message).toContain(
      'there are 2 healthy voters, and a quorum is 3',
    );
  });
});
