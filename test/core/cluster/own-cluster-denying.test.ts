import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { findOwnCluster, withoutStrangers } from '../../../core/cluster/own-cluster.ts';
import { diagnosed } from '../diagnosis/diagnoses.ts';
import { answers, CLUSTER, denies, evidenceOf, listOf, NAMES, OTHER_NAMES, own, refusalsOf } from './strangers.ts';

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
