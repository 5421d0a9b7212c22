import { mapAtOnce } from '../client/at-once.ts';
import type { Connection } from '../lambdas/etcd/connection.ts';

const AT_ONCE = 16;
const LEASE_SECONDS = 3_600;

/** Keys of which it is known how many there are, and what they take. */
export interface KnownKeys {
  prefix: string;
  keys: number;
  /** How often each is written. */
  versions: number;
  valueBytes: number;
  /** Over so many leases they are spread; 0 for none. */
  leases: number;
}

/** As in a cluster of Kubernetes that also serves others. */
export const KNOWN_KEYS: readonly KnownKeys[] = [
  { prefix: '/registry/pods/', keys: 300, versions: 1, valueBytes: 2_048, leases: 0 },
  { prefix: '/registry/events/', keys: 200, versions: 1, valueBytes: 512, leases: 4 },
  { prefix: '/registry/leases/', keys: 80, versions: 20, valueBytes: 256, leases: 0 },
  { prefix: '/registry/example.com/widgets/', keys: 100, versions: 2, valueBytes: 1_024, leases: 0 },
  { prefix: '/registry/services/specs/', keys: 80, versions: 1, valueBytes: 700, leases: 0 },
  { prefix: '/app/config/', keys: 100, versions: 3, valueBytes: 300, leases: 1 },
];

/** Writes all of them, a version after the other. @param grant a lease of so many seconds; its ID as a decimal string */
export async function writeKnownKeys(
  { kv }: Pick<Connection, 'kv'>,
  grant: (seconds: number) => Promise<string>,
): Promise<void> {
  for (const known of KNOWN_KEYS) {
    const leases: string[] = [];
    for (let count = 0; count < known.leases; count++) leases.push(await grant(LEASE_SECONDS));
    for (let version = 0; version < known.versions; version++) {
      await mapAtOnce([...namesOf(known).entries()], AT_ONCE, async ([index, key]) => {
        const lease = leases[index % Math.max(1, leases.length)];
        await kv.put({ key: Buffer.from(key), value: Buffer.alloc(known.valueBytes, 'x'), ...(lease && { lease }) });
      });
    }
  }
}

/** What they take, each once. */
export function bytesOf(known: KnownKeys): number {
  return namesOf(known).reduce((sum, name) => sum + Buffer.byteLength(name) + known.valueBytes, 0);
}

/** Below names as of namespaces, of which there are too many to be told one by one. */
function namesOf({ prefix, keys }: KnownKeys): string[] {
  return Array.from({ length: keys }, (_, index) => `${prefix}namespace-${index % 90}/key-${index}`);
}
