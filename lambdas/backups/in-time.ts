import type { BackedUp } from '../../core/backups/contracts.ts';
import { isLargeEnoughToHold, isTooSlow, type Pace } from '../../core/backups/pace.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { formatBytes } from '../../core/text/format.ts';
import { observeHosts } from '../hosts/commands.ts';
import { requireHost } from './copy-by-host.ts';
import { takeBackup } from './take-backup.ts';

/** etcd's own deadline comes so much after ours, so that it is ours that is told. */
const LATER_MS = 20_000;
/** Between two looks at how fast it is. */
const LOOK_EVERY_MS = 1_000;

/** `outgrown`: why it would not be done in the time of a function. The host of its member can go on, and what was uploaded is taken back. */
type Taken = { backup: BackedUp } | { outgrown: string };

interface Taking {
  member: Parameters<typeof takeBackup>[1];
  client: Parameters<typeof takeBackup>[2];
  execution: string;
  serving: AbortSignal;
  endsAt: number;
}

/**
 * Backs a member up, as long as there is time. As soon as it is seen to be too slow for that, its host is asked. Where there is none, it is not reached,
 * or it would refuse, this goes on until the time ends: it may become faster.
 * @throws PreconditionFailed where the time has ended and no host can go on, and what {@link takeBackup} throws
 */
export async function inTimeOrByHost(
  cluster: Cluster,
  { member, client, execution, serving, endsAt }: Taking,
): Promise<Taken> {
  const begunAt = Date.now();
  const limitMs = Math.max(0, endsAt - begunAt);
  const passed = { passedBytes: 0, totalBytes: 0 };
  const giveUp = new AbortController();
  const done = new AbortController();
  let outgrown: string | undefined;
  let noHost: string | undefined;
  const look = async () => {
    const pace: Pace = { ...passed, elapsedMs: Date.now() - begunAt, limitMs };
    const leftMs = limitMs - pace.elapsedMs;
    const isLate = leftMs <= 0;
    if (!isLate && !(noHost === undefined && pace.totalBytes > 0 && isTooSlow(pace))) return;
    noHost = await whyNotByHost(cluster, member.name, pace);
    // Later there is no time to ask, and nothing is given up for a host that refuses.
    if (noHost === '' && !isLate) {
      const signal = AbortSignal.any([done.signal, AbortSignal.timeout(leftMs)]);
      noHost = await whyRefused(cluster, member, { execution, signal });
    }
    if (noHost === '') outgrown = describeChange(member.name, pace);
    if (noHost === '' || isLate) giveUp.abort(tooLate(member.name, limitMs, noHost));
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }, LOOK_EVERY_MS);
  try {
    const backup = await takeBackup(cluster, member, client, {
      signal: AbortSignal.any([serving, giveUp.signal]),
      deadlineMs: limitMs + LATER_MS,
      onPassed: (passedBytes, totalBytes) => Object.assign(passed, { passedBytes, totalBytes }),
    });
    return { backup };
  } catch (error) {
    if (outgrown !== undefined) return { outgrown };
    throw giveUp.signal.aborted ? giveUp.signal.reason : error;
  } finally {
    clearInterval(timer);
    done.abort();
    await looking;
  }
}

/** Empty where its host can go on. */
async function whyNotByHost({ members }: Cluster, name: string, pace: Pace): Promise<string> {
  const host = members.find((member) => member.name === name)?.host;
  if (host === undefined) return `clusters.json names no "host" for ${name}, by which it could go on. Add it.`;
  if (!isLargeEnoughToHold(pace))
    return `Its database has ${formatBytes(pace.totalBytes)}, for which no host is asked.`;
  const [found] = await observeHosts([host]);
  return found?.reachable === true
    ? ''
    : `Its host ${host} is not reached, by which it could go on: ${found?.problem}.`;
}

/** Empty where the host would refuse nothing. Whatever it is that ends the question is no reason to give up what goes on. */
async function whyRefused(
  cluster: Cluster,
  member: Taking['member'],
  asking: Parameters<typeof requireHost>[2],
): Promise<string> {
  try {
    await requireHost(cluster, member, asking);
    return '';
  } catch (error) {
    return `Its host would not go on with it: ${(error as Error).message}`;
  }
}

function describeChange(member: string, { passedBytes, totalBytes, elapsedMs, limitMs }: Pace): string {
  const [seconds, limit] = [elapsedMs, limitMs].map((ms) => Math.round(ms / 1000));
  return (
    `${formatBytes(passedBytes)} of the ${formatBytes(totalBytes)} of ${member} came in ${seconds} s, which is too slow for the ${limit} s that a function has ` +
    'for it. So its host goes on with the backup.'
  );
}

function tooLate(member: string, limitMs: number, noHost: string): PreconditionFailed {
  return new PreconditionFailed(
    `The backup of ${member} was not done within the ${Math.round(limitMs / 1000)} s that a function has for it, and was thrown away. ${noHost} Or make a ` +
      "snapshot on its host by hand (etcdctl snapshot save), and look what is slow: the member's disk, or the way from it to S3.",
  );
}
