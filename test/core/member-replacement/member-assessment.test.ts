import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import {
  type MemberParameters,
  type MembersAssessment,
  memberParametersSchema,
  type Readings,
} from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterOf,
  configured,
  failureOf,
  LAYOUT,
  learner,
  ledBy,
  listed,
  noSpace,
  observation,
  silent,
  voter,
} from '../observations.ts';

const parameters = parse(memberParametersSchema, {}, 'parameters');
const NONE: Readings = { targets: [], equal: 0, total: 0 };

interface Request {
  cluster?: Cluster;
  member?: string;
  parameters?: MemberParameters;
  readings?: Readings;
}

function clusterFor({ members }: Observation): Cluster {
  return clusterOf(members.map(({ name }) => configured(name)));
}

function assess(reading: Observation, request: Request = {}): MembersAssessment {
  return assessMembers(reading, { cluster: clusterFor(reading), parameters, member: '', readings: NONE, ...request });
}

/** What a row of readings comes to, each told what the ones before it saw. */
function assessInARow(readings: Observation[]): MembersAssessment[] {
  const assessments: MembersAssessment[] = [];
  for (const reading of readings) {
    assessments.push(assess(reading, { readings: assessments.at(-1)?.readings ?? NONE }));
  }
  return assessments;
}

/** Members from node1 on, by a letter each: (w)ell, (s)ilent, (b)ehind, (l)earner, or following (n)obody. */
function members(letters: string): MemberObservation[] {
  return [...letters].map((letter, index) => {
    const name = `node${index + 1}`;
    if (letter === 's') return silent(name);
    if (letter === 'b') return voter(name, { raftAppliedIndex: '12' });
    if (letter === 'l') return learner(name);
    return voter(name, letter === 'n' ? { leaderId: '0' } : {});
  });
}
const seen = (letters: string) => observation(members(letters));

describe('the confirmation', () => {
  it('takes three readings in a row that show the same', () => {
    const assessments = assessInARow([seen('wws'), seen('wws'), seen('wws')]);
    expect(assessments.map(({ verdict }) => verdict)).toEqual(['Confirm', 'Confirm', 'Replace']);
    expect(assessments.at(-1)).toMatchObject({
      summary: 'node3 does not answer: Nothing answers at this address.',
      readings: { targets: [{ member: 'node3', kind: 'failed' }], equal: 3, total: 3 },
      inspections: [
        {
          member: 'node3',
          host: 'i-3',
          parameters: {
            unit: 'etcd',
            dataDir: LAYOUT.dataDir,
            walDir: '',
            configFile: LAYOUT.configFile,
            binDir: LAYOUT.binDir,
          },
        },
      ],
    });
  });

  it.each([
    ['another member fails', 'wwwws', 'wwwsw'],
    ['a second member fails', 'wwwws', 'wwwss'],
    ['one of two comes back', 'wwwss', 'wwwws'],
    ['a failed one begins to catch up', 'wwwss', 'wwwsb'],
  ])('starts anew where %s', (_, before, after) => {
    const row = [before, before, after, after, after].map((letters) => seen(letters));
    const assessments = assessInARow(row);
    expect(assessments.map(({ verdict }) => verdict)).toEqual(['Confirm', 'Confirm', 'Confirm', 'Confirm', 'Replace']);
    expect(assessments.map(({ readings }) => readings.equal)).toEqual([1, 2, 1, 2, 3]);
  });

  it('does not start anew where a failed member gives another reason', () => {
    const reasons = ['Refused.', 'Timed out.', 'TLS was not agreed on.'];
    const row = reasons.map((reason) => observation([...members('ww'), silent('node3', reason)]));
    expect(assessInARow(row).at(-1)?.verdict).toBe('Replace');
  });

  it('gives up after ten readings that do not agree, and not before', () => {
    const flapping = Array.from({ length: 10 }, (_, index) => seen(index % 2 === 0 ? 'wwwws' : 'wwwsw'));
    const { readings, verdict } = assessInARow(flapping).at(-1) as MembersAssessment;
    expect([verdict, readings.total, readings.equal]).toEqual(['Confirm', 10, 1]);
    expect(failureOf(() => assess(seen('wwwws'), { readings }))).toMatchObject({
      name: 'PreconditionFailed',
      message:
        '10 readings showed different members as failed, last node4 failed: the cluster flaps. Nothing was changed. Look at its network and disks, then start again.',
    });
  });

  it('is not needed where members only have to finish joining', () => {
    expect(assess(seen('wwl'))).toMatchObject({ verdict: 'Replace', inspections: [] });
    expect(assess(seen('wwwbl'))).toMatchObject({
      verdict: 'Replace',
      summary: 'node4 has applied 12 of 7000 log entries node5 is a learner that has not been promoted',
      inspections: [],
    });
  });

  it('is needed where one has failed and another is joining, and only the failed one is inspected', () => {
    const assessments = assessInARow([seen('wwwsl'), seen('wwwsl'), seen('wwwsl')]);
    expect(assessments.map(({ verdict }) => verdict)).toEqual(['Confirm', 'Confirm', 'Replace']);
    expect(assessments.at(-1)?.inspections.map(({ member }) => member)).toEqual(['node4']);
  });
});

describe('nothing to do', () => {
  it('is what a healthy cluster comes to, with every member as it is', () => {
    const reading = observation(ledBy('node2', [voter('node1'), voter('node2', { raftAppliedIndex: '7010' })]));
    expect(assess(reading)).toEqual({
      verdict: 'NothingToDo',
      summary: 'Every member is healthy.',
      readings: { targets: [], equal: 1, total: 1 },
      inspections: [],
      oldHost: [],
      members: ['node1', 'node2'].map((name) => ({
        name,
        id: name.replace('node', 'a'),
        state: 'healthy',
        role: name === 'node2' ? 'leader' : 'follower',
        version: '3.5.30',
        raftAppliedIndex: name === 'node2' ? '7010' : '7000',
        problem: '',
      })),
    });
  });

  it('is what it comes to where a member came back between two readings', () => {
    expect(assessInARow([seen('wws'), seen('www')]).map(({ verdict }) => verdict)).toEqual(['Confirm', 'NothingToDo']);
  });

  it('does not need hosts or a layout', () => {
    const { layout: _, ...cluster } = clusterOf([configured('node1')]);
    const [{ host: __, ...hostless } = configured('node1')] = cluster.members;
    expect(assess(seen('w'), { cluster: { ...cluster, members: [hostless] } }).verdict).toBe('NothingToDo');
  });
});

describe('a member that is named', () => {
  it('has to be one of the cluster', () => {
    expect(failureOf(() => assess(seen('wws'), { member: 'node9' }))).toMatchObject({
      name: 'InvalidInput',
      message: 'The cluster orders has no member "node9". It has node1, node2, node3.',
    });
  });

  it('leaves nothing to do where it is healthy, whatever the others are', () => {
    expect(assess(seen('wws'), { member: 'node2' })).toMatchObject({
      verdict: 'NothingToDo',
      summary: 'node2 is healthy.',
    });
  });

  it('is the only target where others are behind', () => {
    const { readings } = assess(seen('wwwsb'), { member: 'node4' });
    expect(readings.targets.map(({ member }) => member)).toEqual(['node4']);
  });

  it('is refused where another is a learner that nobody has promoted, for etcd takes one at a time', () => {
    const failure = failureOf(() => assess(seen('wwwsl'), { member: 'node4' }));
    expect(failure).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('node5 is a learner'),
    });
  });

  it('is refused where another has failed too, which is named', () => {
    const failure = failureOf(() => assess(seen('wwwss'), { member: 'node4' }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('node4 is named, and node5 does not answer: Nothing answers at this address.');
    expect(failure.message).toContain('Leave "member" out to replace all of them');
  });
});

describe('what stops an assessment', () => {
  it.each([
    ['CORRUPT', [{ memberId: 'a2', alarm: 'CORRUPT' }], 'UnsafeToProceed', 'CORRUPT on member a2 (node2)'],
    ['CORRUPT beside NOSPACE', [noSpace('node1'), { memberId: 'a3', alarm: 'CORRUPT' }], 'UnsafeToProceed', 'CORRUPT'],
    ['an alarm that is not known', [{ memberId: 'a2', alarm: '7' }], 'UnsafeToProceed', '7 on member a2 (node2)'],
    ['NOSPACE', [noSpace('node1')], 'PreconditionFailed', 'Run the runbook for space-exceeded first'],
    [
      'NOSPACE of the failed member',
      [noSpace('node3')],
      'PreconditionFailed',
      'Run the runbook for space-exceeded first',
    ],
  ])('is %s', (_, alarms, name, words) => {
    for (const letters of ['www', 'wws', 'wwl']) {
      const failure = failureOf(() => assess(observation(members(letters), { alarms })));
      expect(failure.name).toBe(name);
      expect(failure.message).toContain(words);
    }
  });

  it('is CORRUPT even where no leader is left', () => {
    const reading = observation(members('wss'), { alarms: [{ memberId: 'a1', alarm: 'CORRUPT' }] });
    expect(failureOf(() => assess(reading)).name).toBe('UnsafeToProceed');
  });

  it.each([
    ['one failed of 2', 'wn', 'EtcdUnavailable'],
    ['one failed of 3', 'wws', 'no error'],
    ['two failed of 3', 'wns', 'EtcdUnavailable'],
    ['one failed of 4', 'wwws', 'no error'],
    ['one behind of 4', 'wwwb', 'no error'],
    ['two failed of 5', 'wwwss', 'no error'],
    ['one failed and one behind of 5', 'wwwbs', 'no error'],
  ])('is a quorum that would be missing: %s', (_, letters, expected) => {
    const failure = failureOf(() => assess(seen(letters)));
    expect(failure.name, failure.message).toBe(expected);
  });

  it.each([
    ['of 3', 'wbs', 'node3'],
    ['of 4', 'wwbs', 'node4'],
    ['of 5', 'wwbbs', 'node5'],
  ])('is a quorum that would be missing until others have caught up: one failed %s', (_, letters, member) => {
    const failure = failureOf(() => assess(seen(letters), { member }));
    expect(failure.name).toBe('EtcdUnavailable');
    expect(failure.message).toContain('Those that are behind may catch up.');
  });

  it('is a failed member without a host', () => {
    const { host: _, ...hostless } = configured('node3');
    const cluster = clusterOf([configured('node1'), configured('node2'), hostless]);
    const failure = failureOf(() => assess(seen('wws'), { cluster }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('clusters.json names no "host" for node3');
    expect(assess(seen('wwl'), { cluster }).verdict).toBe('Replace');
  });

  it('is a member that clusters.json does not name', () => {
    const memberList = [...seen('www').memberList, listed('node4'), listed('node5', { name: '', isLearner: true })];
    const failure = failureOf(() => assess(observation(members('www'), { memberList })));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain(
      ['node4 (a4, https://node4:2380)', '(not started) (a5, https://node5:2380)']
        .map(
          (one, at) =>
            `- ${one}: add it to clusters.json; or, if it is really no part of the cluster, remove it with "etcdctl member remove a${at + 4}"`,
        )
        .join('\n'),
    );
  });
});
