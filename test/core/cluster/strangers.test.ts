import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { measure } from '../../../core/diagnosis/metrics.ts';
import { conditionsOf, diagnosed } from '../diagnosis/diagnoses.ts';
import { silent } from '../observations.ts';
import { answers, CLUSTER, evidenceOf, OTHER_NAMES, own, refusalsOf, SAME_NAMES, TWIN, two } from './strangers.ts';

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
