/** Where a range of keys ends, so that etcd need not walk through all that come after a page. */

/** What two keys begin with. */
export function commonPrefix(one: Buffer, other: Buffer): Buffer {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return one.subarray(0, length);
}

/** The first key behind all that begin with a prefix; undefined where there can be none. */
export function endOfPrefix(prefix: Buffer): Buffer | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last] ?? 0xff;
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, last), Buffer.from([byte + 1])]);
  }
  return undefined;
}
