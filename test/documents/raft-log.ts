/** Files of etcd's log, byte by byte. */

/** A number as protobuf writes it. */
function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value % 128n) + 128, ...varint(value / 128n)];
}

/** Behind its length, and filled up to eight bytes. */
function record(type: number, content: Uint8Array | number[]): Buffer {
  const head = [0x08, type, 0x10, ...varint(0xdeadbeefn), 0x1a, ...varint(BigInt(content.length))];
  const length = head.length + content.length;
  const padding = (8 - (length % 8)) % 8;
  const framed = Buffer.alloc(8 + length + padding);
  framed.writeUIntLE(length, 0, 6);
  framed[7] = padding === 0 ? 0 : 0x80 + padding;
  framed.set(head, 8);
  framed.set(content, 8 + head.length);
  return framed;
}

const numbers = (...values: (bigint | number)[]) =>
  values.flatMap((value, index) => [8 * (index + 1), ...varint(BigInt(value))]);

export const metadata = (memberId: bigint, clusterId: bigint) => record(1, numbers(memberId, clusterId));
export const CHECKSUM = Buffer.from([4, 0, 0, 0, 0, 0, 0, 0x84, 0x08, 0x04, 0x10, 0, 0, 0, 0, 0]);
/** A change of the members is of kind 1, what is written of kind 0. */
export const entry = (index: number, kind: 0 | 1, value: Uint8Array = Buffer.from('a value'), term = 1) =>
  record(
    2,
    Buffer.concat([Buffer.from([...numbers(kind, term, index), 0x22, ...varint(BigInt(value.length))]), value]),
  );
/** The member's term, its vote, and up to where it knows the log as committed. */
export const state = (commitIndex: number, term = 1) => record(3, numbers(term, 0x8e9e05c52164694dn, commitIndex));
export const snapshot = (index: number) => record(5, numbers(index, 1));

/** As etcd lays it out: what it begins with, the records, and zeros. @param sizeBytes at least */
export function logFile(records: readonly Buffer[], sizeBytes = 0): Buffer {
  const content = Buffer.concat([CHECKSUM, metadata(0x8e9e05c52164694dn, 0xc1n), snapshot(0), ...records]);
  return Buffer.concat([content, Buffer.alloc(Math.max(65_536, sizeBytes - content.length))]);
}

export const BOOTSTRAP = [entry(1, 1), entry(2, 1), entry(3, 1), state(3)];
