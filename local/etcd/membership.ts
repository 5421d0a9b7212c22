import { setTimeout as sleep } from 'node:timers/promises';

/** Until a member's peers have been connected for 5 s, etcd may refuse to change the membership. */
const CHANGE_WITHIN_MS = 120_000;
const RETRY_MS = 250;

/** Makes a change of the membership, again and again while etcd finds its members not connected for long enough. @throws its error */
export async function changeMembership<Answer>(change: () => Promise<Answer>): Promise<Answer> {
  const deadline = Date.now() + CHANGE_WITHIN_MS;
  for (;;) {
    try {
      return await change();
    } catch (error) {
      const settling = error instanceof Error && error.message.includes('unhealthy cluster');
      if (!settling || Date.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}
