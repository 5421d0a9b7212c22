import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../core/cluster/evidence.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import {
  apart,
  conditionsOf,
  diagnosed,
  idOf,
  leaderless,
  learner,
  ledBy,
  listed,
  members,
  noSpace,
  proof,
  refusing,
  rejecting,
  silent,
  unreached,
  voter,
} from './diagnoses.ts';

const CORRUPT = { memberId: 'a2', alarm: 'CORRUPT' };
const THREE = ['node1', 'node2', 'node3'];

describe('the incident', () => {
  it.each<[string, Evidence, string]>([
    ['one member that is well', proof(members('w')), 'healthy'],
    ['three members that are well', proof(members('www')), 'healthy'],
    ['five members that are well', proof(members('wwwww')), 'healthy'],
    ['CORRUPT', proof(members('www'), { alarms: [CORRUPT] }), 'data-corrupt'],
    [
      'an alarm of a kind that is not known',
      proof(members('www'), { alarms: [{ ...CORRUPT, alarm: '7' }] }),
      'data-corrupt',
    ],
    ['NOSPACE', proof(members('www'), { alarms: [noSpace('node1')] }), 'space-exceeded'],
    ['NOSPACE of the only member', proof(members('w'), { alarms: [noSpace('node1')] }), 'space-exceeded'],
    ['NOSPACE of a member that is gone', proof(members('www'), { alarms: [noSpace('node9')] }), 'space-exceeded'],
    ['a silent one of three', proof(members('wws')), 'member-failed'],
    ['two silent of five', proof(members('wwwss')), 'member-failed'],
    [
      'the silent leader of three',
      proof([silent('node1'), ...ledBy('node2', [voter('node2'), voter('node3')])]),
      'member-failed',
    ],
    ['one that follows no leader', proof(members('wwn')), 'member-failed'],
    ['one that is behind, which has not failed', proof(members('wwb')), 'healthy'],
    ['a learner that nobody has promoted', proof(members('wwl')), 'member-failed'],
    ['one of another cluster', proof([...members('ww'), voter('node3', { clusterId: 'dada' })]), 'member-failed'],
    [
      'one that was removed and answers',
      proof(members('www'), { memberList: ['node1', 'node2'].map((name) => listed(name)) }),
      'member-failed',
    ],
    ['one that rejects every fresh token', rejecting(['node3'], proof(members('www'))), 'auth-token-invalid'],
    ['all that reject every fresh token', rejecting(THREE, apart(members('www'))), 'auth-token-invalid'],
    ['a cluster whose members all take tokens', rejecting([], proof(members('www'))), 'healthy'],
    ['all silent', apart(members('sss')), 'quorum-lost'],
    ['the only member silent', apart(members('s')), 'quorum-lost'],
    ['one of two silent', apart(members('ns')), 'quorum-lost'],
    ['two of three silent', apart(members('nss')), 'quorum-lost'],
    ['three of five silent', apart(members('nnsss')), 'quorum-lost'],
    ['all that answer and follow nobody', apart(members('nnn')), 'quorum-lost'],
    ['a leader whom nobody is seen to follow', apart(members('wnn')), 'quorum-lost'],
  ])('of %s', (_, evidence, expected) => {
    expect(conditionsOf(diagnosed(evidence))).toBe(expected);
  });

  it.each<[string, Evidence, string]>([
    [
      'NOSPACE, a failed member and one that rejects tokens',
      rejecting(['node4'], proof(members('wwwws'), { alarms: [noSpace('node1')] })),
      'space-exceeded, member-failed, auth-token-invalid',
    ],
    [
      'a failed member and one that rejects tokens',
      rejecting(['node4'], proof(members('wwwws'))),
      'member-failed, auth-token-invalid',
    ],
    [
      'all of them and CORRUPT',
      rejecting(['node4'], proof(members('wwwws'), { alarms: [noSpace('node1'), CORRUPT] })),
      'data-corrupt, space-exceeded, member-failed, auth-token-invalid',
    ],
    ['CORRUPT of a failed member', proof(members('wws'), { alarms: [CORRUPT] }), 'data-corrupt, member-failed'],
    ['no quorum, and so no tokens', { ...apart(members('nss')), probesProblem: 'No leader.' }, 'quorum-lost'],
  ])('hides none of the others: %s', (_, evidence, expected) => {
    expect(conditionsOf(diagnosed(evidence))).toBe(expected);
  });
});

describe('a summary', () => {
  it.each<[string, Evidence, string | RegExp]>([
    ['health', proof(members('www')), 'node1 leads, every member follows it and is caught up, and no alarm is raised.'],
    ['CORRUPT', proof(members('www'), { alarms: [CORRUPT] }), /^etcd has raised CORRUPT on member a2 \(node2\)\. /],
    [
      'NOSPACE',
      proof(members('ws').slice(0, 1), { alarms: [noSpace('node1')] }),
      'NOSPACE is raised by a1 (node1): etcd refuses writes. node1 20.0 MiB of 100.0 MiB.',
    ],
    [
      'a failed member',
      proof(members('wws')),
      'node3 does not answer: Nothing answers at this address. The others have a quorum, and node1 leads.',
    ],
    [
      'one that is behind',
      proof(members('wwb')),
      'node1 leads, every member but node3 follows it and is caught up, and no alarm is raised.',
    ],
    [
      'one that rejects tokens',
      rejecting(['node3'], proof(members('www'))),
      'node3 rejects each of the 3 tokens that were issued a moment ago, its own too ("invalid auth token"). Its clients are refused, however often they log in.',
    ],
  ])('of %s', (_, evidence, expected) => {
    expect(diagnosed(evidence).summary).toMatch(expected);
  });
});

describe('a member that runs and refuses us', () => {
  it('has not failed', () => {
    const { incident, summary, members: facts, warnings } = diagnosed(proof(members('wwr')));
    expect(incident).toBe('member-inaccessible');
    expect(summary).toBe(
      'node3 runs and refuses us: Its certificate is not of the CA. A quorum is at work, led by node1, as node1, node2 show. Nothing shows that it has failed, so it is not replaced. If it fails now, it is not noticed. Correct the login or the certificate for node3.',
    );
    expect(facts[2]).toMatchObject({
      state: 'refusing',
      facts: 'runs and refuses us: Its certificate is not of the CA.',
    });
    expect(warnings).toEqual([]);
  });

  it.each<[string, Evidence, string]>([
    ['one of three beside a silent one', proof(members('wrs')), 'member-failed'],
    ['most, though what they agree on was read', proof(members('wrr')), 'member-inaccessible'],
    ['one that is no quorum, without the others', apart(members('rss')), 'quorum-lost'],
    [
      'a learner',
      proof([...members('ww'), refusing('node3')], {
        memberList: ['node1', 'node2'].map((n) => listed(n)).concat(listed('node3', { isLearner: true })),
      }),
      'member-inaccessible',
    ],
  ])('hides nothing: %s', (_, evidence, expected) => {
    expect(diagnosed(evidence).incident).toBe(expected);
  });

  it.each<[string, MemberObservation[], string, string]>([
    [
      'all do',
      members('rrr'),
      'node1, node2, node3',
      'Correct the login or the certificate for node1, node2, node3\\.',
    ],
    [
      'as many as make a quorum do',
      members('rrs'),
      'node1, node2',
      'Correct the login or the certificate for node1, node2\\.',
    ],
    ['the only one does', members('r'), 'node1', 'Correct the login or the certificate for node1\\.'],
    [
      'nobody gets to them',
      [unreached('node1'), unreached('node2'), voter('node3', { leaderId: '0' })],
      'node1, node2',
      'Correct in clusters\\.json the clientUrl of node1, node2.*',
    ],
  ])('leaves it open whether there is a quorum where %s', (_, seen, kept, correct) => {
    const { incident, others, summary, members: facts } = diagnosed(apart(seen));
    expect({ incident, others }).toEqual({ incident: 'quorum-inaccessible', others: [] });
    expect(summary).toMatch(
      new RegExp(
        `^From here it cannot be seen whether there is a quorum: ${kept} may be one .* node1 .*\\. ${correct}$`,
      ),
    );
    for (const { problem } of seen.filter((each) => !each.answering).slice(0, 1)) expect(summary).toContain(problem);
    expect(facts.map(({ name }) => name)).toEqual(seen.map(({ name }) => name));
  });

  it('leaves nothing open where a quorum follows a leader, or has agreed on something', () => {
    expect(diagnosed(apart([unreached('node1'), voter('node2'), voter('node3')])).incident).toBe('member-inaccessible');
    expect(diagnosed(proof(members('wrr'))).incident).toBe('member-inaccessible');
  });
});

describe('the facts of each member', () => {
  it('are in one line', () => {
    const seen = [voter('node1'), voter('node2', { raftAppliedIndex: '6990' }), learner('node3'), silent('node4')];
    const { members: facts } = diagnosed(proof(seen));
    const rest = 'revision 5000, database 20.0 MiB (19.0 MiB in use) of 100.0 MiB';
    expect(facts.map((member) => member.facts)).toEqual([
      `leads, etcd 3.5.30, applied 7000 (0 behind), ${rest}`,
      `follows node1, etcd 3.5.30, applied 6990 (10 behind), ${rest}`,
      `a learner, follows node1, etcd 3.5.30, applied 7000 (0 behind), ${rest}`,
      'does not answer: Nothing answers at this address.',
    ]);
    expect(facts.map(({ state, lagEntries }) => [state, lagEntries])).toEqual([
      ['healthy', '0'],
      ['healthy', '10'],
      ['joining', '0'],
      ['failed', ''],
    ]);
  });

  it('have a lag behind the furthest where nobody leads', () => {
    const seen = [leaderless('node1'), voter('node2', { leaderId: '0', raftAppliedIndex: '7100' }), silent('node3')];
    expect(diagnosed(apart(seen)).members.map(({ lagEntries }) => lagEntries)).toEqual(['100', '0', '']);
  });

  it('name the leader that is known by its entry in the list alone', () => {
    const seen = [voter('node1', { leaderId: idOf('node2') }), silent('node2'), silent('node3')];
    expect(diagnosed(proof(seen)).members[0]?.facts).toMatch(/^follows node2, /);
  });
});
