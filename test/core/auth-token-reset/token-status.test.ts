import { describe, expect, it } from 'vitest';
import type { TokenObservation, TokenStatus } from '../../../core/auth-token-reset/contracts.ts';
import { surveyTokens } from '../../../core/auth-token-reset/token-status.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { configured, failureOf, learner, silent, voter } from '../observations.ts';
import { tokensOf } from './tokens.ts';

const THREE = [voter('node1'), voter('node2'), voter('node3')];
const BEHIND = voter('node3', { raftAppliedIndex: '12' });

function survey(observation: TokenObservation) {
  return surveyTokens(
    observation.members.map(({ name }) => configured(name)),
    observation,
  );
}

function statuses(observation: TokenObservation): TokenStatus[] {
  return survey(observation).members.map(({ status }) => status);
}

const TAKES = 'TakesTokens';

describe('a member', () => {
  it.each<[string, MemberObservation[], string[], TokenStatus[]]>([
    ['takes tokens where it takes all', THREE, ['ttt', 'ttt', 'ttt'], [TAKES, TAKES, TAKES]],
    [
      'rejects tokens where it rejects each, its own too',
      THREE,
      ['ttt', 'ttt', 'rrr'],
      [TAKES, TAKES, 'RejectsTokens'],
    ],
    [
      'rejects tokens where it is one of two that do',
      [...THREE, voter('node4'), voter('node5')],
      ['ttttt', 'ttttt', 'ttttt', 'rrrrr', 'rrrrr'],
      [TAKES, TAKES, TAKES, 'RejectsTokens', 'RejectsTokens'],
    ],
    ['rejects tokens where all do', THREE, ['rrr', 'rrr', 'rrr'], ['RejectsTokens', 'RejectsTokens', 'RejectsTokens']],
    ['rejects tokens although it leads', THREE, ['rrr', 'ttt', 'ttt'], ['RejectsTokens', TAKES, TAKES]],
    ['is only unsettled where it takes some', THREE, ['ttt', 'ttt', 'rrt'], [TAKES, TAKES, 'Unsettled']],
    [
      'lags where it rejects what it has not applied',
      [...THREE.slice(0, 2), BEHIND],
      ['ttt', 'ttt', 'rrr'],
      [TAKES, TAKES, 'Lags'],
    ],
    ['lags where it does not answer to a new token in time', THREE, ['ttt', 'ttt', 'tut'], [TAKES, TAKES, 'Lags']],
    [
      'takes tokens where it is behind and takes them',
      [...THREE.slice(0, 2), BEHIND],
      ['ttt', 'ttt', 'ttt'],
      [TAKES, TAKES, TAKES],
    ],
    [
      'has another auth store where a fresh token is too old for it',
      THREE,
      ['ttt', 'ttt', 'oot'],
      [TAKES, TAKES, 'AuthStoreDiffers'],
    ],
    ['refuses where it does', THREE, ['ttt', 'ttt', 'xxx'], [TAKES, TAKES, 'Refuses']],
    [
      'has failed where it is silent',
      [...THREE.slice(0, 2), silent('node3')],
      ['tt', 'tt', 'uu'],
      [TAKES, TAKES, 'Failed'],
    ],
    [
      'has failed where it follows no leader',
      [...THREE.slice(0, 2), voter('node3', { leaderId: '0' })],
      ['ttt', 'ttt', 'rrr'],
      [TAKES, TAKES, 'Failed'],
    ],
    [
      'has failed where it belongs to another cluster, which knows no token of this one',
      [...THREE.slice(0, 2), voter('node3', { clusterId: 'other' })],
      ['ttr', 'ttr', 'rrt'],
      [TAKES, TAKES, 'Failed'],
    ],
  ])('%s', (_, members, rows, expected) => {
    expect(statuses(tokensOf(members, rows))).toEqual(expected);
  });

  it.each<[string, string[], TokenStatus[]]>([
    ['takes tokens where all sign alike', ['ttt', 'ttt', 'ttt'], [TAKES, TAKES, TAKES]],
    ['has other keys where neither takes those of the other', ['ttr', 'ttr', 'rrt'], [TAKES, TAKES, 'KeysDiffer']],
    [
      'has keys that do not belong together where it does not even take its own',
      ['ttt', 'ttt', 'rrr'],
      [TAKES, TAKES, 'KeysDiffer'],
    ],
    [
      'has a clock that is ahead where the others take its own, and it takes none of theirs',
      ['ttt', 'ttt', 'rrt'],
      [TAKES, TAKES, 'ClockDiffers'],
    ],
    [
      'has a clock that is behind where nobody else takes its own, and it takes theirs',
      ['ttr', 'ttr', 'ttt'],
      [TAKES, TAKES, 'ClockDiffers'],
    ],
  ])('with JWT %s', (_, rows, expected) => {
    expect(statuses(tokensOf(THREE, rows, { format: 'jwt' }))).toEqual(expected);
  });

  it('that is a learner issues no token, and may reject them like any other', () => {
    const members = [voter('node1'), voter('node2'), learner('node3')];
    const reading = tokensOf(members, ['tt', 'tt', 'rr'], { logins: { 2: 'Learner' } });
    const cluster = [configured('node1'), configured('node2'), configured('node3', { learner: true })];
    expect(surveyTokens(cluster, reading).members.map(({ status }) => status)).toEqual([TAKES, TAKES, 'RejectsTokens']);
  });

  it('that rejects tokens is a part of the quorum all the same', () => {
    const { survey: seen } = survey(tokensOf(THREE, ['ttt', 'rrr', 'rrr']));
    expect(seen.members.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
    expect(seen.leader.name).toBe('node1');
  });

  it('says in words what it does to which tokens', () => {
    const problems = survey(tokensOf(THREE, ['ttt', 'rrt', 'rrr'])).members.map(({ problem }) => problem);
    expect(problems).toEqual([
      '',
      'rejects the new tokens of node1, node2 and takes others: it was just restarted, or authentication was just enabled.',
      'rejects each of the 3 tokens that were issued a moment ago, its own too ("invalid auth token").',
    ]);
  });
});

describe('nobody can log in', () => {
  it.each<[string, Record<number, 'WrongPassword' | 'Refused' | 'Unanswered'>, string, string]>([
    [
      'with a wrong password, which is no rejected token',
      { 0: 'WrongPassword', 1: 'WrongPassword', 2: 'WrongPassword' },
      'PreconditionFailed',
      'is wrong. No token was rejected',
    ],
    [
      'with a wrong password, whoever else is silent',
      { 0: 'Unanswered', 1: 'WrongPassword', 2: 'Unanswered' },
      'PreconditionFailed',
      'Correct the secret',
    ],
    [
      'where members refuse it',
      { 0: 'Refused', 1: 'Refused', 2: 'Refused' },
      'PreconditionFailed',
      'No member issues a token',
    ],
    ['without a quorum', { 0: 'Unanswered', 1: 'Unanswered', 2: 'Unanswered' }, 'EtcdUnavailable', 'quorum-lost'],
  ])('%s', (_, logins, name, message) => {
    const failure = failureOf(() => survey(tokensOf(THREE, ['', '', ''], { logins })));
    expect(failure).toMatchObject({ name, message: expect.stringContaining(message) });
  });
});
