import type { ConfiguredMember } from './clusters.ts';

/** What one reading of a whole cluster saw: the input of every decision. */
export interface Observation {
  /** One for each configured member, under its name: see {@link seenOf}. */
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
  /** Where it says that clients reach it; empty until it has started for the first time, and not there in a list that a member reports on its own. */
  clientUrls?: string[];
  isLearner: boolean;
}

/** Who a member of a list is. */
export type ListedIdentity = Pick<ListedMember, 'id' | 'name' | 'peerUrls'>;

export type MemberObservation = AnsweringMember | SilentMember;

/**
 * What a silence proves of the member. Only `away` and `leaderless` say that something is wrong with the member itself.
 *
 * - `away`: the address is right as far as we can tell, and nothing listens there, or what listens does not answer in time.
 * - `leaderless`: it runs and has no leader, without which nobody can log in: so it says that much, and no more.
 * - `busy`: it runs, and could not serve us at this moment.
 * - `refused`: it runs, and refuses us: the login, the certificate.
 * - `unreached`: we did not get to it. Its name is not known here, the scheme is wrong, something cuts the connection, or a proxy answers.
 * - `stranger`: someone answers there who is of another cluster, or of one that may or may not be the one in question.
 */
export type Silence = 'away' | 'leaderless' | 'busy' | 'refused' | 'unreached' | 'stranger';

export interface SilentMember {
  name: string;
  endpoint: string;
  answering: false;
  silence: Silence;
  /** Why, in words for a responder. */
  problem: string;
  /** The name of what was met with: `Refused`, `Deadline`; missing if it was not asked. */
  reason?: string;
  /** Of one that refuses us: of which cluster it is, in hex, which etcd says to anyone; missing if it did not say. */
  clusterId?: string;
  /** Whether it is the user name or the password that it does not take. */
  deniesLogin?: true;
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
   * Of what it stores, `3.6.0`, which follows the version that etcd's cluster has agreed on; empty before 3.6, which does not say it. During
   * an upgrade it is the older one.
   */
  storageVersion: string;
  /** The release that a downgrade is enabled to; empty where none is, and before 3.6. */
  downgradeTo: string;
  /** Decimal strings, as etcd's are 64 bits wide. */
  revision: string;
  raftAppliedIndex: string;
  /** How far it knows the log as committed: it moves only while a quorum is at work. */
  raftCommittedIndex: string;
  raftTerm: string;
  dbSizeBytes: number;
  dbSizeInUseBytes: number;
  /** The member's own since etcd 3.6, null where it has none; before, the configured quota. */
  quotaBytes: number | null;
  /** Whether the member has reported it: what is only configured may be wrong. */
  quotaIsReported: boolean;
  /** How this member itself lists the one that answers; not there where it did not say. A grpc-proxy lists nobody's peer URL. */
  entry?: Pick<ListedMember, 'name' | 'peerUrls'>;
  /** Whom this member itself lists; not there where it did not say. */
  list?: ListedIdentity[];
  /** Why it is to be replaced although it answers, as a sentence about it goes on; not there where nobody has decided that. */
  condemned?: string;
}

export interface RaisedAlarm {
  memberId: string;
  /** `NOSPACE`, `CORRUPT`, or etcd's number for a kind that this release does not know. */
  alarm: string;
}

/** What was seen of a configured member. Of two that have the same name, as one that takes the place of another may, the address says which. */
export function seenOf(
  { name, clientUrl }: Pick<ConfiguredMember, 'name' | 'clientUrl'>,
  members: readonly MemberObservation[],
): MemberObservation | undefined {
  const named = members.filter((seen) => seen.name === name);
  return named.find(({ endpoint }) => endpoint === clientUrl) ?? named[0];
}
