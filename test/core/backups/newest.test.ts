import { describe, expect, it } from 'vitest';
import {
  describeNewest,
  lateAfterMinutes,
  newestBackup,
  noBackup,
  problemOfNewest,
} from '../../../core/backups/newest.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import { found, foundAll } from './found.ts';

const NEW = found('2026-11-29T08:15:00.000Z', 3000);
const OLD = found('2026-11-28T08:15:00.000Z', 2000);
const ALL = foundAll(NEW, OLD);
const MINUTE_MS = 60_000;
const aged = (minutes: number) => Date.parse(NEW.takenAt) + minutes * MINUTE_MS;
const CLUSTER: Cluster = {
  name: 'orders',
  members: [{ name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
  quotaBackendBytes: 1,
  backups: { bucket: 'backups', prefix: '', everyMinutes: 60 },
};

describe('the newest backup', () => {
  it.each([
    [1, '1 minute'],
    [42, '42 minutes'],
    [119, '119 minutes'],
    [150, '3 hours'],
    [47 * 60, '47 hours'],
    [73 * 60, '3 days'],
  ])('%i minutes after it was made is %s old', (minutes, age) => {
    const newest = newestBackup(ALL, aged(minutes));
    expect(newest).toMatchObject({ name: NEW.name, ageSeconds: minutes * 60, revision: '3000', problem: '' });
    expect(describeNewest(newest)).toBe(`${NEW.name}, ${age} old, revision 3000`);
  });

  it('is the newest whose record can be read: nobody knows what is in another', () => {
    const unreadable = { ...NEW, record: null, problem: 'It is archived.' };
    expect(newestBackup(foundAll(unreadable, OLD), aged(1))).toMatchObject({ name: OLD.name, revision: '2000' });
    expect(newestBackup(foundAll(unreadable), aged(1))).toEqual(noBackup('It is archived.'));
  });

  it('is none of the future where the clocks differ', () => {
    expect(newestBackup(ALL, aged(-5)).ageSeconds).toBe(0);
  });

  it('is well until two in a row were not made', () => {
    expect(lateAfterMinutes(60)).toBe(135);
    expect(lateAfterMinutes(720)).toBe(1440);
    expect(problemOfNewest(CLUSTER, newestBackup(ALL, aged(135)))).toBeUndefined();
    expect(problemOfNewest(CLUSTER, newestBackup(ALL, aged(136)))).toMatchObject({
      kind: 'backup-late',
      message: expect.stringContaining(`${NEW.name}, is 2 hours old, and one is due every 60 minutes`),
    });
  });

  it('is missed where there is none, and not known where nobody could look', () => {
    expect(problemOfNewest(CLUSTER, noBackup(''))).toMatchObject({
      kind: 'backup-late',
      message: expect.stringContaining('There is no backup'),
    });
    expect(describeNewest(noBackup(''))).toBe('none');
    expect(problemOfNewest(CLUSTER, noBackup('AccessDenied'))).toMatchObject({
      kind: 'backups-unknown',
      message: expect.stringContaining('AccessDenied'),
    });
    expect(describeNewest(noBackup('AccessDenied'))).toBe('not known: AccessDenied');
  });

  it('is not missed where somebody else makes them', () => {
    const { backups: _, ...without } = CLUSTER;
    expect(problemOfNewest(without, noBackup(''))).toBeUndefined();
  });
});
