import type { ConfiguredMember } from '../../../core/cluster/clusters.ts';
import type { ListedMember, MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import {
  memberParametersSchema,
  type PlannedTarget,
  type ReplacementPlan,
  type Target,
} from '../../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured, directory, inspection, LAYOUT, observation, silent, voter } from '../observations.ts';

const parameters = parse(memberParametersSchema, {}, 'parameters');
export const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
export const EMPTY = { dataDir: directory(LAYOUT.dataDir, { empty: true, sizeBytes: 0 }) };

export function target(member: string, kind: Target['kind'] = 'failed'): Target {
  return { member, kind, problem: 'does not answer.' };
}

interface Request {
  members?: ConfiguredMember[];
  targets?: Target[];
  inspections?: Record<string, Partial<HostInspection>>;
  /** By ID: what somebody has approved of. */
  removeOnly?: string[];
}

export function plan(reading: Observation, { members = MEMBERS, targets = [target('node3')], ...rest }: Request = {}) {
  const { inspections = { node3: {} }, removeOnly } = rest;
  return planReplacement(reading, {
    cluster: clusterOf(members),
    parameters: { ...parameters, ...(removeOnly && { removeOnly }) },
    member: '',
    targets,
    oldHost: [],
    inspections: Object.entries(inspections).map(([member, differences]) => ({
      member,
      inspection: inspection(member, differences),
    })),
  });
}

export function only({ targets }: ReplacementPlan): PlannedTarget {
  const [target, ...others] = targets;
  if (!target || others.length > 0) throw new Error(`one target was expected: ${JSON.stringify(targets)}`);
  return target;
}

/** node1 and node2 are well, and node3 is as given. */
export function withThird(third: MemberObservation, entry?: ListedMember | null, version = '3.5.30'): Observation {
  const reading = observation([voter('node1', { version }), voter('node2', { version }), third]);
  if (entry === undefined) return reading;
  return { ...reading, memberList: [...reading.memberList.slice(0, 2), ...(entry ? [entry] : [])] };
}
export const crashed = withThird(silent('node3'));
