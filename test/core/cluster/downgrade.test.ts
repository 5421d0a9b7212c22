import { describe, expect, it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterFor, diagnosed, proof } from '../diagnosis/diagnoses.ts';
import { choose, DEPARTED, STOPPED } from '../member-replacement/changes.ts';
import { clusterIn, failureOf, LAYOUT, learner, listed, observation, silent, voter } from '../observations.ts';

const DOWNGRADED = { version: '3.7.3', storageVersion: '3.6.0', downgradeTo: '3.6.0' };
const MESSAGE =
  'A downgrade to etcd 3.6.0 is enabled (node1, node2), and meanwhile etcd lets no new member in: one that fails cannot be replaced. ' +
  'Finish the downgrade, or end it: "etcdctl downgrade cancel".';
const REFUSED = `${MESSAGE} Then start again; or bring the old member back. No member was removed.`;

const with3 = (third: MemberObservation) => [voter('node1', DOWNGRADED), voter('node2', DOWNGRADED), third];
const FAILED = with3(silent('node3'));

function assess(members: MemberObservation[]) {
  return assessMembers(observation(members), {
    cluster: { ...clusterIn(observation(members)), layout: LAYOUT },
    parameters: parse(memberParametersSchema, {}, 'parameters'),
    member: '',
    readings: { targets: [], equal: 0, total: 0 },
  });
}

describe('while a downgrade is enabled', () => {
  it('a failed member is not replaced: the first look says so, before anything is changed', () => {
    expect(failureOf(() => assess(FAILED))).toMatchObject({ name: 'PreconditionFailed', message: REFUSED });
  });

  it('a learner that has joined before is promoted all the same', () => {
    expect(assess(with3(learner('node3', DOWNGRADED)))).toMatchObject({ verdict: 'Replace' });
  });

  it('nothing is to be done where every member is healthy', () => {
    expect(assess(with3(voter('node3', DOWNGRADED)))).toMatchObject({ verdict: 'NothingToDo' });
  });

  it('a diagnosis warns of it on a quiet day', () => {
    const evidence = proof(with3(voter('node3')));
    const { incident, warnings } = diagnosed(evidence, clusterFor(evidence));
    expect(incident).toBe('healthy');
    expect(warnings).toContainEqual({ kind: 'downgrade-enabled', message: MESSAGE });
  });

  it.each([
    ['no service is stopped', []],
    ['no member is removed', STOPPED],
  ])('%s', (_, done) => {
    expect(failureOf(() => choose(observation(FAILED), { done }))).toMatchObject({ message: REFUSED });
  });

  it('one that was removed before it was enabled is not added, which it would not survive', () => {
    const reading = observation(FAILED, { memberList: [listed('node1'), listed('node2')] });
    expect(failureOf(() => choose(reading, { done: DEPARTED }))).toMatchObject({
      name: 'PreconditionFailed',
      message: `${MESSAGE} Then start again: node3 was removed from etcd and is not back.`,
    });
  });
});
