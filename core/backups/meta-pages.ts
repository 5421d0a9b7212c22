/**
 * The two pages with which a snapshot of etcd begins: bbolt's meta pages. bbolt writes them anew for each snapshot, from the moment that the snapshot
 * is of, and behind them it copies the pages of the file: https://github.com/etcd-io/bbolt/blob/main/tx.go (WriteTo).
 */

const MAGIC = 0xed0cdaed;
const VERSION = 2;
/** The header of a page: its number, its kind, and two counts. */
const HEADER_BYTES = 16;
const META_FLAG = 4;
/** From the magic number to the checksum, which is of all before it. */
const META_BYTES = 64;
const CHECKSUM_AT = META_BYTES - 8;
/** bbolt looks for no others. */
const PAGE_BYTES = { least: 1024, most: 1024 << 14 };

export interface MetaPages {
  /** Both metas, in hex: the rest of the two pages is the header of each, and zeros. */
  hex: string;
  pageBytes: number;
  /** Of the whole database. */
  sizeBytes: number;
}

/** How much of a snapshot has to be read for {@link parseMetaPages}. @param beginning its first bytes */
export function metaPagesBytes(beginning: Buffer): number {
  return 2 * beginning.readUInt32LE(HEADER_BYTES + 8);
}

/**
 * @param beginning both pages, and whatever follows
 * @returns undefined where they are not what a host could write again from the metas alone
 */
export function parseMetaPages(beginning: Buffer): MetaPages | undefined {
  if (beginning.length < HEADER_BYTES + META_BYTES) return undefined;
  const pageBytes = metaPagesBytes(beginning) / 2;
  const isPageSize =
    pageBytes >= PAGE_BYTES.least && pageBytes <= PAGE_BYTES.most && Number.isInteger(Math.log2(pageBytes));
  if (!isPageSize || beginning.length < 2 * pageBytes) return undefined;
  const [first, second] = [0, 1].map((number) =>
    metaIn(beginning.subarray(number * pageBytes, (number + 1) * pageBytes), number),
  );
  if (!first || !second) return undefined;
  const pages = Number(first.readBigUInt64LE(40));
  // The second is of the write before. But for that, and the checksum, they are the same.
  const isBefore = second.readBigUInt64LE(48) === first.readBigUInt64LE(48) - 1n;
  if (!isBefore || !first.subarray(0, 48).equals(second.subarray(0, 48))) return undefined;
  return { hex: Buffer.concat([first, second]).toString('hex'), pageBytes, sizeBytes: pages * pageBytes };
}

function metaIn(page: Buffer, number: number): Buffer | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(number));
  header.writeUInt16LE(META_FLAG, 8);
  const meta = page.subarray(HEADER_BYTES, HEADER_BYTES + META_BYTES);
  const isMeta =
    page.subarray(0, HEADER_BYTES).equals(header) &&
    meta.readUInt32LE(0) === MAGIC &&
    meta.readUInt32LE(4) === VERSION &&
    meta.readBigUInt64LE(CHECKSUM_AT) === fnv1a(meta.subarray(0, CHECKSUM_AT)) &&
    page.subarray(HEADER_BYTES + META_BYTES).every((byte) => byte === 0);
  return isMeta ? meta : undefined;
}

/** FNV-1a of 64 bits. */
function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
