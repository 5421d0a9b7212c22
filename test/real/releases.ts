import { it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';

/** `it`, for a test of a release that Debian does not offer: skipped, with the reason in its name, where the machine has none. */
export async function itWithEtcd(version: string): Promise<(sentence: string, test: () => Promise<void>) => void> {
  const isThere = await findEtcd(version).then(
    () => true,
    () => false,
  );
  if (isThere) return (sentence, test) => it(sentence, test);
  return (sentence, test) => it.skip(`${sentence} (skipped: there is no etcd ${version} in the cache folder)`, test);
}
