import { describe, expect, it } from 'vitest';
import {
  type ChooseNextTokenAction,
  type TokenObservation,
  tokenParametersSchema,
} from '../../../core/auth-token-reset/contracts.ts';
import { chooseNextTokenAction } from '../../../core/auth-token-reset/next-token-action.ts';
import { verifyTokens } from '../../../core/auth-token-reset/token-verification.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { clusterOf, configured, failureOf, silent, voter } from '../observations.ts';
import { tokensOf, windowOf } from './tokens.ts';

function voters(count: number, differences: Record<string, MemberObservation> = {}): MemberObservation[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node${index + 1}`;
    return differences[name] ?? voter(name);
  });
}
const THREE = voters(3);
const WELL = tokensOf(THREE, ['ttt', 'ttt', 'ttt']);
const REJECTING = tokensOf(THREE, ['ttt', 'ttt', 'rrr']);
const OPEN = { 0: 'Open', 1: 'Open', 2: 'Open' } as const;

function choose(observation: TokenObservation, request: Partial<ChooseNextTokenAction> = {}) {
  return chooseNextTokenAction(observation, {
    cluster: clusterOf(observation.members.map(({ name }) => configured(name))),
    parameters: tokenParametersSchema.parse({}),
    rejecting: observation.members.map(({ name }) => name),
    restartable: ['node3'],
    mayToggle: true,
    done: [],
    waits: 0,
    turn: 0,
    execution: 'run-1',
    ...request,
  });
}
const restartOf = (member: string) => ({
  action: 'RestartService',
  member,
  host: member.replace('node', 'i-'),
  parameters: {
    ...{ unit: 'etcd', action: 'restart', dataDir: '/var/lib/etcd', walDir: '' },
    ...{ clusterId: 'c0ffee', commitIndex: '' },
  },
});

describe('the next cure', () => {
  it('is the restart of the member that rejects tokens', () => {
    expect(choose(REJECTING)).toEqual(restartOf('node3'));
  });

  it('is nothing more once all take tokens, whatever was done', () => {
    expect(choose(WELL)).toEqual({ action: 'Finish' });
    expect(choose(WELL, { done: ['RestartService node3'] })).toEqual({ action: 'Finish' });
  });

  it.each([
    ['silent', tokensOf(voters(3, { node3: silent('node3') }), ['tt', 'tt', 'uu'])],
    ['behind', tokensOf(voters(3, { node3: voter('node3', { raftAppliedIndex: '12' }) }), ['ttt', 'ttt', 'rrr'])],
    ['undecided', tokensOf(THREE, ['ttt', 'ttt', 'rrt'])],
  ])('is to wait while the member that was restarted is %s, and in the end to say so', (_, reading) => {
    const restarted = { done: ['RestartService node3'] };
    expect(choose(reading, restarted)).toEqual({ action: 'WaitForMember', member: 'node3' });
    expect(failureOf(() => choose(reading, { ...restarted, waits: 36 }))).toMatchObject({
      name: 'VerificationFailed',
      message: expect.stringContaining('node3 was restarted, and is not back'),
    });
  });

  it('is the restart of one of two, and of the other only once the first is back', () => {
    const two = { restartable: ['node4', 'node5'] };
    const both = tokensOf(voters(5), ['ttttt', 'ttttt', 'ttttt', 'rrrrr', 'rrrrr']);
    expect(choose(both, two)).toEqual(restartOf('node4'));
    const one = { ...two, done: ['RestartService node4'] };
    const away = tokensOf(voters(5, { node4: silent('node4') }), ['tttt', 'tttt', 'tttt', 'uuuu', 'rrrr']);
    expect(choose(away, one)).toEqual({ action: 'WaitForMember', member: 'node4' });
    expect(choose(tokensOf(voters(5), ['ttttt', 'ttttt', 'ttttt', 'ttttt', 'rrrrr']), one)).toEqual(restartOf('node5'));
  });

  it('is the restart of one after the other where all reject tokens, for they are a quorum all the same', () => {
    const all = tokensOf(THREE, ['rrr', 'rrr', 'rrr']);
    expect(choose(all, { restartable: ['node1', 'node2', 'node3'] })).toEqual(restartOf('node1'));
  });

  describe('is no restart of a member that the quorum needs', () => {
    const down = tokensOf(voters(3, { node2: silent('node2') }), ['tt', 'uu', 'rr']);

    it.each([
      ['another is down', down, 'UnsafeToProceed'],
      [
        'another is behind',
        tokensOf(voters(3, { node2: voter('node2', { raftAppliedIndex: '12' }) }), ['ttt', 'ttt', 'rrr']),
        'EtcdUnavailable',
      ],
      ['it is the only voter', tokensOf(voters(1), ['r']), 'UnsafeToProceed'],
    ])('where %s', (_, reading, name) => {
      const restartable = reading.members.length === 1 ? ['node1'] : ['node3'];
      expect(failureOf(() => choose(reading, { restartable, mayToggle: false }))).toMatchObject({ name });
    });

    it('but the toggle, where that may be', () => {
      expect(choose(down)).toEqual({ action: 'ToggleAuthentication', through: 'node1' });
    });
  });

  it('is for those alone that were surely found to reject tokens', () => {
    const both = tokensOf(THREE, ['ttt', 'rrr', 'rrr']);
    expect(choose(both, { rejecting: ['node3'], done: ['RestartService node3'], restartable: ['node3'] })).toEqual({
      action: 'ToggleAuthentication',
      through: 'node1',
    });
    const other = tokensOf(THREE, ['ttt', 'rrr', 'ttt']);
    expect(choose(other, { rejecting: ['node3'], done: ['RestartService node3'], restartable: ['node3'] })).toEqual({
      action: 'Finish',
    });
  });

  it.each<[string, Partial<ChooseNextTokenAction>]>([
    ['nobody can be restarted', { restartable: [] }],
    ['the restart did not help', { done: ['RestartService node3'] }],
  ])('is the toggle where %s, through the leader', (_, request) => {
    expect(choose(REJECTING, request)).toEqual({ action: 'ToggleAuthentication', through: 'node1' });
  });

  it('is the toggle through another member where the leader is the one that rejects tokens', () => {
    const reading = tokensOf(THREE, ['rrr', 'ttt', 'ttt']);
    expect(choose(reading, { restartable: [] })).toEqual({ action: 'ToggleAuthentication', through: 'node2' });
  });

  it('is to enable authentication where this execution has disabled it, and nothing where another one has', () => {
    const open = (execution: string) => tokensOf(THREE, ['', '', ''], { logins: OPEN, window: windowOf(execution) });
    expect(choose(open('run-1'))).toEqual({ action: 'EnableAuthentication' });
    expect(failureOf(() => choose(open('run-2')))).toMatchObject({ name: 'PreconditionFailed' });
  });

  it.each<[string, Partial<ChooseNextTokenAction>]>([
    ['the toggle has not helped', { restartable: [], done: ['ToggleAuthentication'] }],
    ['the restart has not helped, and nothing else may be done', { done: ['RestartService node3'], mayToggle: false }],
  ])('is none where %s', (_, request) => {
    expect(failureOf(() => choose(REJECTING, request))).toMatchObject({
      name: 'VerificationFailed',
      message: expect.stringContaining('node3 still rejects every token'),
    });
  });

  it('is none under CORRUPT, and none after too many turns', () => {
    const corrupt = tokensOf(THREE, ['ttt', 'ttt', 'rrr'], { alarms: [{ memberId: 'a2', alarm: 'CORRUPT' }] });
    expect(failureOf(() => choose(corrupt))).toMatchObject({ name: 'UnsafeToProceed' });
    expect(failureOf(() => choose(REJECTING, { turn: 301 }))).toMatchObject({ name: 'PreconditionFailed' });
  });
});

describe('a verification', () => {
  const CLUSTER = clusterOf(THREE.map(({ name }) => configured(name)));

  it('is passed where all take tokens', () => {
    expect(verifyTokens(WELL, CLUSTER)).toMatchObject({ healthy: ['node1', 'node2', 'node3'], remaining: [] });
  });

  it('leaves a member that is away to the runbook for that', () => {
    const reading = tokensOf(voters(3, { node3: silent('node3') }), ['tt', 'tt', 'uu']);
    expect(verifyTokens(reading, CLUSTER)).toMatchObject({
      healthy: ['node1', 'node2'],
      remaining: ['member-failed'],
      summary: expect.stringContaining('Run the runbook for member-failed next.'),
    });
  });

  it('waits while a member rejects tokens, and fails where authentication is disabled', () => {
    expect(failureOf(() => verifyTokens(REJECTING, CLUSTER))).toMatchObject({ name: 'EtcdUnavailable' });
    const open = tokensOf(THREE, ['', '', ''], { logins: OPEN, window: windowOf('run-1') });
    expect(failureOf(() => verifyTokens(open, CLUSTER))).toMatchObject({ name: 'VerificationFailed' });
  });
});
