import { describe, inject, it, type TestContext } from 'vitest';
import { type EtcdBinaries, findEtcd } from '../../local/etcd/binaries.ts';

/** A release of etcd. Where it cannot be had the test is skipped, and says why. */
export async function requireEtcd(version: string, { skip }: Pick<TestContext, 'skip'>): Promise<EtcdBinaries> {
  const known = inject('missingReleases')[version];
  if (known !== undefined) return skip(known);
  return findEtcd(version).catch((error: Error) => skip(error.message));
}

/** `describe` for tests of one release that have a cluster in common. Where it cannot be had one skipped test says why. */
export function describeOn(version: string): (name: string, define: () => void) => void {
  const known = inject('missingReleases')[version];
  return known === undefined ? describe : (name) => it(name, ({ skip }) => skip(known));
}
