import { describe, expect, it } from 'vitest';
import { parseMembers, parseSizes, placesOf, storeOf } from '../../bench/places.ts';

const GIB = 2 ** 30;

describe('the sizes and members of a benchmark', () => {
  it('are lists', () => {
    expect(parseSizes('256MiB, 1GiB,1.5GiB')).toEqual([GIB / 4, GIB, GIB * 1.5]);
    expect(parseMembers('1,3, 7')).toEqual([1, 3, 7]);
  });

  it.each(['', '1', '1GB', '1 GiB', '-1GiB', '0MiB', '9GiB', '1GiB,', 'constructor'])('are no %j', (text) => {
    expect(() => parseSizes(text)).toThrow(/is no size from 1MiB to 8GiB/);
  });

  it.each(['', '0', '8', '3.5', '3,,5', 'three'])('are no %j members', (text) => {
    expect(() => parseMembers(text)).toThrow(/is no number of members from 1 to 7/);
  });

  it('make places: each store with three members, and the first one with every other number', () => {
    const [small, large] = [storeOf(GIB / 4), storeOf(GIB)];
    expect(placesOf([small, large], [1, 3, 5])).toEqual([
      { store: small, members: 3 },
      { store: large, members: 3 },
      { store: small, members: 1 },
      { store: small, members: 5 },
    ]);
    expect(placesOf([small], [5, 7])).toEqual([
      { store: small, members: 5 },
      { store: small, members: 7 },
    ]);
    expect(placesOf([], [3])).toEqual([]);
  });
});
