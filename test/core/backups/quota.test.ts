import { expect, it } from 'vitest';
import { isQuotaInDanger } from '../../../core/backups/quota.ts';

const MIB = 1024 * 1024;
const at = (mib: number, quotaMib: number | null = 1000) => ({
  dbSizeBytes: mib * MIB,
  quotaBytes: quotaMib === null ? null : quotaMib * MIB,
});

it.each([
  ['has not grown', at(990), at(990), false],
  ['has more than a quarter of its room left', at(600), at(899), false],
  ['has less than a quarter of its room left', at(600), at(901), true],
  ['was nearly full, and has grown a little', at(960), at(969), false],
  ['was nearly full, and has less than a quarter of its room left', at(960), at(991), true],
  ['was as good as full', at(985), at(999), false],
  ['was full', at(1001), at(1002), false],
  ['has no quota', at(600, null), at(9000, null), false],
])('a database that %s', (_, first, now, expected) => {
  expect(isQuotaInDanger(first, now)).toBe(expected);
});
