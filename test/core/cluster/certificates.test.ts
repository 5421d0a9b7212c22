import { expect, it } from 'vitest';
import { outOfTime } from '../../../core/cluster/certificates.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const ENDS = '2026-11-28T00:00:00.000Z';

it.each([
  [0.1, 'less than a day ago'],
  [1.1, 'a day ago'],
  [2.9, '2 days ago'],
])('a certificate that has ended %d days ago is said to have ended %s: only whole days are counted', (days, ago) => {
  const certificate = { beginsAt: '2026-11-01T00:00:00.000Z', endsAt: ENDS };
  expect(outOfTime(certificate, Date.parse(ENDS) + days * DAY_MS)).toBe(` has ended ${ago}, on 2026-11-28: renew it`);
});
