import { describe, expect, it } from 'vitest';
import type { AnsweringMember, ListedIdentity, MemberObservation } from '../../core/contracts/observation.ts';
import { measure } from '../../core/decisions/metrics.ts';
import { findOwnCluster, withoutStrangers } from '../../core/decisions/own-cluster.ts';
import { assessQuorum } from '../../core/decisions/quorum-assessment.ts';
import { apart, clusterOf, conditionsOf, configured, diagnosed, proof, rejecting, voter } from './diagnoses.ts';
import { firstRefusals } from './first-looks.ts';
import { failureOf, silent } from './observations.ts';
import { parametersWith } from './recoveries.ts';

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

/** What is read of it: a list and alarms of whoever is left, if a quorum can be asked there. */
function evidenceOf(members: MemberObservation[]) {
  const left = withoutStrangers(CLUSTER.members, members);
  const isLed = left.some((seen) => seen.answering && seen.leaderId !== '0');
  const memberList = OURS.map((listed) => ({ ...listed, isLearner: false }));
  return isLed ? proof(left, { memberList }) : apart(left);
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
    const [values] = measure(CLUSTER, evidence).map((each) => each.values);
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
      ' and nobody at a peerUrl of clusters.json: correct clusters.json, or what is in between',
    );
    expect(summary.match(/Should it be the cluster in question after all/g)).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('Correct peerUrl');
    expect(measure(CLUSTER, evidence)[0]?.values).not.toHaveProperty('HasLeader');
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
    const { members: left, memberList } = evidenceOf(members);
    const cluster = { ...CLUSTER, auth: { secret: 'root' } };
    const seen = { members: left, memberList, alarms: [] };
    const probes = rejecting([], proof(left)).probes.map((probe) => ({
      ...probe,
      login: { ...probe.login, answer: 'Open' as const },
    }));
    const reads = NAMES.map((member) => ({ member, works: true, problem: '' }));
    for (const { name, message } of [
      ...firstRefusals(seen, cluster, probes),
      failureOf(() =>
        assessQuorum(seen, reads, {
          cluster,
          parameters: parametersWith(),
          readings: { lost: 0, total: 0, committed: {} },
        }),
      ),
    ]) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toMatch(/^Who answers, or whom etcd lists, is not what clusters\.json says:\n- The clientUrl/);
    }
  });
});
