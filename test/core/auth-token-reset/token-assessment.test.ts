import { describe, expect, it } from 'vitest';
import {
  type TokenAssessment,
  type TokenObservation,
  type TokenReadings,
  tokenParametersSchema,
} from '../../../core/auth-token-reset/contracts.ts';
import { assessTokens, requireAuth } from '../../../core/auth-token-reset/token-assessment.ts';
import { clusterOf, configured, failureOf, refusing, silent, voter } from '../observations.ts';
import { tokensOf, windowOf } from './tokens.ts';

const parameters = tokenParametersSchema.parse({});
const NONE: TokenReadings = { statuses: [], equal: 0, total: 0 };
const CLUSTER = clusterOf([configured('node1'), configured('node2'), configured('node3')], {
  auth: { secret: 'root' },
});
const THREE = [voter('node1'), voter('node2'), voter('node3')];
const WELL = tokensOf(THREE, ['ttt', 'ttt', 'ttt']);
const REJECTING = tokensOf(THREE, ['ttt', 'ttt', 'rrr']);
const OPEN = { logins: { 0: 'Open', 1: 'Open', 2: 'Open' } } as const;

function assess(observation: TokenObservation, readings = NONE, cluster = CLUSTER): TokenAssessment {
  return assessTokens(observation, { cluster, parameters, readings });
}

/** What a row of readings comes to, each told what the ones before it saw. */
function inARow(...observations: TokenObservation[]): TokenAssessment[] {
  const assessments: TokenAssessment[] = [];
  for (const each of observations) assessments.push(assess(each, assessments.at(-1)?.readings));
  return assessments;
}

const verdicts = (assessments: TokenAssessment[]) => assessments.map(({ verdict }) => verdict);

describe('an assessment', () => {
  it('finds nothing to do where every member takes fresh tokens, and says why a client may be refused all the same', () => {
    const { verdict, summary, rejecting } = assess(WELL);
    expect({ verdict, rejecting }).toEqual({ verdict: 'NothingToDo', rejecting: [] });
    expect(summary).toContain('Every member takes fresh tokens.');
    expect(summary).toContain('holds an old token, and has to log in again.');
  });

  it('believes in a member that rejects tokens once three readings have shown it, and wants its host looked at', () => {
    const readings = inARow(REJECTING, REJECTING, REJECTING);
    expect(verdicts(readings)).toEqual(['Confirm', 'Confirm', 'Cure']);
    expect(readings.at(-1)).toMatchObject({
      rejecting: ['node3'],
      inspections: [{ member: 'node3', host: 'i-3', parameters: { unit: 'etcd' } }],
    });
  });

  it('begins to count anew where a reading shows something else', () => {
    const other = tokensOf(THREE, ['ttt', 'rrr', 'rrr']);
    expect(verdicts(inARow(REJECTING, REJECTING, other, other, REJECTING, REJECTING, REJECTING))).toEqual([
      ...['Confirm', 'Confirm', 'Confirm', 'Confirm', 'Confirm', 'Confirm'],
      'Cure',
    ]);
  });

  it('finds nothing to do as soon as tokens are taken again', () => {
    expect(verdicts(inARow(REJECTING, REJECTING, WELL))).toEqual(['Confirm', 'Confirm', 'NothingToDo']);
  });

  it('gives up on a cluster that flaps', () => {
    const other = tokensOf(THREE, ['ttt', 'rrr', 'ttt']);
    const flapping = Array.from({ length: 11 }, (_, index) => (index % 2 === 0 ? REJECTING : other));
    expect(failureOf(() => inARow(...flapping))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('the cluster flaps'),
    });
  });

  it('wants no host looked at where the configuration names none', () => {
    const hostless = { ...CLUSTER, members: CLUSTER.members.map(({ host: _, ...member }) => member) };
    const sure = { statuses: ['node3 RejectsTokens'], equal: 2, total: 2 };
    expect(assess(REJECTING, sure, hostless)).toMatchObject({ verdict: 'Cure', inspections: [] });
  });

  it.each([
    [
      'a follower that lags',
      tokensOf([...THREE.slice(0, 2), voter('node3', { raftAppliedIndex: '12' })], ['ttt', 'ttt', 'rrr']),
      'does not know new tokens yet',
    ],
    ['a member that was just restarted', tokensOf(THREE, ['ttt', 'ttt', 'rrt']), 'it was just restarted'],
    ['a member that is down', tokensOf([...THREE.slice(0, 2), silent('node3')], ['tt', 'tt', 'uu']), 'does not answer'],
  ])('cures nothing on account of %s, names it, and is sure of it', (_, reading, problem) => {
    const readings = inARow(reading, reading, reading);
    expect(verdicts(readings)).toEqual(['Confirm', 'Confirm', 'NothingToDo']);
    expect(readings.at(-1)?.summary).toContain(problem);
  });

  const UNKNOWN = 'Whether node3 accepts tokens is unknown. No other member rejects every token';
  const NONE_REJECTS = 'No member rejects every token';
  it.each<[string, TokenObservation, string]>([
    ['does not answer', tokensOf([...THREE.slice(0, 2), silent('node3')], ['tt', 'tt', 'uu']), UNKNOWN],
    ['lets nobody in from here', tokensOf([...THREE.slice(0, 2), refusing('node3')], ['tt', 'tt', 'uu']), UNKNOWN],
    ['does not answer to a token in time', tokensOf(THREE, ['ttt', 'ttt', 'uuu']), UNKNOWN],
    ['was just restarted, of which enough is known', tokensOf(THREE, ['ttt', 'ttt', 'rrt']), NONE_REJECTS],
  ])('says of whom nobody knows it: of one that %s', (_, reading, words) => {
    expect(inARow(reading, reading, reading).at(-1)?.summary).toMatch(new RegExp(`[.:] ${words}\\. A client`));
  });

  it('says so beside what is left to a person as well', () => {
    const reading = tokensOf([...THREE.slice(0, 2), refusing('node3')], ['tt', 'xx', 'uu']);
    expect(failureOf(() => inARow(reading, reading, reading)).message).toMatch(new RegExp(`^${UNKNOWN}, so a restart`));
  });

  it.each([
    ['JWT keys that differ', tokensOf(THREE, ['ttr', 'ttr', 'rrt'], { format: 'jwt' }), 'its keys are not theirs'],
    ['a clock that is ahead', tokensOf(THREE, ['ttt', 'ttt', 'rrt'], { format: 'jwt' }), 'its clock is ahead'],
    ['users and roles that differ', tokensOf(THREE, ['ttt', 'ttt', 'ooo']), 'older than its own users and roles'],
    ['a member that refuses the user', tokensOf(THREE, ['ttt', 'ttt', 'xxx']), 'Refused'],
  ])('leaves %s to a person, once it is sure', (_, reading, problem) => {
    expect(verdicts(inARow(reading, reading))).toEqual(['Confirm', 'Confirm']);
    expect(failureOf(() => inARow(reading, reading, reading))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining(problem),
    });
  });

  it('cures what it can beside what it cannot', () => {
    const both = tokensOf([...THREE.slice(0, 2), voter('node3', { raftAppliedIndex: '12' })], ['ttt', 'rrr', 'rrr']);
    expect(inARow(both, both, both).at(-1)).toMatchObject({ verdict: 'Cure', rejecting: ['node2'] });
  });

  it('is not led astray by a member of another cluster, which runs without authentication', () => {
    const members = [...THREE.slice(0, 2), voter('node3', { clusterId: 'other' })];
    const reading = tokensOf(members, ['tt', 'tt', 'tt'], { logins: { 2: 'Open' } });
    expect(assess(reading)).toMatchObject({ verdict: 'Confirm', summary: expect.stringContaining('another cluster') });
  });

  it('wants authentication enabled first where an execution has left it disabled', () => {
    const reading = tokensOf(THREE, ['', '', ''], { ...OPEN, window: windowOf('run-7') });
    expect(assess(reading)).toMatchObject({
      verdict: 'Enable',
      summary: expect.stringContaining('the execution run-7 was ended'),
    });
  });

  it.each([
    ['nobody knows who has disabled it', null],
    ['an execution has enabled it, and somebody has disabled it since', { ...windowOf('run-7'), enabledAt: 1_020 }],
  ])('changes nothing where authentication is disabled and %s', (_, window) => {
    const failure = failureOf(() => assess(tokensOf(THREE, ['', '', ''], { ...OPEN, window })));
    expect(failure).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('runs without authentication'),
    });
  });

  it('changes nothing under CORRUPT', () => {
    const corrupt = tokensOf(THREE, ['ttt', 'ttt', 'rrr'], { alarms: [{ memberId: 'a2', alarm: 'CORRUPT' }] });
    expect(failureOf(() => assess(corrupt))).toMatchObject({ name: 'UnsafeToProceed' });
  });

  it('needs somebody to log in as', () => {
    const { auth: _, ...withoutAuth } = CLUSTER;
    expect(() => requireAuth(CLUSTER)).not.toThrow();
    expect(failureOf(() => requireAuth(withoutAuth))).toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('has no "auth"'),
    });
  });
});
