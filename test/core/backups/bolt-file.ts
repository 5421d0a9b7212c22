/** Databases of bbolt, byte by byte. */

export const PAGE_BYTES = 4096;

function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

/** The page of a meta. @param pages of the whole database */
export function metaPage(number: 0 | 1, { pages, txid }: { pages: number; txid: number }): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  page.writeBigUInt64LE(BigInt(number));
  page.writeUInt16LE(4, 8);
  const meta = page.subarray(16, 80);
  meta.writeUInt32LE(0xed0cdaed);
  meta.writeUInt32LE(2, 4);
  meta.writeUInt32LE(PAGE_BYTES, 8);
  // Its root, and that there is no list of free pages.
  meta.writeBigUInt64LE(2n, 16);
  meta.writeBigUInt64LE(0xffffffffffffffffn, 32);
  meta.writeBigUInt64LE(BigInt(pages), 40);
  meta.writeBigUInt64LE(BigInt(txid), 48);
  meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56);
  return page;
}

/** As a snapshot begins: the second meta is of the write before. */
export function metaPages(of: { pages: number; txid: number }): Buffer {
  return Buffer.concat([metaPage(0, of), metaPage(1, { ...of, txid: of.txid - 1 })]);
}
