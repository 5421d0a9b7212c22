import type { RaisedAlarm } from './space.ts';

/** What one reading of a whole cluster saw: the input of every decision. */
export interface Observation {
  /** One for each configured member, in the order of the configuration. */
  members: MemberObservation[];
  /** etcd's own list, read through consensus; empty when no member could be asked. */
  memberList: ListedMember[];
  alarms: RaisedAlarm[];
}

export interface ListedMember {
  /** In hex. */
  id: string;
  /** Empty until the member has started for the first time. */
  name: string;
  peerUrls: string[];
  isLearner: boolean;
}

export type MemberObservation = AnsweringMember | SilentMember;

export interface SilentMember {
  name: string;
  endpoint: string;
  answering: false;
  /** Whether something answered there, and refused us: the login, the certificate, the call. */
  refused: boolean;
  /** It runs and has no leader, without which nobody can log in: so it says that much, and no more. */
  leaderless?: boolean;
  /** Why, in words for a responder. */
  problem: string;
}

export interface AnsweringMember {
  name: string;
  endpoint: string;
  answering: true;
  /** Member, cluster and leader IDs in hex; `leaderId` is "0" without a leader. */
  id: string;
  clusterId: string;
  leaderId: string;
  isLearner: boolean;
  version: string;
  /**
   * Of what it stores, `3.6.0`, which follows the version that etcd's cluster has agreed on; empty before 3.6, which does not tell it. During
   * an upgrade it is the older one.
   */
  storageVersion: string;
  /** The release that a downgrade is enabled to; empty where none is, and before 3.6. */
  downgradeTo: string;
  /** Decimal strings, as etcd's are 64 bits wide. */
  revision: string;
  raftAppliedIndex: string;
  dbSizeBytes: number;
  dbSizeInUseBytes: number;
  /** The member's own since etcd 3.6, null where it has none; before, the configured quota. */
  quotaBytes: number | null;
  /** Whether the member has told it: what is only configured may be wrong. */
  quotaIsTold: boolean;
}
