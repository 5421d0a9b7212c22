import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../core/backups/record.ts';
import type { Rehearsals } from '../../../core/backups/rehearsal.ts';
import type { RehearsedRestore } from '../../../core/hosts/host-command-results.ts';
import { checkRehearsals } from '../../../core/rehearsal/check-rehearsals.ts';
import { compareRestored } from '../../../core/rehearsal/compare-restored.ts';
import type { RecordRehearsal } from '../../../core/rehearsal/contracts.ts';
import { measureRehearsal, settleRehearsal } from '../../../core/rehearsal/settle-rehearsal.ts';
import { foundAll } from '../backups/found.ts';
import { inspected } from '../observations.ts';
import { BACKUP, CLUSTER, FOUND, NOW, passedBefore, RESTORED } from './rehearsals.ts';

const daysAgo = (days: number) => new Date(NOW.getTime() - days * 24 * 3600_000);
const putOffSince = (days: number): Rehearsals => ({
  ...{ format: 1, cluster: CLUSTER.name, passed: null },
  last: {
    ...{ at: daysAgo(days).toISOString(), outcome: 'Postponed', backup: '', member: '', error: '' },
    problem: 'A remediation has it.',
  },
});

const HASH = { hash: 7, compactRevision: '1' };

describe('what was restored', () => {
  const compare = (recorded: Partial<BackupRecord>, restored: Partial<RehearsedRestore> = {}) =>
    compareRestored({ ...BACKUP.record, hash: HASH, ...recorded }, { ...RESTORED, ...restored });

  it('is the backup where all that was recorded is so', () => {
    expect(compare({})).toEqual({ differing: [], unknown: [] });
    expect(compare({ revisionAtMost: '3005' }, { revision: '3004' })).toEqual({ differing: [], unknown: [] });
  });

  it.each<[string, Partial<BackupRecord>, Partial<RehearsedRestore>, RegExp]>([
    ['a lower revision', {}, { revision: '2999' }, /revision 2999, and 3000 was recorded/],
    ['other keys', {}, { keys: 999 }, /999 keys at revision 3000, and 1000 were recorded/],
    ['another hash', {}, { hash: { hash: 8, compactRevision: '1' } }, /hash 8 at revision 3000, and 7 was recorded/],
  ])('is another one with %s', (_, recorded, restored, message) => {
    expect(compare(recorded, restored)).toEqual({ differing: [expect.stringMatching(message)], unknown: [] });
  });

  it.each<[string, Partial<BackupRecord>, Partial<RehearsedRestore>, RegExp]>([
    ['leases have ended', {}, { revision: '3001' }, /leases have ended/],
    ['the keys were not counted', { keys: null }, {}, /could not be counted when the backup was made/],
    ['the keys cannot be counted', {}, { keys: null }, /has authentication enabled/],
    ['no hash was recorded', { hash: null }, {}, /No hash/],
    [
      'a compaction came in between',
      {},
      { hash: { hash: 8, compactRevision: '2900' } },
      /a compaction came in between/,
    ],
  ])('is known but for one thing where %s', (_, recorded, restored, message) => {
    expect(compare(recorded, restored)).toEqual({ differing: [], unknown: [expect.stringMatching(message)] });
  });

  it('is the same data with the same hash, whatever was compacted', () => {
    expect(compare({}, { hash: { hash: 7, compactRevision: '2900' } })).toEqual({ differing: [], unknown: [] });
  });
});

describe('a rehearsal that has ended', () => {
  const input = (differences: Partial<RecordRehearsal>): RecordRehearsal => ({
    ...{ cluster: CLUSTER, backup: BACKUP, member: 'node2', etcdVersion: '3.5.30', result: RESTORED, failure: null },
    ...differences,
  });
  const settle = (differences: Partial<RecordRehearsal>, before: Rehearsals | null | undefined = passedBefore(3)) => {
    const settled = settleRehearsal(input(differences), before, NOW);
    return { ...settled, values: measureRehearsal(CLUSTER, settled, before, NOW).map(({ values }) => values) };
  };

  it('has passed, promises a time, and is what is known from now on', () => {
    const { recorded, rehearsals, values } = settle({});
    expect(recorded).toMatchObject({ outcome: 'Passed', rehearsal: { backup: BACKUP.name, revision: '3000' } });
    expect(recorded.summary).toContain('rehearsed on 2026-11-29 on the host of node2, a recovery takes about 6 s');
    expect(rehearsals).toMatchObject({
      last: { outcome: 'Passed', at: NOW.toISOString() },
      passed: { member: 'node2' },
    });
    expect(values).toEqual([{ RestoreUnproven: 0, RehearsalSeconds: 6 }]);
  });

  it.each<[string, Partial<RecordRehearsal>, string]>([
    ['it holds something else', { result: { ...RESTORED, keys: 1 } }, 'VerificationFailed'],
    [
      'the host failed',
      { result: null, failure: { error: 'HostCommandFailed', cause: 'It broke.' } },
      'HostCommandFailed',
    ],
    [
      'none was chosen',
      { backup: null, result: null, failure: { error: 'PreconditionFailed', cause: 'AccessDenied' } },
      'PreconditionFailed',
    ],
  ])('has failed where %s, and what has passed before is kept', (_, differences, error) => {
    const { recorded, rehearsals, values } = settle(differences);
    expect(recorded).toMatchObject({ outcome: 'Failed', error });
    expect(rehearsals).toMatchObject({ last: { outcome: 'Failed', error }, passed: { backup: 'orders-old' } });
    expect(values).toEqual([{ RestoreUnproven: 1 }]);
  });

  it('says nothing of a backup where it was asked for wrongly, or put off', () => {
    const wrong = { result: null, failure: { error: 'InvalidInput', cause: 'There is no such backup.' } };
    expect(settle(wrong)).toMatchObject({ recorded: { outcome: 'Failed' }, rehearsals: null, values: [] });
    const later = { result: null, failure: { error: 'Postponed', cause: 'A remediation has it.' } };
    const gaveWay = { result: { gaveWay: 'A recovery works here.' } };
    for (const putOff of [later, gaveWay]) {
      expect(settle(putOff)).toMatchObject({ recorded: { outcome: 'Postponed' }, rehearsals: null, values: [] });
    }
  });

  const LATER = { result: null, failure: { error: 'Postponed', cause: 'A remediation has it.' } };

  it.each([
    ['AwsUnavailable', 'SSM was not answered: TimeoutError.'],
    ['DynamoDb.InternalServerErrorException', 'Internal error.'],
    ['Lambda.TooManyRequestsException', 'Rate exceeded.'],
  ])('says nothing of a backup where AWS did not answer: %s', (error, cause) => {
    const { recorded, rehearsals, values } = settle({ result: null, failure: { error, cause } });
    expect(recorded).toMatchObject({
      outcome: 'Postponed',
      error: '',
      summary: expect.stringContaining(`${error}: ${cause}`),
    });
    expect({ rehearsals, values }).toEqual({ rehearsals: null, values: [] });
  });

  it.each(['Lambda.Unknown', 'States.Timeout', 'HostUnreachable', 'AwsUnavailableToo'])(
    'has failed where the fault is none of AWS: %s',
    (error) => {
      const { recorded, values } = settle({ result: null, failure: { error, cause: 'It broke.' } });
      expect({ outcome: recorded.outcome, values }).toEqual({ outcome: 'Failed', values: [{ RestoreUnproven: 1 }] });
    },
  );

  it('is measured as none in time where it is put off, and the last is twice as old as one may be', () => {
    expect(settle(LATER, passedBefore(14.1)).values).toEqual([{ RestoreUnproven: 1 }]);
  });

  it('is measured as none in time where each was put off for so long, and none has ever passed', () => {
    const first = settleRehearsal(input(LATER), null, daysAgo(14.1)).rehearsals;
    expect(first).toMatchObject({ last: { outcome: 'Postponed', at: daysAgo(14.1).toISOString() }, passed: null });
    expect(settle(LATER, first).values).toEqual([{ RestoreUnproven: 1 }]);
    expect(settle(LATER, settleRehearsal(input(LATER), null, daysAgo(13.9)).rehearsals).values).toEqual([]);
    // AWS may be away as well.
    const away = { result: null, failure: { error: 'AwsUnavailable', cause: 'S3 was not answered.' } };
    expect(settle(away, first).values).toEqual([{ RestoreUnproven: 1 }]);
    // It is no news that one was put off once more.
    expect(settle(LATER, first).rehearsals).toBeNull();
  });

  it('keeps what is known of earlier ones and cannot be read, unless it has passed', () => {
    const broken = { result: null, failure: { error: 'HostCommandFailed', cause: 'It broke.' } };
    const unread = settleRehearsal(input(broken), undefined, NOW);
    expect(unread).toMatchObject({ recorded: { outcome: 'Failed' }, rehearsals: null });
    expect(measureRehearsal(CLUSTER, unread, undefined, NOW)).toMatchObject([{ values: { RestoreUnproven: 1 } }]);
    expect(settleRehearsal(input(LATER), undefined, NOW).rehearsals).toBeNull();
    expect(settleRehearsal(input({}), undefined, NOW).rehearsals).toMatchObject({ passed: { backup: BACKUP.name } });
  });
});

describe('a check of the rehearsals', () => {
  const check = (rehearsed: Rehearsals | null, cluster = CLUSTER, reports = [inspected('node1')]) =>
    checkRehearsals({
      ...{ cluster, inspected: reports, nowMs: NOW.getTime() },
      own: { ...foundAll(FOUND), rehearsed },
    });

  it('says when the last was, and how long a recovery takes', () => {
    expect(check(passedBefore(1))).toEqual({ well: expect.stringContaining('a recovery takes about 6 s') });
    expect(check(null)).toEqual({ unchecked: 'no backup was rehearsed so far' });
    expect(check(putOffSince(3))).toEqual({
      unchecked:
        'no backup was rehearsed so far: each rehearsal since 2026-11-26 was put off, the first one because: A remediation has it',
    });
  });

  it('finds one that has failed, one that is late, and that none could be', () => {
    const before = passedBefore(1);
    const last = { ...before.last, outcome: 'Failed' as const, error: 'HostCommandFailed', problem: 'It broke.\nMore' };
    expect(check({ ...before, last }).finding).toMatch(/failed.*HostCommandFailed: It broke\.$/);
    expect(check(passedBefore(15)).finding).toContain('one is every 7 days');
    expect(check(putOffSince(15)).finding).toMatch(/^each rehearsal since 2026-11-14 was put off.*one is every 7 days/);
    const none = [inspected('node1', { etcdVersion: '' })];
    expect(check(passedBefore(1), CLUSTER, none).finding).toMatch(/on no host: node1: there is no etcd/);
  });

  it('says where none is, and why', () => {
    const homeless = { ...CLUSTER, members: CLUSTER.members.map(({ host: _, ...member }) => member) };
    expect(check(null, homeless).unchecked).toContain('names no "host"');
  });
});
