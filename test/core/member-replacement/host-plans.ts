import { expect } from 'vitest';
import type { Cluster, SpareHost } from '../../../core/cluster/clusters.ts';
import type { AnsweringMember, ListedMember, MemberObservation } from '../../../core/cluster/observation.ts';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { memberParametersSchema, type ReplacementPlan } from '../../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterOf,
  failureOf,
  inspected,
  inspection,
  LAYOUT,
  listed,
  MIB,
  observation,
  silent,
  voter,
} from '../observations.ts';
import { MEMBERS } from './plans.ts';

/** Plans for the replacement of one member, by what its host, or the host that takes its place, says. */

export const LIST = MEMBERS.map(({ name }) => listed(name));

export function plan(
  differences: Partial<HostInspection>,
  {
    place,
    memberList = LIST,
    layout = {},
    dbSizeBytes = 20 * MIB,
    tells = {},
    oldHost = inspected('node3'),
    cluster = clusterOf(MEMBERS),
    third = silent('node3'),
    late = [],
  }: {
    place?: SpareHost;
    memberList?: ListedMember[];
    layout?: object;
    dbSizeBytes?: number;
    tells?: Partial<AnsweringMember>;
    oldHost?: InspectionReport | null;
    cluster?: Cluster;
    third?: MemberObservation;
    /** Certificates on the host that do not hold now. */
    late?: string[];
  } = {},
): ReplacementPlan {
  const { name } = place ?? { name: 'node3' };
  const members = [
    voter('node1', { dbSizeBytes, ...tells }),
    voter('node2', { dbSizeBytes: 1, ...tells }),
    silent(name),
  ];
  const request = {
    cluster: { ...cluster, spareHosts: place ? [place] : [], layout: { ...LAYOUT, ...layout } },
    parameters: parse(memberParametersSchema, { replacement: place && { host: place.host } }, 'parameters'),
    member: place ? 'node3' : '',
    targets: [{ member: name, kind: 'failed' as const, problem: 'does not answer.' }],
    oldHost: place && oldHost ? [oldHost] : [],
    inspections: [{ member: name, inspection: inspection(name, differences) }],
  };
  const seen = observation(place ? [...members, third] : members, { memberList });
  return planReplacement(seen, request, { [name]: late });
}

export function problemsOf(...request: Parameters<typeof plan>): string[] {
  const { name, message } = failureOf(() => plan(...request));
  expect(name, message).toBe('PreconditionFailed');
  const [first, ...problems] = message.split('\n');
  expect(first).toMatch(/^The host i-\d is not ready for the replacement of node\d; nothing was changed\.$/);
  return problems.map((line) => line.replace(/^- /, ''));
}
