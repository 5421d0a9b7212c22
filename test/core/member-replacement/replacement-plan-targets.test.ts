import { describe, expect, it } from 'vitest';
import { configured, failureOf, learner, observation, silent, voter } from '../observations.ts';
import { crashed, MEMBERS, only, plan, target, withThird } from './plans.ts';

describe('a target that changed since the assessment', () => {
  it('is dropped where it came back, and nothing is left to do', () => {
    const { targets, steps } = plan(observation([voter('node1'), voter('node2'), voter('node3')]));
    expect([targets, steps]).toEqual([[], []]);
  });

  it('is dropped alone where another one is left', () => {
    const members = ['node1', 'node2', 'node3', 'node4', 'node5'].map((name) => configured(name));
    const reading = observation([voter('node1'), voter('node2'), voter('node3'), voter('node4'), silent('node5')]);
    const request = { members, targets: [target('node4'), target('node5')], inspections: { node4: {}, node5: {} } };
    expect(only(plan(reading, request)).member).toBe('node5');
  });

  it('is only waited for where it is joining again', () => {
    const planned = plan(withThird(voter('node3', { raftAppliedIndex: '12' })));
    expect(only(planned)).toMatchObject({ prepare: false, removeIds: [], start: {} });
  });

  it.each([
    ['without an inspection', {}],
    ['with one of an earlier failure', { node3: {} }],
  ])('begins to be read anew where it was joining and has failed, %s', (_, inspections) => {
    const failure = failureOf(() => plan(crashed, { targets: [target('node3', 'joining')], inspections }));
    expect(failure).toMatchObject({ name: 'EtcdUnavailable' });
    expect(failure.message).toContain('node3 does not answer');
  });

  it('stops everything where a quorum does not work without it any more', () => {
    const members = ['node1', 'node2', 'node3', 'node4', 'node5'].map((name) => configured(name));
    const reading = observation([voter('node1'), voter('node2'), silent('node3'), silent('node4'), voter('node5')]);
    const behind = { ...reading, members: [...reading.members.slice(0, 4), voter('node5', { raftAppliedIndex: '1' })] };
    const request = { members, targets: [target('node3'), target('node4')], inspections: { node3: {}, node4: {} } };
    expect(failureOf(() => plan(reading, request)).name).toBe('no error');
    expect(failureOf(() => plan(behind, request)).name).toBe('EtcdUnavailable');
  });
});

describe('a member that is joining', () => {
  it.each([
    ['a learner', learner('node3'), ['wait until node3 is caught up', 'promote node3 once it is caught up']],
    [
      'a learner that is behind',
      learner('node3', { raftAppliedIndex: '1' }),
      ['wait until node3 is caught up', 'promote node3 once it is caught up'],
    ],
  ])('is waited for and promoted: %s', (_, third, steps) => {
    const planned = plan(withThird(third), { targets: [target('node3', 'joining')], inspections: {} });
    expect(planned.steps).toEqual(steps);
    expect(only(planned)).toEqual({
      member: 'node3',
      host: 'i-3',
      removeIds: [],
      prepare: false,
      asLearner: true,
      staysLearner: false,
      wasActive: true,
      start: {},
      peerUrls: [],
    });
  });

  it('is waited for alone where it stays a learner, and needs no host', () => {
    const { host: _, ...hostless } = configured('node3', { learner: true });
    const planned = plan(withThird(learner('node3', { raftAppliedIndex: '1' })), {
      members: [...MEMBERS.slice(0, 2), hostless],
      targets: [target('node3', 'joining')],
      inspections: {},
    });
    expect(planned.steps).toEqual(['wait until node3 is caught up']);
    expect(only(planned)).toMatchObject({ host: '', staysLearner: true });
  });

  const joinLearner = (version: string, { stays = false, third = {} } = {}) => {
    const members = [...MEMBERS.slice(0, 2), configured('node3', stays ? { learner: true } : {})];
    const reading = withThird(learner('node3', { version, raftAppliedIndex: '12', ...third }), undefined, version);
    return () => plan(reading, { members, targets: [target('node3', 'joining')], inspections: {} });
  };

  it.each(['3.5.1', '3.5.19'])('is not promoted by etcd %s, whose promotion would break a later upgrade', (version) => {
    expect(failureOf(joinLearner(version))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^node3 is a learner, .* Upgrade etcd to 3\.5\.20 or later, .* Or stop its service/,
      ),
    });
  });

  it.each(['3.4.34', '3.5.20', '3.6.0'])('is promoted by etcd %s', (version) => {
    expect(only(joinLearner(version)())).toMatchObject({ prepare: false, staysLearner: false });
  });

  it('is not promoted where only its own etcd, or only that of another, is such a release', () => {
    expect(failureOf(joinLearner('3.5.30', { third: { version: '3.5.16' } })).name).toBe('PreconditionFailed');
    expect(failureOf(joinLearner('3.5.16', { third: { version: '3.5.30' } })).name).toBe('PreconditionFailed');
  });

  it('is waited for by any etcd where it stays a learner', () => {
    expect(only(joinLearner('3.5.16', { stays: true })())).toMatchObject({ prepare: false, staysLearner: true });
  });

  it('is waited for by any etcd where it is a voter that is behind', () => {
    const version = '3.5.16';
    const reading = withThird(voter('node3', { version, raftAppliedIndex: '12' }), undefined, version);
    const planned = plan(reading, { targets: [target('node3', 'joining')], inspections: {} });
    expect(only(planned)).toMatchObject({ prepare: false, removeIds: [] });
  });
});
