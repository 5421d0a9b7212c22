import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, hostsOf } from '../../core/contracts/clusters.ts';
import { type Diagnosis, diagnoseClusterInput, type Evidence, type HostReach } from '../../core/contracts/diagnosis.ts';
import { diagnose, mayElect } from '../../core/decisions/diagnose.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { probeTokens } from '../etcd/tokens.ts';
import { lookForHosts } from '../hosts/commands.ts';
import { etcdStep } from '../step.ts';

/** For each of two questions to one member. A frozen one answers none of them. */
const LOOK_MS = 3_000;
/** For what a quorum has to agree on, by whichever voter can ask for it. */
const AGREE_MS = 5_000;
/** etcd elects a leader within some of its election timeouts, of a second each by default. */
const ELECTION_MS = 3_000;
/** What has not answered by then is told as that. The rest of 20 s is for reading the secrets. */
const BUDGET_MS = 18_000;

type Seen = Omit<Evidence, 'hosts'>;

/**
 * One look at everything that tells of a cluster: which incident does it have? What does not answer is evidence, and costs no more than its time.
 * @throws PreconditionFailed where members refuse us, or a secret cannot be used; AwsUnavailable where the secrets cannot be read
 */
export const handler = etcdStep(diagnoseClusterInput, async (etcd, { cluster }): Promise<Diagnosis> => {
  const until = Date.now() + BUDGET_MS;
  const [seen, hosts] = await Promise.all([
    observe(etcd, cluster, until),
    reach([...new Set(hostsOf(cluster))], until),
  ]);
  return diagnose(cluster, { ...seen, hosts });
});

async function reach(hosts: string[], until: number): Promise<HostReach[]> {
  try {
    return await inTime(lookForHosts(hosts), until);
  } catch (error) {
    const problem = problemOf(error);
    return hosts.map((host) => ({ host, reachable: 'unknown', problem }));
  }
}

async function observe(etcd: EtcdCluster, cluster: Cluster, until: number): Promise<Seen> {
  const electedBy = Date.now() + ELECTION_MS;
  let seen = await look(etcd, cluster, until);
  if (mayElect(cluster, { ...seen, hosts: [] }) && Date.now() + 2 * LOOK_MS < until) {
    await sleep(Math.max(0, electedBy - Date.now()));
    seen = await look(etcd, cluster, until);
  }
  // Without a member that answers nobody logs in.
  if (!cluster.auth || !seen.members.some(({ answering }) => answering)) return seen;
  return { ...seen, ...(await probe(etcd, seen, until)) };
}

async function look(etcd: EtcdCluster, { auth }: Cluster, until: number): Promise<Seen> {
  // One that rejects tokens serves nobody, and is a part of the quorum all the same: see observeTokens.
  const members = await etcd.observeMembers((member) => (auth ? member.status(LOOK_MS) : member.look(LOOK_MS)));
  const nothing = { probes: [], probesProblem: '' };
  try {
    const agreement = await inTime(etcd.observeAgreement(members), Math.min(until, Date.now() + AGREE_MS));
    return { members, ...agreement, agreementProblem: '', ...nothing };
  } catch (error) {
    return { members, memberList: [], alarms: [], agreementProblem: problemOf(error), ...nothing };
  }
}

async function probe(
  etcd: EtcdCluster,
  { members }: Seen,
  until: number,
): Promise<Pick<Evidence, 'probes' | 'probesProblem'>> {
  try {
    return { probes: await inTime(probeTokens(etcd, members), until), probesProblem: '' };
  } catch (error) {
    return { probes: [], probesProblem: problemOf(error) };
  }
}

/** @throws EtcdUnavailable where `answer` is not there in time; what it waits for ends with its own deadlines, or with the connections */
async function inTime<Answer>(answer: Promise<Answer>, until: number): Promise<Answer> {
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

/** @throws what is no answer of etcd */
function problemOf(error: unknown): string {
  if (error instanceof RemediationError) return error.message;
  throw error;
}
