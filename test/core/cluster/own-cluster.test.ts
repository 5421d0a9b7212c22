import { describe, expect, it } from 'vitest';
import type { AnsweringMember, ListedIdentity, MemberObservation } from '../../../core/cluster/observation.ts';
import { findOwnCluster, withoutStrangers } from '../../../core/cluster/own-cluster.ts';
import { measure } from '../../../core/diagnosis/metrics.ts';
import { assessQuorum } from '../../../core/quorum-recovery/quorum-assessment.ts';
import {
  apart,
  clusterOf,
  conditionsOf,
  configured,
  diagnosed,
  proof,
  rejecting,
  voter,
} from '../diagnosis/diagnoses.ts';
import { firstRefusals } from '../first-looks.ts';
import { failureOf, refusing, silent } from '../observations.ts';
import { parametersWith } from '../quorum-recovery/recoveries.ts';

const NAMES = ['node1', 'node2', 'node3'];
const CLUSTER = clusterOf(NAMES.map((name) => configured(name)));

/** Members of a cluster, at these hosts of it: `x1 at h1` is listed with the peer URL https://h1:2380. */
function listOf(clusterId: string, ...members: string[]): ListedIdentity[] {
  return members.map((member) => {
    const [name = '', host = name] = member.split(' at ');
    return { id: `${clusterId}-${host}`, name, peerUrls: [`https://${host}:2380`] };
  });
}

/** At the client URL of `at` somebody answers who lists this, as the member number `nth` of it. */
function answers(at: string, list: ListedIdentity[] | undefined, nth = 1, differences: Partial<AnsweringMember> = {}) {
  const self = list?.[nth - 1];
  const clusterId = self?.id.split('-')[0] ?? 'untold';
  const { entry: _, ...seen } = voter(at, { id: self?.id ?? 'a9', clusterId, leaderId: list?.[0]?.id ?? 'a9' });
  const entry = self && { name: self.name, peerUrls: self.peerUrls };
  return { ...seen, ...(entry && { entry }), ...(list && { list }), ...differences };
}

const OURS = listOf('c0ffee', ...NAMES);
const OTHER_NAMES = listOf('f00d', 'infra1', 'infra2', 'infra3');
const SAME_NAMES = listOf('f00d', 'node1 at x1', 'node2 at x2', 'node3 at x3');
const TWIN = listOf('f00d', ...NAMES);
/** Somebody who does not let us in, and tells of which cluster he is. */
const denies = (at: string, clusterId?: string): MemberObservation => ({
  ...refusing(at, 'It does not take the password.'),
  deniesLogin: true,
  ...(clusterId !== undefined && { clusterId }),
});
const own = (at: string, differences = {}) => answers(at, OURS, NAMES.indexOf(at) + 1, differences);

/** By whom each client URL is answered, then: own, none, unknown, and who of them is no stranger. */
const CASES: [string, MemberObservation[], string, string[]][] = [
  ['all are of it', NAMES.map((name) => own(name)), 'own c0ffee', NAMES],
  ['nobody answers', NAMES.map((name) => silent(name)), 'nobody', []],
  [
    'two of three lead to another cluster',
    [answers('node1', OTHER_NAMES, 1), answers('node2', OTHER_NAMES, 2), own('node3')],
    'own c0ffee',
    ['node3'],
  ],
  [
    'two of three lead to another cluster whose members have the same names',
    [answers('node1', SAME_NAMES, 1), answers('node2', SAME_NAMES, 2), own('node3')],
    'own c0ffee',
    ['node3'],
  ],
  [
    'two of three lead to it, and the last right one is silent',
    [answers('node1', OTHER_NAMES, 1), answers('node2', OTHER_NAMES, 2), silent('node3')],
    'none',
    [],
  ],
  [
    'the same, and its members have the same names',
    [answers('node1', SAME_NAMES, 1), answers('node2', SAME_NAMES, 2), silent('node3')],
    'none',
    [],
  ],
  ['all three lead to it', NAMES.map((name, index) => answers(name, OTHER_NAMES, index + 1)), 'none', []],
  [
    'all three lead to two other ones',
    [answers('node1', OTHER_NAMES, 1), answers('node2', OTHER_NAMES, 2), answers('node3', listOf('dada', 'y1'))],
    'none',
    [],
  ],
  [
    'one leads elsewhere and another one is down',
    [answers('node1', OTHER_NAMES, 1), silent('node2'), own('node3')],
    'own c0ffee',
    ['node3'],
  ],
  [
    'it was bootstrapped twice, and most are of one half',
    [own('node1'), own('node2'), answers('node3', TWIN, 3, { leaderId: '0' })],
    'unknown',
    [],
  ],
  [
    'two of three lead to one of the same names and peer URLs',
    [answers('node1', TWIN, 1), answers('node2', TWIN, 2), own('node3')],
    'unknown',
    [],
  ],
  [
    'a member has got into a cluster of its own',
    [own('node1'), own('node2'), answers('node3', listOf('f00d', 'node3'))],
    'own c0ffee',
    NAMES,
  ],
  [
    'another cluster has taken the address of a member',
    [own('node1'), own('node2'), answers('node3', listOf('f00d', 'infra7 at node3'))],
    'own c0ffee',
    ['node1', 'node2'],
  ],
  [
    'a member that was removed was bootstrapped anew, and lists more of them than those that serve',
    [
      answers('node1', listOf('f00d', 'node1', 'node2'), 1),
      answers('node2', listOf('f00d', 'node1', 'node2'), 2),
      own('node3', { leaderId: '0' }),
    ],
    'unknown',
    [],
  ],
  [
    'a replacement is under way, while a member has got into another cluster',
    [
      answers('node1', listOf('c0ffee', 'node1', 'node2'), 1),
      answers('node2', listOf('c0ffee', 'node1', 'node2'), 2),
      answers('node3', listOf('f00d', 'node3')),
    ],
    'own c0ffee',
    NAMES,
  ],
  [
    'etcd knows the members by other names',
    NAMES.map((name, index) => answers(name, listOf('c0ffee', 'a at node1', 'b at node2', 'c at node3'), index + 1)),
    'own c0ffee',
    NAMES,
  ],
  ['nobody tells whom he lists', NAMES.map((name) => answers(name, undefined)), 'own untold', NAMES],
  [
    'one of another cluster does not tell whom it lists',
    [own('node1'), own('node2'), answers('node3', undefined)],
    'unknown',
    [],
  ],
  [
    'a grpc-proxy answers, which lists itself',
    [own('node1'), own('node2'), voter('node3', { id: '0', clusterId: 'f00d', entry: { name: 'vm', peerUrls: [] } })],
    'own c0ffee',
    NAMES,
  ],
];

describe('which cluster is the configured one, and who is a stranger to it, where', () => {
  it.each(CASES)('%s', (_, members, verdict, expected) => {
    const found = findOwnCluster(CLUSTER.members, members);
    expect(found?.verdict === 'own' ? `own ${found.clusterId}` : (found?.verdict ?? 'nobody')).toBe(verdict);
    const left = withoutStrangers(CLUSTER.members, members);
    expect(left.flatMap((seen) => (seen.answering ? [seen.name] : []))).toEqual(expected);
    const strangers = left.filter((seen) => !seen.answering && seen.silence === 'stranger');
    expect(strangers).toHaveLength(members.filter(({ answering }) => answering).length - expected.length);
  });

  it('follows from what an execution knows that has just given members their data', () => {
    const members = [own('node1'), own('node2'), answers('node3', TWIN, 3)];
    expect(findOwnCluster(CLUSTER.members, members, ['node1', 'node2'])).toEqual({
      verdict: 'own',
      clusterId: 'c0ffee',
    });
    expect(withoutStrangers(CLUSTER.members, members, ['node1', 'node2'])).toEqual(members);
  });
});

/** Who does not let us in, and of which cluster he is; what is made of it, and who of all three is a stranger. */
const DENYING: [string, MemberObservation[], string, string[]][] = [
  [
    'two of three lead to one that takes another login',
    [own('node1'), denies('node2', 'f00d'), denies('node3', 'f00d')],
    'own',
    ['node2', 'node3'],
  ],
  [
    'they do, and the third does not tell whom it lists',
    [answers('node1', undefined), denies('node2', 'f00d'), denies('node3', 'f00d')],
    'unknown',
    NAMES,
  ],
  [
    'one lets us in that lists itself alone, and two are of another one',
    [answers('node1', listOf('f00d', 'node1')), denies('node2', 'c0ffee'), denies('node3', 'c0ffee')],
    'unknown',
    NAMES,
  ],
  [
    'one lets us in that lists nobody of them, and the others may be right',
    [answers('node1', OTHER_NAMES), denies('node2', 'c0ffee'), denies('node3', 'c0ffee')],
    'none',
    ['node1'],
  ],
  ['a member of it has other users', [own('node1'), own('node2'), denies('node3', 'c0ffee')], 'own', []],
  ['one does not tell of which it is', [own('node1'), own('node2'), denies('node3')], 'own', []],
  ['nobody takes the login', NAMES.map((name) => denies(name, 'c0ffee')), 'nobody', []],
];

describe('one that does not let us in tells of which cluster it is, and is a stranger accordingly', () => {
  it.each(DENYING)('where %s', (_, members, verdict, expected) => {
    expect(findOwnCluster(CLUSTER.members, members)?.verdict ?? 'nobody').toBe(verdict);
    const left = withoutStrangers(CLUSTER.members, members);
    expect(left.flatMap((seen) => (!seen.answering && seen.silence === 'stranger' ? [seen.name] : []))).toEqual(
      expected,
    );
  });

  it('and is told what differs, by every view and by every runbook', () => {
    const evidence = evidenceOf([own('node1'), denies('node2', 'f00d'), denies('node3', 'f00d')]);
    const told =
      'The clientUrls of node2 (https://node2:2379), node3 (https://node3:2379) lead to another cluster (f00d) than that of node1 (c0ffee), and it does ' +
      'not let us in as that one does: correct clusters.json, or what is in between, so that each clientUrl reaches its own member alone.';
    const { incident, summary, warnings } = diagnosed(evidence, CLUSTER);
    expect(incident).toBe('member-inaccessible');
    expect(summary).toContain(told);
    expect(warnings[0]).toEqual({ kind: 'another-cluster', message: told });
    for (const { name, message } of refusalsOf(evidence.members)) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toContain(`\n- ${told}`);
    }
  });

  it.each([undefined, 'c0ffee'])(
    'and where it is none, its login is told and no quorum is called well: of %s',
    (id) => {
      const evidence = evidenceOf([own('node1'), own('node2'), denies('node3', id)]);
      const { incident, summary, warnings } = diagnosed(evidence, CLUSTER);
      expect(incident).toBe('member-inaccessible');
      expect(summary).toContain('It does not take the password.');
      expect(summary.includes('It is of the same cluster as those that take this login')).toBe(id !== undefined);
      expect(warnings).toContainEqual({
        kind: 'login-unfit',
        message: expect.stringMatching(
          /^node3 does not take the login that node1, node2 take: .*It does not take the password\.$/,
        ),
      });
      const [refusal] = refusalsOf(evidence.members).slice(-1);
      expect(refusal?.name).toBe('PreconditionFailed');
      expect(refusal?.message).toMatch(
        /^There is a quorum, for linearizable reads work on node1, node2\. But node3 cannot be judged from here, for .*\n- node3: .*It does not take the password\.\n/,
      );
      expect(refusal?.message).not.toContain('member-failed');
    },
  );
});

/** What is read of it: a list and alarms of whoever is left, if a quorum can be asked there. */
function evidenceOf(members: MemberObservation[]) {
  const left = withoutStrangers(CLUSTER.members, members);
  const isLed = left.some((seen) => seen.answering && seen.leaderId !== '0');
  const memberList = OURS.map((listed) => ({ ...listed, isLearner: false }));
  return isLed ? proof(left, { memberList }) : apart(left);
}

/** What every runbook says at its first look, that for a lost quorum last. */
function refusalsOf(left: MemberObservation[]): { name: string; message: string }[] {
  const cluster = { ...CLUSTER, auth: { secret: 'root' } };
  const { memberList } = evidenceOf(left);
  const seen = { members: left, memberList, alarms: [] };
  const probes = rejecting([], proof(left)).probes.map((probe) => ({
    ...probe,
    login: { ...probe.login, answer: 'Open' as const },
  }));
  const reads = left.map(({ name, answering, ...rest }) => ({
    member: name,
    works: answering || !('deniesLogin' in rest),
    problem: '',
  }));
  return [
    ...firstRefusals(seen, cluster, probes),
    failureOf(() =>
      assessQuorum(seen, reads, {
        cluster,
        parameters: parametersWith(),
        readings: { lost: 0, total: 0, committed: {} },
      }),
    ),
  ];
}

const two = (list: ListedIdentity[]) => [answers('node1', list, 1), answers('node2', list, 2)];

describe('strangers count nowhere', () => {
  it.each([
    ['with other names', OTHER_NAMES],
    ['with the same names', SAME_NAMES],
  ])('where two of three lead to another cluster %s', (_, list) => {
    const evidence = evidenceOf([...two(list), own('node3')]);
    const { summary, members, warnings, ...rest } = diagnosed(evidence, CLUSTER);
    expect(conditionsOf({ summary, members, warnings, ...rest })).toBe('member-inaccessible');
    expect(members.map(({ state }) => state)).toEqual(['unreached', 'unreached', 'healthy']);
    expect(summary).toMatch(
      /^The clientUrls of node1 \(https:\/\/node1:2379\), node2 \(https:\/\/node2:2379\) lead to another cluster \(f00d\), which lists \w+ at .*: correct clusters\.json, .* A quorum is at work, led by node1, as node3 shows\./,
    );
    expect(summary).not.toMatch(/peerUrl|failed: /);
    expect(warnings[0]?.kind).toBe('another-cluster');
    const [values] = measure(CLUSTER, evidence).measurements.map((each) => each.values);
    expect(values).toMatchObject({ HasLeader: 1, FailedMembers: 0, InaccessibleMembers: 2, HealthyVoters: 1 });
  });

  it.each([
    ['with other names', OTHER_NAMES, 'infra1 at https://infra1:2380'],
    ['with the same names', SAME_NAMES, 'node1 at https://x1:2380'],
  ])('where they do, and the last right one is silent: a cluster %s', (_, list, first) => {
    const evidence = evidenceOf([...two(list), silent('node3')]);
    const { incident, summary, warnings } = diagnosed(evidence, CLUSTER);
    expect(incident).toBe('quorum-inaccessible');
    expect(summary).toContain(`lead to another cluster (f00d), which lists ${first}, `);
    expect(summary).toContain(
      ' and no member at a peerUrl of clusters.json: correct clusters.json, or what is in between',
    );
    expect(summary.match(/If it is the right cluster after all/g)).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('Correct peerUrl');
    expect(measure(CLUSTER, evidence).measurements[0]?.values).not.toHaveProperty('HasLeader');
  });

  it('where nothing tells which cluster is meant, both are named, and what to find out', () => {
    const evidence = evidenceOf([...two(TWIN), own('node3')]);
    const { incident, summary, warnings, members } = diagnosed(evidence, CLUSTER);
    expect(incident).toBe('quorum-inaccessible');
    expect(summary).toContain(
      'at node1 (https://node1:2379), node2 (https://node2:2379) the cluster f00d answers, which lists node1 at https://node1:2380, node2 at',
    );
    expect(summary).toContain('; at node3 (https://node3:2379) the cluster c0ffee answers');
    expect(summary.match(/nothing in clusters\.json says which/g)).toHaveLength(1);
    expect(warnings.filter(({ kind }) => kind === 'another-cluster')).toHaveLength(1);
    expect(members.map(({ state }) => state)).toEqual(['unreached', 'unreached', 'unreached']);
  });

  it.each<[string, MemberObservation[]]>([
    ['two of three lead elsewhere', [...two(SAME_NAMES), own('node3')]],
    ['two of three lead elsewhere, and the last one is silent', [...two(OTHER_NAMES), silent('node3')]],
    ['one leads elsewhere, and another one is down', [answers('node1', OTHER_NAMES), silent('node2'), own('node3')]],
    ['nothing tells which is meant', [...two(TWIN), own('node3')]],
    ['a cluster was bootstrapped twice', [own('node1'), own('node2'), answers('node3', TWIN, 3)]],
  ])('and every runbook is refused at its first look, whatever reads work there: %s', (_, members) => {
    for (const { name, message } of refusalsOf(evidenceOf(members).members)) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toMatch(
        /^The members that answer, or that etcd lists, are not those of clusters\.json:\n- The clientUrl/,
      );
    }
  });
});
