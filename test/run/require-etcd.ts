import { inject, type TestContext } from 'vitest';
import { type EtcdBinaries, findEtcd } from '../../local/etcd/binaries.ts';

/** A release of etcd. Where it cannot be had the test is skipped, and says why. */
export async function requireEtcd(version: string, { skip }: Pick<TestContext, 'skip'>): Promise<EtcdBinaries> {
  const known = inject('missingReleases')[version];
  if (known !== undefined) return skip(known);
  return findEtcd(version).catch((error: Error) => skip(error.message));
}
