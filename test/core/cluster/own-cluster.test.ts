import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { findOwnCluster, withoutStrangers } from '../../../core/cluster/own-cluster.ts';
import { voter } from '../diagnosis/diagnoses.ts';
import { silent } from '../observations.ts';
import { answers, CLUSTER, listOf, NAMES, OTHER_NAMES, own, SAME_NAMES, TWIN } from './strangers.ts';

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
