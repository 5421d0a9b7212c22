import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Passed, verified } from '../../../lambdas/backups/verified.ts';
import type { SnapshotPiece } from '../../../lambdas/etcd/connection.ts';

const DATABASE = randomBytes(4096);
const TRAILER = createHash('sha256').update(DATABASE).digest();

/** The bytes in pieces of this size, announced as etcd does: what comes after each of the database. */
async function* sent(bytes: Buffer, pieceBytes: number): AsyncGenerator<SnapshotPiece> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    const blob = bytes.subarray(from, from + pieceBytes);
    yield { blob, remaining_bytes: String(Math.max(0, DATABASE.length - from - blob.length)) };
  }
}

async function passed(pieces: AsyncIterable<SnapshotPiece>): Promise<{ bytes: Buffer; passed: Passed; begun: number }> {
  let begun = 0;
  const stream = verified(pieces, 'node2', () => {
    begun += 1;
  });
  const chunks: Buffer[] = [];
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return { bytes: Buffer.concat(chunks), passed: value, begun };
    chunks.push(value);
  }
}

describe('a snapshot that passes', () => {
  const whole = Buffer.concat([DATABASE, TRAILER]);

  // The SHA-256 in a piece of its own, across pieces, and in pieces of single bytes.
  it.each([4096, 1000, 7, 1])('goes on as it came, in pieces of %i bytes, and is what etcd says', async (bytes) => {
    const result = await passed(sent(whole, bytes));
    expect(result.bytes.equals(whole)).toBe(true);
    expect(result.passed).toEqual({ sizeBytes: whole.length, databaseSha256: TRAILER.toString('hex') });
    expect(result.begun).toBe(1);
  });

  it.each([
    ['a bit is another', () => sent(Buffer.concat([flipped(DATABASE), TRAILER]), 1000), 'etcd says'],
    ['its SHA-256 is not there', () => sent(DATABASE, 1000), 'etcd had announced 4096'],
    [
      'it ends early',
      () => sent(Buffer.concat([DATABASE.subarray(0, 2048), TRAILER]), 1000),
      'etcd had announced 4096',
    ],
    ['nothing came', () => sent(Buffer.alloc(0), 1000), '-32 bytes'],
  ])('is refused where %s', async (_, pieces, problem) => {
    await expect(passed(pieces())).rejects.toMatchObject({
      name: 'EtcdUnavailable',
      message: expect.stringMatching(new RegExp(`node2.*${problem}`)),
    });
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[1234] = (copy[1234] ?? 0) ^ 1;
  return copy;
}
