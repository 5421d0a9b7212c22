import { describe, expect, it } from 'vitest';
import { commonPrefix, endOfPrefix } from '../../../lambdas/etcd/key-range.ts';

describe('a range of keys', () => {
  it.each([
    ['/a/pod-1', '/a/pod-2', '/a/pod-'],
    ['/a', '/a/b', '/a'],
    ['a', 'b', ''],
    ['same', 'same', 'same'],
  ])('of %s and %s shares %s', (one, other, prefix) => {
    expect(commonPrefix(Buffer.from(one), Buffer.from(other)).toString()).toBe(prefix);
  });

  it.each<[number[], number[] | undefined]>([
    [
      [0x61, 0x2f],
      [0x61, 0x30],
    ],
    [[0x61, 0xff, 0xff], [0x62]],
    [[0xff, 0xff], undefined],
    [[], undefined],
  ])('that begins with %j ends before %j', (prefix, end) => {
    expect(endOfPrefix(Buffer.from(prefix))).toEqual(end && Buffer.from(end));
  });
});
