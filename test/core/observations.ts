import type {
  AnsweringMember,
  MemberObservation,
  Observation,
  SilentMember,
} from '../../core/contracts/observation.ts';
import type { RaisedAlarm } from '../../core/contracts/space.ts';
import { RemediationError } from '../../core/errors.ts';

export const MIB = 1024 * 1024;
export const QUOTA_BYTES = 100 * MIB;

/** Nothing to gain, and far from the quota. */
export const SMALL = sizes(20, 19);
/** Over the threshold, and a defragmentation gives most of it back. */
export const FRAGMENTED = sizes(95, 20);
/** Over the threshold, and a defragmentation gives nothing back. */
export const FULL = sizes(95, 95);

export function sizes(dbSizeMib: number, inUseMib: number) {
  return { dbSizeBytes: dbSizeMib * MIB, dbSizeInUseBytes: inUseMib * MIB };
}

/** `node2` -> `a2` */
export function idOf(name: string): string {
  return `a${name.replace(/\D/g, '')}`;
}

/** A voter that follows node1 and needs nothing. */
export function voter(name: string, differences: Partial<AnsweringMember> = {}): AnsweringMember {
  return {
    name,
    endpoint: `https://${name}:2379`,
    answering: true,
    id: idOf(name),
    clusterId: 'c0ffee',
    leaderId: idOf('node1'),
    isLearner: false,
    version: '3.5.30',
    revision: '5000',
    raftAppliedIndex: '7000',
    ...SMALL,
    quotaBytes: QUOTA_BYTES,
    ...differences,
  };
}

export function learner(name: string, differences: Partial<AnsweringMember> = {}): AnsweringMember {
  return voter(name, { isLearner: true, ...differences });
}

export function silent(name: string, problem = 'Nothing answers at this address.'): SilentMember {
  return { name, endpoint: `https://${name}:2379`, answering: false, problem };
}

/** A reading of a cluster whose own list of members is exactly these. */
export function observation(members: MemberObservation[], differences: Partial<Observation> = {}): Observation {
  const memberList = members.map((member) => ({
    id: member.answering ? member.id : idOf(member.name),
    name: member.name,
    peerUrls: [`https://${member.name}:2380`],
    isLearner: member.answering && member.isLearner,
  }));
  return { members, memberList, alarms: [], ...differences };
}

/** The same members, all following `name`. */
export function ledBy(name: string, members: AnsweringMember[]): AnsweringMember[] {
  return members.map((member) => ({ ...member, leaderId: idOf(name) }));
}

export function noSpace(name: string): RaisedAlarm {
  return { memberId: idOf(name), alarm: 'NOSPACE' };
}

/** What `act` ends with; a value that is returned fails the assertion on it. */
export function failureOf(act: () => unknown): { name: string; reason: string | undefined; message: string } {
  try {
    return { name: 'no error', reason: undefined, message: `returned ${JSON.stringify(act())}` };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { name: error.name, reason: error.reason, message: error.message };
  }
}
