import type { AnsweringMember, ListedIdentity, MemberObservation } from '../../../core/cluster/observation.ts';
import { withoutStrangers } from '../../../core/cluster/own-cluster.ts';
import { assessQuorum } from '../../../core/quorum-recovery/quorum-assessment.ts';
import { apart, clusterOf, configured, proof, rejecting, voter } from '../diagnosis/diagnoses.ts';
import { firstRefusals } from '../first-looks.ts';
import { failureOf, refusing } from '../observations.ts';
import { parametersWith } from '../quorum-recovery/recoveries.ts';

/** Who answers at the client URLs of a cluster of three: its own members, those of other clusters, and who does not let us in. */

export const NAMES = ['node1', 'node2', 'node3'];
export const CLUSTER = clusterOf(NAMES.map((name) => configured(name)));

/** Members of a cluster, at these hosts of it: `x1 at h1` is listed with the peer URL https://h1:2380. */
export function listOf(clusterId: string, ...members: string[]): ListedIdentity[] {
  return members.map((member) => {
    const [name = '', host = name] = member.split(' at ');
    return { id: `${clusterId}-${host}`, name, peerUrls: [`https://${host}:2380`] };
  });
}

/** At the client URL of `at` somebody answers who lists this, as the member number `nth` of it. */
export function answers(
  at: string,
  list: ListedIdentity[] | undefined,
  nth = 1,
  differences: Partial<AnsweringMember> = {},
) {
  const self = list?.[nth - 1];
  const clusterId = self?.id.split('-')[0] ?? 'untold';
  const { entry: _, ...seen } = voter(at, { id: self?.id ?? 'a9', clusterId, leaderId: list?.[0]?.id ?? 'a9' });
  const entry = self && { name: self.name, peerUrls: self.peerUrls };
  return { ...seen, ...(entry && { entry }), ...(list && { list }), ...differences };
}

const OURS = listOf('c0ffee', ...NAMES);
export const OTHER_NAMES = listOf('f00d', 'infra1', 'infra2', 'infra3');
export const SAME_NAMES = listOf('f00d', 'node1 at x1', 'node2 at x2', 'node3 at x3');
export const TWIN = listOf('f00d', ...NAMES);
/** Somebody who does not let us in, and tells of which cluster he is. */
export const denies = (at: string, clusterId?: string): MemberObservation => ({
  ...refusing(at, 'It does not take the password.'),
  deniesLogin: true,
  ...(clusterId !== undefined && { clusterId }),
});
export const own = (at: string, differences = {}) => answers(at, OURS, NAMES.indexOf(at) + 1, differences);

/** What is read of it: a list and alarms of whoever is left, if a quorum can be asked there. */
export function evidenceOf(members: MemberObservation[]) {
  const left = withoutStrangers(CLUSTER.members, members);
  const isLed = left.some((seen) => seen.answering && seen.leaderId !== '0');
  const memberList = OURS.map((listed) => ({ ...listed, isLearner: false }));
  return isLed ? proof(left, { memberList }) : apart(left);
}

/** What every runbook says at its first look, that for a lost quorum last. */
export function refusalsOf(left: MemberObservation[]): { name: string; message: string }[] {
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

export const two = (list: ListedIdentity[]) => [answers('node1', list, 1), answers('node2', list, 2)];
