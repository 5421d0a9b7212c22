import type { Certificate } from '../../core/cluster/certificates.ts';
import type { ClusterAccess } from '../../core/cluster/cluster-role.ts';
import type { Cluster, ConfiguredMember } from '../../core/cluster/clusters.ts';
import {
  type AnsweringMember,
  type MemberObservation,
  type Observation,
  seenOf,
} from '../../core/cluster/observation.ts';
import { findOwnCluster, withoutStrangers } from '../../core/cluster/own-cluster.ts';
import { EtcdUnavailable, InvalidInput, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import { readCertificates } from './certificates.ts';
import { hasReason, silenceOf } from './errors.ts';
import { EtcdMember } from './member.ts';
import { type ClusterSecrets, readSecrets } from './secrets.ts';

/** A configured cluster: one pinned client for each member. Close it after use. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly #configured: readonly ConfiguredMember[];
  readonly #secrets: ClusterSecrets;
  /** Whether the login was seen to do what only root may: it is asked for once. */
  #isRoot = false;

  constructor(cluster: Cluster, secrets: ClusterSecrets) {
    this.#configured = cluster.members;
    this.#secrets = secrets;
    this.members = cluster.members.map(
      ({ name, clientUrl }) =>
        new EtcdMember({
          name,
          clientUrl,
          quotaBytes: cluster.quotaBackendBytes,
          borrowToken: (deadline) => borrowToken(this.#others(name), deadline).catch(notOfOthers),
          ...secrets,
        }),
    );
  }

  /** @throws InvalidInput when the configuration has no member of this name */
  member(name: string): EtcdMember {
    const member = this.members.find((candidate) => candidate.name === name);
    if (member) return member;
    throw new InvalidInput(
      `The cluster has no member "${name}". It has ${this.members.map((other) => other.name).join(', ')}.`,
    );
  }

  /** A member that takes calls for the whole cluster. @throws EtcdUnavailable when none was seen answering */
  voterIn({ members }: Observation): EtcdMember {
    const [seen] = this.#votersIn(members);
    if (!seen) throw new EtcdUnavailable('No voter answers.');
    return seen;
  }

  /** The member that leads. @throws EtcdUnavailable when none is seen */
  leaderIn({ members }: Observation): EtcdMember {
    const leader = this.ofThisCluster(members).find((member) => leads(members, member));
    if (!leader) throw new EtcdUnavailable('No member leads: an election may be under way.');
    return leader;
  }

  /**
   * One reading of the whole cluster. A member that does not answer is part of it, not an error.
   * @throws EtcdUnavailable when every member answers and the alarms cannot be read all the same (no leader): an alarm that
   *   was not seen must never count as no alarm. Any other error where no member lets us read them (a wrong password);
   *   PreconditionFailed where the login is not root's: it would be found out in the middle of a runbook
   * @param look what counts as an answer of one member
   * @param known as of {@link findOwnCluster}
   */
  async observe(look: Look = usefulToClients, known: readonly string[] = []): Promise<Observation> {
    const members = await this.observeMembers(look, known);
    if (!members.some(isAnsweringVoter)) {
      await this.#requireFitLogin(members);
      return { members, memberList: [], alarms: [] };
    }
    // Both need the members to agree: asked at once, they wait for one agreement.
    const isFit = this.#requireFitLogin(members);
    isFit.catch(() => undefined);
    try {
      const agreement = await this.observeAgreement(members, known);
      await isFit;
      return { members, ...agreement };
    } catch (error) {
      const explained = error instanceof EtcdUnavailable && members.some((member) => !member.answering);
      if (!explained) throw error;
      return { members, memberList: [], alarms: [] };
    }
  }

  /** What each member reports on its own, whether or not there is a quorum. What answers from another cluster has reported nothing: see {@link withoutStrangers}. */
  async observeMembers(look: Look = usefulToClients, known: readonly string[] = []): Promise<MemberObservation[]> {
    const seen = await Promise.all(this.members.map((member) => observeMember(member, look)));
    return withoutStrangers(this.#configured, seen, known);
  }

  /** Those that do not answer from another cluster, be it as the configured member itself. */
  ofThisCluster(members: readonly MemberObservation[], known: readonly string[] = []): EtcdMember[] {
    const own = findOwnCluster(this.#configured, members, known);
    const isOwn = (seen: MemberObservation | undefined) =>
      seen?.answering ? own?.verdict !== 'own' || seen.clusterId === own.clusterId : seen?.silence !== 'stranger';
    return this.members.filter((member) => isOwn(seenAt(member, members)));
  }

  /**
   * What a quorum of the members agrees on. An answer is the proof that there is one, however few of its members answer us.
   * @param members what each has reported of itself
   * @throws as the last voter that was asked
   */
  async observeAgreement(
    members: readonly MemberObservation[],
    known: readonly string[] = [],
  ): Promise<Pick<Observation, 'memberList' | 'alarms'>> {
    const voters = this.#votersIn(members, known);
    if (voters.length === 0) throw new EtcdUnavailable('No voter answers.');
    const [memberList, alarms] = await Promise.all([
      firstAnswer(voters, (member) => member.memberList()),
      firstAnswer(voters, (member) => member.alarms()),
    ]);
    return { memberList, alarms };
  }

  /**
   * Why the login cannot do what runbooks have to; empty where it can, where etcd has no authentication, and where nobody could be asked. Root is
   * asked for: a user that may write every key may compact, and neither defragment nor change members. Newer releases refuse such a user the
   * status as well (seen of 3.5.30, not of 3.5.16), so those that refuse us are asked too.
   * @param members what each has reported of itself
   */
  async findLoginProblem(members: readonly MemberObservation[]): Promise<string> {
    let problem = '';
    const refusing = this.members.filter((member) => isRefusing(seenAt(member, members)));
    for (const member of this.#isRoot ? [] : [...this.#votersIn(members), ...refusing]) {
      try {
        await member.authentication.askAsRoot();
        this.#isRoot = true;
        return '';
      } catch (error) {
        // One that rejects tokens, or has other users than the rest, says nothing of the login: see the incident auth-token-invalid.
        if (hasReason(error, 'PermissionDenied')) problem = (error as Error).message;
      }
    }
    return problem && `The login may not do what runbooks have to, for which it takes the root role. ${problem}`;
  }

  async #requireFitLogin(members: readonly MemberObservation[]): Promise<void> {
    const problem = await this.findLoginProblem(members);
    if (problem !== '') throw new PreconditionFailed(problem);
  }

  /** The leader first: before 3.5 each member reports etcd's list as it knows it. */
  #votersIn(members: readonly MemberObservation[], known: readonly string[] = []): EtcdMember[] {
    const own = this.ofThisCluster(members, known);
    const answering = this.members.filter(
      (member) => own.includes(member) && isAnsweringVoter(seenAt(member, members)),
    );
    return answering.toSorted((a, b) => Number(leads(members, b)) - Number(leads(members, a)));
  }

  #others(name: string): EtcdMember[] {
    return this.members.filter((member) => member.name !== name);
  }

  /** By a handshake of its own with each: what it does not answer is left out. */
  readCertificates(): Promise<Certificate[]> {
    return readCertificates(this.#configured, this.#secrets);
  }

  close(): void {
    for (const member of this.members) member.close();
  }
}

type Look = (member: EtcdMember) => Promise<AnsweringMember>;

const usefulToClients: Look = (member) => member.look();

async function observeMember(member: EtcdMember, look: Look): Promise<MemberObservation> {
  try {
    const seen = await look(member);
    return { ...seen, ...(await member.ownList(seen.id)) };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    const { name, endpoint } = member;
    const silence = silenceOf(error);
    return {
      name,
      endpoint,
      answering: false,
      silence,
      problem: error.message,
      ...(error.reason && { reason: error.reason }),
      ...(silence === 'refused' && (await member.ownCluster())),
      ...(hasReason(error, 'WrongPassword') && { deniesLogin: true }),
    };
  }
}

/** That another member gives no token proves nothing of the one that wanted it. */
function notOfOthers(error: unknown): never {
  if (!(error instanceof EtcdUnavailable) || silenceOf(error) !== 'away') throw error;
  throw new EtcdUnavailable(error.message, 'NothingToBorrow');
}

function leads(members: readonly MemberObservation[], { endpoint }: EtcdMember): boolean {
  return members.some((seen) => seen.endpoint === endpoint && seen.answering && seen.id === seen.leaderId);
}

/** What was seen of the member to which this is the connection. */
export function seenAt(
  { name, endpoint }: EtcdMember,
  members: readonly MemberObservation[],
): MemberObservation | undefined {
  return seenOf({ name, clientUrl: endpoint }, members);
}

function isAnsweringVoter(member: MemberObservation | undefined): boolean {
  return member?.answering === true && !member.isLearner;
}

function isRefusing(member: MemberObservation | undefined): boolean {
  return member?.answering === false && member.silence === 'refused';
}

/** @throws why the first does not that is no learner and signs JWTs; as the last, where there is none */
async function borrowToken(members: readonly EtcdMember[], deadline: number): Promise<string> {
  const failures: unknown[] = [];
  for (const { authentication } of members) {
    try {
      return await authentication.issueToken(deadline);
    } catch (error) {
      failures.push(error);
    }
  }
  throw (
    failures.find((error) => !hasReason(error, 'LearnerRefused', 'VerifyOnly')) ??
    failures.at(-1) ??
    new EtcdUnavailable('No other member can be asked.')
  );
}

/** Asks one member after the other until one can answer: a member without a leader cannot, and a learner gives no token. */
export async function firstAnswer<Answer>(
  members: readonly EtcdMember[],
  ask: (member: EtcdMember) => Promise<Answer>,
): Promise<Answer> {
  let failure: unknown = new EtcdUnavailable('No other member can be asked.');
  for (const member of members) {
    try {
      return await ask(member);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Reads the cluster's secrets and connects. @throws PreconditionFailed when a secret is missing or malformed */
export async function connect(cluster: Cluster, access?: ClusterAccess): Promise<EtcdCluster> {
  return new EtcdCluster(cluster, await readSecrets(cluster, access));
}
