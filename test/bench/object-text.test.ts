import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writtenValue } from '../../drills/object-text.ts';

describe('a value that is written', () => {
  it.each([16, 128, 1024, 65_536, 3 * 2 ** 20])('has %i bytes, and begins with its number', (bytes) => {
    const value = writtenValue(1_234_567, bytes);
    expect(value).toHaveLength(bytes);
    expect(value.toString()).toMatch(/^1234567 /);
    expect(value.at(-1)).not.toBe(0);
  });

  it('compresses as objects do, and not as one letter does', () => {
    const values = Buffer.concat(Array.from({ length: 64 }, (_, sequence) => writtenValue(sequence, 65_536)));
    for (const compressed of [gzipSync(values, { level: 1 }), zstdCompressSync(values)]) {
      expect(compressed.length / values.length).toBeGreaterThan(0.1);
      expect(compressed.length / values.length).toBeLessThan(0.35);
    }
  });
});
