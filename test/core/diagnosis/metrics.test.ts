import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../core/cluster/evidence.ts';
import type { Measurement } from '../../../core/cluster/metrics.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { measure, measureFailure, withBackupAge } from '../../../core/diagnosis/metrics.ts';
import {
  apart,
  clusterFor,
  configured,
  FULL,
  leaderless,
  learner,
  listed,
  members,
  noSpace,
  proof,
  rejecting,
  silent,
  sizes,
  unreached,
  voter,
} from './diagnoses.ts';

const RUN = { DetectorRuns: 1, DetectorErrors: 0 };
/** Of three members that are well, each with 20 of 100 MiB. */
const WELL = {
  HasLeader: 1,
  IncidentPresent: 0,
  HealthyVoters: 3,
  FailedMembers: 0,
  InaccessibleMembers: 0,
  NoSpace: 0,
  Corrupt: 0,
  LoginUnfit: 0,
  QuotaUsedPercent: 20,
  ...RUN,
};
const CORRUPT = { memberId: 'a2', alarm: 'CORRUPT' };
const UNKNOWN = { memberId: 'a3', alarm: '7' };

function measured(evidence: Evidence, cluster = clusterFor(evidence)): Measurement[] {
  return measure(cluster, evidence).measurements;
}

/** What is measured of the cluster as a whole. */
function ofCluster(evidence: Evidence, cluster = clusterFor(evidence)): Measurement['values'] {
  const [first] = measured(evidence, cluster);
  expect(first?.dimensions).toEqual({ cluster: 'orders' });
  return first?.values ?? {};
}

describe('what is measured of a cluster', () => {
  it.each<[string, Evidence, Measurement['values']]>([
    ['that is well', proof(members('www')), WELL],
    ['of one member', proof(members('w')), { ...WELL, HealthyVoters: 1 }],
    [
      'with NOSPACE of two members',
      proof(members('www'), { alarms: [noSpace('node1'), noSpace('node9')] }),
      { ...WELL, IncidentPresent: 1, NoSpace: 2 },
    ],
    [
      'with CORRUPT, an alarm that is not known, and NOSPACE',
      proof(members('www'), { alarms: [CORRUPT, UNKNOWN, noSpace('node1')] }),
      { ...WELL, IncidentPresent: 1, NoSpace: 1, Corrupt: 2 },
    ],
    [
      'with a silent member',
      proof(members('wws')),
      { ...WELL, IncidentPresent: 1, HealthyVoters: 2, FailedMembers: 1 },
    ],
    [
      'with one that is behind and one that follows no leader',
      proof(members('wwwbn')),
      { ...WELL, IncidentPresent: 1, FailedMembers: 1 },
    ],
    ['with one that is behind, which has not failed', proof(members('wwb')), { ...WELL, HealthyVoters: 2 }],
    [
      'with a learner that nobody has promoted',
      proof(members('wwwl')),
      { ...WELL, IncidentPresent: 1, FailedMembers: 1 },
    ],
    [
      'with one that refuses us, which has not failed',
      proof(members('wwr')),
      { ...WELL, IncidentPresent: 1, HealthyVoters: 2, InaccessibleMembers: 1 },
    ],
    [
      'with one that nobody gets to from here, which has not failed',
      proof([...members('ww'), unreached('node3')]),
      { ...WELL, IncidentPresent: 1, HealthyVoters: 2, InaccessibleMembers: 1 },
    ],
    [
      'whose leader cannot be reached from here, and is followed',
      proof([voter('node1', { leaderId: 'a3' }), voter('node2', { leaderId: 'a3' }), silent('node3')]),
      { ...WELL, IncidentPresent: 1, HealthyVoters: 2, InaccessibleMembers: 1 },
    ],
    ['whose members take fresh tokens', rejecting([], proof(members('www'))), { ...WELL, TokensRejected: 0 }],
    [
      'whose members reject fresh tokens',
      rejecting(['node2', 'node3'], proof(members('www'))),
      { ...WELL, IncidentPresent: 1, TokensRejected: 2 },
    ],
    [
      'whose fullest member is not the first',
      proof([voter('node1'), voter('node2', FULL), voter('node3')]),
      { ...WELL, QuotaUsedPercent: 95 },
    ],
  ])('%s', (_, evidence, expected) => {
    expect(ofCluster(evidence)).toEqual(expected);
  });

  it('does not count a learner among the voters, and it has not failed where it is to stay one', () => {
    const seen = [...members('www'), learner('node4')];
    const evidence = proof(seen, {
      memberList: [...['node1', 'node2', 'node3'].map((name) => listed(name)), listed('node4', { isLearner: true })],
    });
    const cluster = clusterFor(evidence, {
      members: [...['node1', 'node2', 'node3'].map((name) => configured(name)), configured('node4', { learner: true })],
    });
    expect(ofCluster(evidence, cluster)).toEqual(WELL);
  });
});

it('a login that cannot do what a runbook has to is counted, in a cluster that is well', () => {
  const loginProblem = 'The login may not do what runbooks have to.';
  expect(ofCluster(proof(members('www'), { loginProblem }))).toEqual({ ...WELL, LoginUnfit: 1 });
});

describe('what could not be read', () => {
  const unread = (evidence: Evidence) => {
    const values = ofCluster(evidence);
    return [...MEMBERSHIP, ...ALARMS, 'TokensRejected', 'QuotaUsedPercent'].filter(
      (name) => !Object.hasOwn(values, name),
    );
  };
  const [MEMBERSHIP, ALARMS] = [
    ['HealthyVoters', 'FailedMembers'],
    ['NoSpace', 'Corrupt', 'LoginUnfit'],
  ];

  it.each<[string, Evidence, number, string[]]>([
    ['nobody answers', apart(members('sss')), 0, [...MEMBERSHIP, ...ALARMS, 'TokensRejected', 'QuotaUsedPercent']],
    ['a minority answers', apart(members('nss')), 0, [...MEMBERSHIP, ...ALARMS, 'TokensRejected']],
    [
      'two members each see another leader',
      apart([voter('node1'), voter('node2', { leaderId: 'a3' }), silent('node3')]),
      0,
      [...MEMBERSHIP, ...ALARMS, 'TokensRejected'],
    ],
    [
      'a quorum agrees, and an election came between two answers',
      proof([voter('node1'), voter('node2', { leaderId: 'a3' }), leaderless('node3')]),
      1,
      [...MEMBERSHIP, 'TokensRejected'],
    ],
    [
      'a leader is followed, and the quorum is too slow to answer',
      apart(members('www')),
      1,
      [...ALARMS, 'TokensRejected'],
    ],
    [
      'a leader is followed who does not answer us',
      apart([silent('node1'), voter('node2'), voter('node3')]),
      1,
      [...ALARMS, 'TokensRejected'],
    ],
    ['the cluster has no login', proof(members('www')), 1, ['TokensRejected']],
    [
      'tokens could not be tried',
      { ...rejecting([], proof(members('www'))), probes: [], probesProblem: 'Too late.' },
      1,
      ['TokensRejected'],
    ],
  ])('is no value: %s', (_, evidence, hasLeader, expected) => {
    expect(unread(evidence)).toEqual(expected);
    expect(ofCluster(evidence)).toMatchObject({ HasLeader: hasLeader, ...RUN });
  });

  it('is no value of a cluster whose members serve everybody, either', () => {
    const evidence = rejecting([], proof(members('www')));
    for (const { login } of evidence.probes) Object.assign(login, { answer: 'Open' });
    expect(unread(evidence)).toEqual(['TokensRejected']);
  });

  it('is no value of the leader where so many members refuse us that nobody can tell whether there is one', () => {
    const { HasLeader, ...others } = ofCluster(apart(members('rrr')));
    expect(HasLeader).toBeUndefined();
    expect(others).toMatchObject({ InaccessibleMembers: 3, IncidentPresent: 1, ...RUN });
  });

  it('is a failure where nobody could look', () => {
    expect(measureFailure('orders')).toEqual({
      dimensions: { cluster: 'orders' },
      values: { DetectorRuns: 1, DetectorErrors: 1 },
    });
  });
});

describe('what is measured of each member', () => {
  const ofMembers = (evidence: Evidence) => measured(evidence).slice(1);

  it('is how full, how fragmented and how far behind it is, and nothing where it does not answer', () => {
    const seen: MemberObservation[] = [
      voter('node1', sizes(80, 60)),
      voter('node2', { raftAppliedIndex: '6990' }),
      silent('node3'),
    ];
    expect(ofMembers(proof(seen))).toEqual([
      {
        dimensions: { cluster: 'orders', member: 'node1' },
        values: { QuotaUsedPercent: 80, FragmentationPercent: 25, RaftLagEntries: 0 },
      },
      {
        dimensions: { cluster: 'orders', member: 'node2' },
        values: { QuotaUsedPercent: 20, FragmentationPercent: 5, RaftLagEntries: 10 },
      },
    ]);
  });

  it('is no lag where nobody leads, nor of a member of another cluster, whose log is another', () => {
    const lags = (evidence: Evidence) => ofMembers(evidence).map(({ values }) => values.RaftLagEntries);
    expect(lags(apart(members('nns')))).toEqual([undefined, undefined]);
    expect(lags(proof([...members('ww'), voter('node3', { clusterId: 'dada' })]))).toEqual([0, 0, undefined]);
  });

  it('is 0 of the quota where a member has none', () => {
    const [first] = ofMembers(proof([voter('node1', { quotaBytes: null, quotaIsReported: true })]));
    expect(first?.values.QuotaUsedPercent).toBe(0);
  });

  it('has the age of the newest backup beside those of the cluster, where that is known', () => {
    const evidence = proof(members('www'));
    const well = measure(clusterFor(evidence), evidence);
    const takenAt = '2026-11-29T08:15:00.000Z';
    const { measurements } = withBackupAge(well, takenAt, Date.parse(takenAt) + 90_400);
    expect(measurements.map(({ values }) => values.BackupAgeSeconds)).toEqual([90, undefined, undefined, undefined]);
    expect(withBackupAge(well, '', Date.now())).toEqual(well);
  });

  it('is no fragmentation of a database that has no size', () => {
    const [first] = ofMembers(proof([voter('node1', sizes(0, 0))]));
    expect(first?.values).toEqual({ QuotaUsedPercent: 0, RaftLagEntries: 0 });
  });
});
