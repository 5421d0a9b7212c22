import { afterEach, describe, expect, it } from 'vitest';
import type { Stage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { alarmsOf, defragmentedIn, fill, leaderOf, MIB, remediate, stage } from '../scenes/scene.ts';

const QUOTA_MIB = 32;
/** What clusters.json says, from a template, of members that were started with another. */
const CONFIGURED_MIB = 8 * 1024;

let current: Stage | undefined;
async function onStage(options: Parameters<typeof stage>[0]): Promise<Stage> {
  current = await stage({ sizeMiB: QUOTA_MIB, ...options });
  return current;
}
afterEach(async () => {
  await current?.close();
  current = undefined;
});

/** How many values of 1.4 MiB are accepted, of `count`. */
async function acceptedOf(on: Stage, count: number): Promise<number> {
  let accepted = 0;
  for (; accepted < count; accepted++) {
    const written = await on.etcd.members[0]?.put(`after/${accepted}`, 'x'.repeat(1.4 * MIB)).then(
      () => true,
      () => false,
    );
    if (!written) break;
  }
  return accepted;
}

function failureOf({ status, ...rest }: ExecutionResult): { error: string; cause: string } {
  if (status !== 'FAILED') throw new Error(`${status}: ${JSON.stringify(rest)}`);
  return rest as unknown as { error: string; cause: string };
}

describe('a full store whose quota is smaller than clusters.json says', () => {
  it('is defragmented by what was seen, and takes large writes afterwards', async () => {
    const full = await onStage({ etcd: '3.5.16', configuredQuotaMiB: CONFIGURED_MIB });
    await fill(full.etcd, { keys: 40 });
    const execution = await remediate(full.platform);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(defragmentedIn(execution).toSorted()).toEqual(['m1', 'm2', 'm3']);
    expect(await alarmsOf(full)).toEqual([]);
    expect(await acceptedOf(full, 5)).toBe(5);
  });

  it.each([1, 3])(
    'and is full of live keys is no success, and says which quota is wrong (%d members)',
    async (members) => {
      const full = await onStage({ etcd: '3.5.16', members, configuredQuotaMiB: CONFIGURED_MIB });
      await fill(full.etcd, { keys: 100_000 });
      // What the writing has left free is used up as well: then a defragmentation can gain nothing.
      await full.cluster.etcdctl(['defrag']);
      await full.cluster.etcdctl(['alarm', 'disarm']);
      await fill(full.etcd, { keys: 100_000, prefix: 'more' });
      const { error, cause } = failureOf(await remediate(full.platform));
      expect(error).toBe('VerificationFailed');
      expect(cause).toMatch(/m\d refuses a write of (1\.5 MiB|24 B) all the same, so NOSPACE is raised again/);
      expect(cause).toContain('The real quota is smaller than the 8.0 GiB of quotaBackendBytes in clusters.json');
      expect(await alarmsOf(full)).not.toEqual([]);
      expect(await acceptedOf(full, 1)).toBe(0);
    },
  );
});

describe('a store whose alarm was left behind', () => {
  it('by whoever has defragmented it already is disarmed, for it takes a large write', async () => {
    const left = await onStage({ etcd: '3.5.16' });
    await fill(left.etcd, { keys: 40 });
    await left.cluster.etcdctl(['compact', (await leaderOf(left)).revision, '--physical']);
    await left.cluster.etcdctl(['defrag']);
    const execution = await remediate(left.platform);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(await alarmsOf(left)).toEqual([]);
    expect(await acceptedOf(left, 5)).toBe(5);
  });
});

describe('a store without a quota', () => {
  it('is never nearly full, and nothing is wrong with it', async (test) => {
    await requireEtcd('3.7.3', test);
    const free = await onStage({ etcd: '3.7.3', members: 1, sizeMiB: 1, extraArgs: ['--quota-backend-bytes=-1'] });
    const [member] = free.etcd.members;
    for (let key = 0; key < 8; key++) await member?.put(`key/${key}`, 'x'.repeat(MIB));
    const execution = await remediate(free.platform);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'NothingToDo' } });
  });
});
