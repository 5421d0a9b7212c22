import { expect } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { AnsweringMember } from '../../../core/cluster/observation.ts';
import { RemediationError } from '../../../core/errors.ts';
import { EtcdMember, type MemberOptions } from '../../../lambdas/etcd/member.ts';
import type { LocalCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';

export const QUOTA_BYTES = 2_000_000_000;

const PASSWORD = 'pass-4711';
export const ROOT = { username: 'root', password: PASSWORD };

export type Access = Partial<Pick<MemberOptions, 'login' | 'tls' | 'deadlineMs'>>;

/** A client pinned to one member; `m1` if no other is named. */
export function connectTo(cluster: LocalCluster, access: Access = {}, name = 'm1'): EtcdMember {
  const clientUrl = cluster.members.find((member) => member.name === name)?.clientUrl ?? '';
  return new EtcdMember({ name, clientUrl, quotaBytes: QUOTA_BYTES, tls: cluster.tls, ...access });
}

export function connectToAll(cluster: LocalCluster, access: Access = {}): EtcdMember[] {
  return cluster.members.map(({ name }) => connectTo(cluster, access, name));
}

export function configurationOf({ members }: LocalCluster): Cluster {
  return {
    name: 'tested',
    members: members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
    quotaBackendBytes: QUOTA_BYTES,
  };
}

/** The members' statuses, the leader's first, once all of them follow the same leader. */
export async function leaderFirst(members: readonly EtcdMember[]): Promise<AnsweringMember[]> {
  return eventually(async () => {
    const statuses = await Promise.all(members.map((member) => member.status()));
    const [leader, ...others] = statuses.toSorted((a, b) => Number(b.id === b.leaderId) - Number(a.id === a.leaderId));
    if (leader === undefined || statuses.some(({ leaderId }) => leaderId !== leader.id))
      throw new Error('no one leader');
    return [leader, ...others];
  });
}

/** Freezes a member, and waits until it has really stopped answering. */
export async function freeze(cluster: LocalCluster, member: EtcdMember): Promise<void> {
  cluster.pauseMember(member.name);
  await eventually(async () => expect((await failureOf(member.status(200)))[1]).toMatch(/Deadline|ConnectTimeout/));
}

/** Tries until `attempt` succeeds. */
export async function eventually<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The error that `call` ends with, as `[name, reason, message]`. It must be of the taxonomy, on one line, and hold no password. */
export async function failureOf(call: Promise<unknown>): Promise<[string, string | undefined, string]> {
  const error = await call.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RemediationError)) throw error;
  expect(error.message).toMatch(/^https?:\/\/[^\n]+\.$/);
  expect(error.message).not.toContain(PASSWORD);
  expect(error.message).not.toMatch(/eyJ|:error:|Resolution note|remote_addr/);
  return [error.name, error.reason, error.message];
}

/** How often the member was asked to log someone in since it started. */
export async function countLogins(cluster: LocalCluster): Promise<number> {
  const metrics = await (await fetch(`${cluster.members[0]?.clientUrl}/metrics`)).text();
  const count = /^grpc_server_started_total\{grpc_method="Authenticate".*\} (\d+)$/m.exec(metrics)?.[1];
  return Number(count ?? 0);
}
