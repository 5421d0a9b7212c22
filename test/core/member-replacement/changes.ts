import type { ListedMember, MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import type { ChooseNextChange, NextChange, PlannedTarget } from '../../../core/member-replacement/contracts.ts';
import { chooseNextChange } from '../../../core/member-replacement/next-change.ts';
import { clusterOf, configured, listed, observation, silent, voter } from '../observations.ts';

/** A cluster of three whose third member is the target, at any point of its replacement. */

export const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
export const LIST = MEMBERS.map(({ name }) => listed(name));
export const STOPPED = ['StopService node3'];
export const DEPARTED = [...STOPPED, 'ArchiveDataDir node3'];
export const STARTED = [...DEPARTED, 'JoinCluster node3'];

export function target(name: string, differences: Partial<PlannedTarget> = {}): PlannedTarget {
  return {
    member: name,
    host: name.replace('node', 'i-'),
    removeIds: [name.replace('node', 'a')],
    prepare: true,
    asLearner: true,
    staysLearner: false,
    wasActive: false,
    start: { unit: 'etcd' },
    peerUrls: [],
    ...differences,
  };
}
export const joining = (name: string, differences: Partial<PlannedTarget> = {}) =>
  target(name, { prepare: false, removeIds: [], start: {}, ...differences });

export function choose(reading: Observation, request: Partial<ChooseNextChange> = {}): NextChange {
  return chooseNextChange(reading, {
    cluster: clusterOf(MEMBERS),
    replaced: null,
    targets: [target('node3')],
    done: [],
    waits: 0,
    turn: 0,
    execution: 'run-1',
    ...request,
  });
}

/** Whom it is about. */
export function membersOf(next: NextChange): string[] {
  if ('commands' in next) return next.commands.map(({ member }) => member);
  return next.action === 'Finish' ? [] : [next.member];
}

export function withThird(third: MemberObservation, entry?: ListedMember | null): Observation {
  const reading = observation([voter('node1'), voter('node2'), third]);
  if (entry === undefined) return reading;
  return { ...reading, memberList: [...LIST.slice(0, 2), ...(entry ? [entry] : [])] };
}
export const crashed = withThird(silent('node3'));
/** Added under a new ID, and not started; then started. */
export const added = listed('node3', { id: 'b3', name: '', isLearner: true });
export const started = listed('node3', { id: 'b3', isLearner: true });
