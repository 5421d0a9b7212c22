import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { commitsOf, committedSince } from '../../core/cluster/commits.ts';
import type { Evidence } from '../../core/cluster/evidence.ts';
import { mayElect } from '../../core/diagnosis/diagnose.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import type { EtcdCluster } from './cluster.ts';
import { probeTokens } from './tokens.ts';

/** For each of two questions to one member. A frozen one answers none of them. */
const LOOK_MS = 3_000;
/** For what a quorum has to agree on, by whichever voter can ask for it. */
const AGREE_MS = 5_000;
/** etcd elects a leader within some of its election timeouts, of a second each by default. */
const ELECTION_MS = 3_000;
/** What has not answered by then counts as silent. The rest of 20 s is for reading the secrets. */
export const EVIDENCE_BUDGET_MS = 18_000;

/** What etcd says of itself. */
type Seen = Omit<Evidence, 'hosts'>;

/**
 * One look at everything that the members of a cluster tell. What does not answer is evidence, and costs no more than its time.
 * @param until when to have come to an end, as Date.now() returns it
 */
export async function observeEvidence(etcd: EtcdCluster, cluster: Cluster, until: number): Promise<Seen> {
  const electedBy = Date.now() + ELECTION_MS;
  const shown = inTime(etcd.readCertificates(), until).catch(ofNone);
  const readAt = Date.now();
  let seen = { ...(await look(etcd, cluster, until)), certificates: await shown, readAt };
  if (mayElect(cluster, { ...seen, hosts: [] }) && Date.now() + 2 * LOOK_MS < until) {
    await sleep(Math.max(0, electedBy - Date.now()));
    const before = commitsOf(seen.members);
    const again = await look(etcd, cluster, until);
    seen = { ...seen, ...again, committing: committedSince(before, again.members) };
  }
  // Without a member that answers nobody logs in.
  if (!cluster.auth || !seen.members.some(({ answering }) => answering)) return seen;
  return { ...seen, ...(await probe(etcd, seen, until)) };
}

async function look(
  etcd: EtcdCluster,
  { auth }: Cluster,
  until: number,
): Promise<Omit<Seen, 'certificates' | 'readAt'>> {
  // One that rejects tokens serves nobody, and is a part of the quorum all the same: see observeTokens.
  const members = await etcd.observeMembers((member) => (auth ? member.status(LOOK_MS) : member.look(LOOK_MS)));
  const agreeBy = Math.min(until, Date.now() + AGREE_MS);
  const agreement = await inTime(etcd.observeAgreement(members), agreeBy).then(
    (agreed) => ({ ...agreed, agreementProblem: '' }),
    (error: unknown) => ({ memberList: [], alarms: [], agreementProblem: problemOf(error) }),
  );
  const loginProblem = await inTime(etcd.findLoginProblem(members), agreeBy).catch(() => '');
  return { members, ...agreement, committing: [], loginProblem, probes: [], probesProblem: '' };
}

async function probe(
  etcd: EtcdCluster,
  { members }: Pick<Seen, 'members'>,
  until: number,
): Promise<Pick<Evidence, 'probes' | 'probesProblem'>> {
  try {
    return { probes: await inTime(probeTokens(etcd, members), until), probesProblem: '' };
  } catch (error) {
    return { probes: [], probesProblem: problemOf(error) };
  }
}

/** @throws EtcdUnavailable where `answer` is not there in time; what it waits for ends with its own deadlines, or with the connections */
export async function inTime<Answer>(answer: Promise<Answer>, until: number): Promise<Answer> {
  const waiting = new AbortController();
  const late = sleep(Math.max(0, until - Date.now()), undefined, { signal: waiting.signal }).then(() => {
    throw new EtcdUnavailable('It was not answered in time.');
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    waiting.abort();
  }
}

function ofNone(error: unknown): never[] {
  problemOf(error);
  return [];
}

/** @throws what is no answer of etcd */
export function problemOf(error: unknown): string {
  if (error instanceof RemediationError) return error.message;
  throw error;
}
