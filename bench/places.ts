import { formatBytes } from '../core/text/format.ts';
import type { Place, Store } from './part.ts';

const UNITS: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30 };
/** etcd recommends no more, and a machine that runs all members has no more room. */
const MOST_BYTES = 8 * 2 ** 30;
const MOST_MEMBERS = 7;
/** What a cluster has most often. */
const USUAL_MEMBERS = 3;

/** `256MiB,1GiB` -> bytes. @throws Error naming what is none */
export function parseSizes(text: string): number[] {
  return list(text).map((each) => {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([MG]iB)$/.exec(each) ?? [];
    const bytes = Number(number) * (UNITS[unit] ?? 0);
    if (!(bytes >= 2 ** 20 && bytes <= MOST_BYTES)) {
      throw new Error(`"${each}" is no size from 1MiB to 8GiB, such as 256MiB or 1GiB.`);
    }
    return bytes;
  });
}

/** `1,3,5` -> numbers of members. @throws Error naming what is none */
export function parseMembers(text: string): number[] {
  return list(text).map((each) => {
    if (!/^[1-9]$/.test(each) || Number(each) > MOST_MEMBERS) {
      throw new Error(`"${each}" is no number of members from 1 to ${MOST_MEMBERS}.`);
    }
    return Number(each);
  });
}

function list(text: string): string[] {
  return text.split(',').map((each) => each.trim());
}

export function storeOf(sizeBytes: number): Store {
  return { title: formatBytes(sizeBytes), sizeBytes, valueBytes: 64 * 1024 };
}

/** Of small keys, which take next to no time by themselves: what is left is the work around them. */
export function storeOfKeys(keys: number): Store {
  const valueBytes = 128;
  return { title: `${keys.toLocaleString('en')} keys`, sizeBytes: keys * valueBytes, valueBytes };
}

/**
 * Where something is measured: each store with the usual number of members, and the first store with each other number. So both growths are seen, and
 * not every pair has to be measured.
 */
export function placesOf(stores: readonly Store[], memberCounts: readonly number[]): Place[] {
  const usual = memberCounts.includes(USUAL_MEMBERS) ? USUAL_MEMBERS : memberCounts[0];
  const [first] = stores;
  if (!first || usual === undefined) return [];
  return [
    ...stores.map((store) => ({ store, members: usual })),
    ...memberCounts.filter((members) => members !== usual).map((members) => ({ store: first, members })),
  ];
}

/** `3 members` */
export function describeMembers(members: number): string {
  return members === 1 ? '1 member' : `${members} members`;
}

/** `3 members, 1.0 GiB` */
export function describePlace({ store, members }: Place): string {
  return `${describeMembers(members)}, ${store.title}`;
}
