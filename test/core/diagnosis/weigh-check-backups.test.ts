import { describe, expect, it } from 'vitest';
import type { FoundBackups } from '../../../core/backups/contracts.ts';
import { found, foundAll } from '../backups/found.ts';
import { clusterOf } from '../observations.ts';
import { inDays, linesOf, MEMBERS, NOW, SECRETS, seen } from './checks.ts';

describe('a finding is', () => {
  it.each<[string, object, string]>([
    ['no backup where they are said to be', { newestKey: '', newestAt: '' }, 's3://backups/orders/ holds nothing: '],
    [
      'one that is weeks old',
      { newestAt: inDays(-20) },
      'the newest of s3://backups/orders/ is orders/1.db, 20 days old: ',
    ],
    ['a bucket that nobody may list', { problem: 'S3 refused it' }, 's3://backups/orders/: S3 refused it'],
  ])('%s', (_, differences, beginning) => {
    const backups = {
      place: 's3://backups/orders/',
      newestKey: 'orders/1.db',
      newestAt: inDays(-1),
      problem: '',
      own: null,
      ...differences,
    };
    const cluster = clusterOf(MEMBERS, { ...SECRETS, backups: { bucket: 'backups', prefix: 'orders/' } });
    expect(linesOf(seen({ cluster, backups }).findings)).toEqual([expect.stringContaining(`backups: ${beginning}`)]);
    for (const [days, age] of [
      [0.01, 'less than a day'],
      [1.5, 'a day'],
      [2.5, '2 days'],
    ] as const) {
      const young = { ...backups, newestKey: 'orders/1.db', newestAt: inDays(-days), problem: '' };
      const { findings, well } = seen({ cluster, backups: young });
      expect(findings).toEqual([]);
      expect(linesOf(well)).toContain(`backups: the newest of s3://backups/orders/ is orders/1.db, ${age} old`);
    }
  });
});

describe("the cluster's own backups", () => {
  const cluster = clusterOf(MEMBERS, { ...SECRETS, backups: { bucket: 'backups', prefix: '', everyMinutes: 60 } });
  const agoMinutes = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
  const slow = (backup: ReturnType<typeof found>, minutes: number): ReturnType<typeof found> => ({
    ...backup,
    record: backup.record && { ...backup.record, tookMs: minutes * 60_000 },
  });
  const weighed = (own: FoundBackups, unwritable = '') =>
    seen({
      cluster,
      backups: { place: 's3://backups/', newestKey: 'a', newestAt: inDays(0), problem: '', own },
      unwritable,
    });

  it('are well where the newest is not late', () => {
    const { findings, well } = weighed(foundAll(found(agoMinutes(135), 3000)));
    expect(findings).toEqual([]);
    expect(linesOf(well)).toContainEqual(
      expect.stringMatching(/^backups: .*135 minutes old.* every 60; it holds revision 3000$/),
    );
  });

  it.each<[string, FoundBackups, string, string]>([
    ['the newest is late', foundAll(found(agoMinutes(136), 3000)), '', '136 minutes old'],
    ['the newest took long', foundAll(slow(found(agoMinutes(1), 3000), 8)), '', 'took 8 of the 14 minutes'],
    ['there is none', foundAll(), '', 'no backup of this cluster was made yet'],
    [
      'nothing is known of the newest',
      foundAll({ ...found(agoMinutes(1), 1), record: null, problem: 'no JSON' }),
      '',
      'no JSON',
    ],
    ['they cannot be listed', { count: 0, backups: [], problem: 'AccessDenied' }, '', 'AccessDenied'],
    [
      'none could be written',
      foundAll(found(agoMinutes(1), 3000)),
      'KMS.DisabledException',
      'could not be written: KMS.DisabledException',
    ],
  ])('have to be corrected where %s', (_, own, unwritable, what) => {
    expect(linesOf(weighed(own, unwritable).findings)).toEqual([expect.stringContaining(what)]);
  });
});
