import { expect, it } from 'vitest';
import { describeEnd, outOfTime } from '../../../core/cluster/certificates.ts';

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

it.each([
  [0.9, 'in less than a day'],
  [1.9, 'in a day'],
  [2.9, 'in 2 days'],
])('one that holds for %d days more is said to end %s', (days, left) => {
  expect(describeEnd({ endsAt: ENDS }, Date.parse(ENDS) - days * DAY_MS)).toBe(
    ` ends ${left}, on 2026-11-28: renew it`,
  );
});
