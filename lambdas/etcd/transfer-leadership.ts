import { setTimeout as sleep } from 'node:timers/promises';
import type { EtcdMember } from './member.ts';

const BETWEEN_LOOKS_MS = 10;

/**
 * Moves leadership, until both members say that it is moved. etcd itself looks for that once a tick, a tenth of a second by default, and the transfer takes
 * some milliseconds (moveLeader in https://github.com/etcd-io/etcd/blob/v3.5.16/server/etcdserver/server.go).
 * @throws what etcd answers, where it is not moved
 */
export async function transferLeadership(
  leader: Pick<EtcdMember, 'moveLeader' | 'status'>,
  transferee: Pick<EtcdMember, 'status'>,
  transfereeId: string,
): Promise<void> {
  let isAnswered = false;
  const answered = leader.moveLeader(transfereeId).finally(() => {
    isAnswered = true;
  });
  answered.catch(() => undefined);
  const isMoved = async () => {
    const seen = await Promise.all([leader, transferee].map((member) => member.status().catch(() => undefined)));
    return seen.every((status) => status?.leaderId === transfereeId);
  };
  while (!isAnswered) {
    if (await isMoved()) return;
    await sleep(BETWEEN_LOOKS_MS);
  }
  await answered;
}
