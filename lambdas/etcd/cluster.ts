import type { Cluster } from '../../core/contracts/clusters.ts';
import type { MemberObservation, Observation } from '../../core/contracts/observation.ts';
import { InvalidInput, RemediationError } from '../../core/errors.ts';
import { EtcdMember } from './member.ts';
import { type ClusterSecrets, readSecrets } from './secrets.ts';

/** A configured cluster: one pinned client for each member. Close it after use. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];

  constructor(cluster: Cluster, secrets: ClusterSecrets) {
    this.members = cluster.members.map(
      ({ name, clientUrl }) => new EtcdMember({ name, clientUrl, quotaBytes: cluster.quotaBackendBytes, ...secrets }),
    );
  }

  /** @throws InvalidInput when the configuration has no member of this name */
  member(name: string): EtcdMember {
    const member = this.members.find((candidate) => candidate.name === name);
    if (member) return member;
    throw new InvalidInput(
      `There is no member "${name}"; there are ${this.members.map((other) => other.name).join(', ')}.`,
    );
  }

  /**
   * One reading of the whole cluster. A member that does not answer is part of it, not an error.
   * @throws EtcdUnavailable when every member answers and the alarms cannot be read all the same (no leader): an alarm that
   *   was not seen must never count as no alarm
   */
  async observe(): Promise<Observation> {
    // The leader's index is read no later than the followers', so that entries written in between are not taken for a lag.
    const members = await Promise.all(this.members.map((member) => observeMember(member)));
    const reachable = this.members.filter((_, index) => members[index]?.answering);
    try {
      const [memberList, alarms] = await Promise.all([
        firstAnswer(reachable, (member) => member.memberList()),
        firstAnswer(reachable, (member) => member.alarms()),
      ]);
      return { members, memberList, alarms };
    } catch (error) {
      if (reachable.length === this.members.length) throw error;
      return { members, memberList: [], alarms: [] };
    }
  }

  close(): void {
    for (const member of this.members) member.close();
  }
}

async function observeMember(member: EtcdMember): Promise<MemberObservation> {
  try {
    return await member.status();
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { name: member.name, endpoint: member.endpoint, answering: false, problem: error.message };
  }
}

/** Asks one member after the other until one can answer: a learner or a member without a leader cannot. */
async function firstAnswer<Answer>(
  members: readonly EtcdMember[],
  ask: (member: EtcdMember) => Promise<Answer>,
): Promise<Answer> {
  let failure: unknown = new Error('no member to ask');
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
export async function connect(cluster: Cluster): Promise<EtcdCluster> {
  return new EtcdCluster(cluster, await readSecrets(cluster));
}
