import { describe, expect, it } from 'vitest';
import type { Cluster, SpareHost } from '../../../core/cluster/clusters.ts';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { scopeOf } from '../../../core/member-replacement/replacement-scope.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterOf,
  configured,
  failureOf,
  learner,
  listed,
  observation,
  silent,
  spare,
  voter,
} from '../observations.ts';

const CLUSTER = clusterOf(
  ['node1', 'node2', 'node3'].map((name) => configured(name)),
  { spareHosts: [spare('node9')] },
);
const LIST = ['node1', 'node2', 'node3'].map((name) => listed(name));
const NODE9 = spare('node9');

/** The cluster with this spare host, which is to take the place of a member. */
function request(place: SpareHost, { member = 'node3', cluster = CLUSTER } = {}) {
  const parameters = parse(memberParametersSchema, { replacement: { host: place.host } }, 'parameters');
  return { cluster: { ...cluster, spareHosts: [spare('node8'), place] }, member, parameters };
}

/** A reading of node1, node2, the replacement and the member that it replaces; the first two are well. */
function reading(replacement: MemberObservation, replaced: MemberObservation, memberList = LIST): Observation {
  return observation([voter('node1'), voter('node2'), replacement, replaced], { memberList });
}

function assess(seen: Observation, replacement: SpareHost, options?: { member?: string; cluster?: Cluster }) {
  const readings = { targets: [], equal: 2, total: 2 };
  return assessMembers(seen, { ...request(replacement, options), readings });
}

describe('a replacement that fits', () => {
  it('is looked at in the place of the member that it replaces, which is looked at as well', () => {
    const { cluster, replaced, observed } = scopeOf(request(NODE9));
    expect(cluster.members.map(({ name }) => name)).toEqual(['node1', 'node2', 'node9']);
    expect(replaced).toBe(CLUSTER.members[2]);
    expect(observed.map(({ name }) => name)).toEqual(['node1', 'node2', 'node9', 'node3']);
  });

  it('stays a learner where the replaced one is to stay a learner', () => {
    const members = [...CLUSTER.members.slice(0, 2), configured('node3', { learner: true })];
    expect(scopeOf(request(NODE9, { cluster: { ...CLUSTER, members } })).cluster.members[2]).toEqual({
      ...NODE9,
      learner: true,
    });
  });

  it('is the target, and its host is the one that is inspected', () => {
    const { readings, inspections, oldHost } = assess(reading(silent('node9'), silent('node3')), NODE9);
    expect(readings.targets.map(({ member, kind }) => [member, kind])).toEqual([['node9', 'failed']]);
    expect(inspections.map(({ member, host }) => [member, host])).toEqual([['node9', 'i-9']]);
    expect(oldHost.map(({ member, host }) => [member, host])).toEqual([['node3', 'i-3']]);
  });

  it('leaves the old host out where etcd does not list its member any more, or clusters.json names none', () => {
    const gone = reading(silent('node9'), silent('node3'), LIST.slice(0, 2));
    expect(assess(gone, NODE9).oldHost).toEqual([]);
    const { host: _, ...hostless } = configured('node3');
    const cluster = { ...CLUSTER, members: [...CLUSTER.members.slice(0, 2), hostless] };
    expect(assess(reading(silent('node9'), silent('node3')), NODE9, { cluster }).oldHost).toEqual([]);
  });

  it('may have the name of the replaced one', () => {
    const replacement = { ...NODE9, name: 'node3' };
    const { readings, inspections } = assess(
      reading({ ...silent('node9'), name: 'node3' }, silent('node3')),
      replacement,
    );
    expect(readings.targets.map(({ member, kind }) => [member, kind])).toEqual([['node3', 'failed']]);
    expect(inspections.map(({ host }) => host)).toEqual(['i-9']);
  });

  it('finds etcd on a spare host where that host has it', () => {
    const place = spare('node9', { layout: { dataDir: '/spare/disk' } });
    const [inspection] = assess(reading(silent('node9'), silent('node3')), place).inspections;
    expect(inspection).toMatchObject({ host: 'i-9', parameters: { unit: 'etcd', dataDir: '/spare/disk' } });
  });

  it('is a spare host no more', () => {
    expect(scopeOf(request(NODE9)).cluster.spareHosts).toEqual([spare('node8')]);
  });

  it('does not find etcd on a spare host where the replaced one had it on its own', () => {
    const members = [...CLUSTER.members.slice(0, 2), configured('node3', { layout: { dataDir: '/third/disk' } })];
    const seen = reading(silent('node9'), silent('node3'));
    const [inspection] = assess(seen, NODE9, { cluster: { ...CLUSTER, members } }).inspections;
    expect(inspection?.parameters.dataDir).toBe('/var/lib/etcd');
  });

  it.each([
    ['a learner that has to be promoted', learner('node9'), 'joining', 'Replace'],
    ['healthy, so nothing is left', voter('node9'), undefined, 'NothingToDo'],
  ])('may have joined in an earlier execution: %s', (_, replacement, kind, verdict) => {
    const list = [...LIST.slice(0, 2), listed('node9', { isLearner: replacement.isLearner })];
    const assessment = assess(reading(replacement, silent('node3'), list), NODE9);
    expect(assessment.verdict).toBe(verdict);
    expect(assessment.readings.targets[0]?.kind).toBe(kind);
  });
});

describe('a replacement is refused', () => {
  it('without the member whose place it takes', () => {
    expect(failureOf(() => scopeOf(request(NODE9, { member: '' })))).toMatchObject({
      name: 'InvalidInput',
      message: 'parameters.replacement takes the place of one member: say which with "member".',
    });
  });

  it('for a member that there is not', () => {
    expect(failureOf(() => scopeOf(request(NODE9, { member: 'node9' }))).message).toContain(
      'The cluster orders has no member "node9"',
    );
  });

  it.each([
    ['a host that nobody has named', 'i-7'],
    ['a host whose name begins like that of a spare one', 'i-99'],
    ["the replaced member's own host", 'i-3'],
    ["another member's host", 'i-2'],
  ])('on %s', (_, host) => {
    const { cluster, ...rest } = request({ ...NODE9, host });
    const failure = failureOf(() => scopeOf({ ...rest, cluster: { ...cluster, spareHosts: [NODE9] } }));
    expect(failure.name).toBe('InvalidInput');
    expect(failure.message).toContain(
      `parameters.replacement.host "${host}" is no spare host of cluster orders, which has "i-9"`,
    );
    expect(failure.message).toContain('"spareHosts"');
    expect(failureOf(() => scopeOf({ ...rest, cluster: { ...cluster, spareHosts: [] } })).message).toContain(
      'which has none',
    );
  });

  it.each(['name', 'clientUrl', 'peerUrl'] as const)('with the %s of a member that stays', (field) => {
    const place = { ...NODE9, [field]: CLUSTER.members[1]?.[field] };
    expect(failureOf(() => scopeOf(request(place)))).toMatchObject({
      name: 'InvalidInput',
      message: `The spare host i-9 has the ${field} of node2, which stays in the cluster. Correct clusters.json. Then start again; in AWS, deploy it first.`,
    });
  });

  it('while the member that it is to replace is healthy', () => {
    expect(failureOf(() => assess(reading(silent('node9'), voter('node3')), NODE9))).toMatchObject({
      name: 'PreconditionFailed',
      message:
        'node3 at https://node3:2379 is healthy, and this runbook replaces members that have failed. Say with "member" which one has.',
    });
  });

  it('while another member has failed', () => {
    const seen = observation([
      voter('node1'),
      voter('node2'),
      silent('node4'),
      voter('node5'),
      silent('node9'),
      silent('node3'),
    ]);
    const members = ['node1', 'node2', 'node4', 'node5', 'node3'].map((name) => configured(name));
    const cluster = { ...CLUSTER, members };
    const memberList = members.map(({ name }) => listed(name));
    const failure = failureOf(() => assess({ ...seen, memberList }, NODE9, { cluster }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('node9 is named, and node4 does not answer');
  });
});
