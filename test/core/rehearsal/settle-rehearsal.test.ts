import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../core/backups/record.ts';
import type { RehearsedRestore } from '../../../core/hosts/host-command-results.ts';
import { checkRehearsals } from '../../../core/rehearsal/check-rehearsals.ts';
import { compareRestored } from '../../../core/rehearsal/compare-restored.ts';
import type { RecordRehearsal } from '../../../core/rehearsal/contracts.ts';
import { measureRehearsal, settleRehearsal } from '../../../core/rehearsal/settle-rehearsal.ts';
import { foundAll } from '../backups/found.ts';
import { inspected } from '../observations.ts';
import { BACKUP, CLUSTER, FOUND, NOW, passedBefore, RESTORED } from './rehearsals.ts';

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
  const settle = (differences: Partial<RecordRehearsal>, before = passedBefore(3)) => {
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

  it('is measured as none in time where it is put off, and the last is twice as old as one may be', () => {
    const later = { result: null, failure: { error: 'Postponed', cause: 'A remediation has it.' } };
    expect(settle(later, passedBefore(14.1)).values).toEqual([{ RestoreUnproven: 1 }]);
  });
});

describe('a check of the rehearsals', () => {
  const check = (
    rehearsed: ReturnType<typeof passedBefore> | null,
    cluster = CLUSTER,
    reports = [inspected('node1')],
  ) =>
    checkRehearsals({
      ...{ cluster, inspected: reports, nowMs: NOW.getTime() },
      own: { ...foundAll(FOUND), rehearsed },
    });

  it('says when the last was, and how long a recovery takes', () => {
    expect(check(passedBefore(1))).toEqual({ well: expect.stringContaining('a recovery takes about 6 s') });
    expect(check(null)).toEqual({ unchecked: 'no backup was rehearsed so far' });
  });

  it('finds one that has failed, one that is late, and that none could be', () => {
    const before = passedBefore(1);
    const last = { ...before.last, outcome: 'Failed' as const, error: 'HostCommandFailed', problem: 'It broke.\nMore' };
    expect(check({ ...before, last }).finding).toMatch(/failed.*HostCommandFailed: It broke\.$/);
    expect(check(passedBefore(15)).finding).toContain('one is every 7 days');
    const none = [inspected('node1', { etcdVersion: '' })];
    expect(check(passedBefore(1), CLUSTER, none).finding).toMatch(/on no host: node1: there is no etcd/);
  });

  it('says where none is, and why', () => {
    const homeless = { ...CLUSTER, members: CLUSTER.members.map(({ host: _, ...member }) => member) };
    expect(check(null, homeless).unchecked).toContain('names no "host"');
  });
});
