import { describe, expect, it } from 'vitest';
import { backupsSchema } from '../../../core/cluster/backups.ts';
import { parse } from '../../../core/text/parse.ts';

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

describe('"backups" of a cluster', () => {
  it.each([
    { bucket: 'backups' },
    { bucket: 'backups', prefix: 'etcd/', everyMinutes: 60, keep: { hourly: 24, weekly: 0 }, kmsKey: KEY },
    // Made by somebody else, and read here.
    { bucket: 'backups', kmsKey: KEY },
    { bucket: 'backups', everyMinutes: 60, rehearse: { everyDays: 0 } },
  ])('may be %o', (value) => {
    expect(parse(backupsSchema, value, 'It')).toMatchObject(value);
  });

  it.each([
    [{ everyMinutes: 5 }, 'everyMinutes: must be at least 15'],
    [{ everyMinutes: 721 }, 'everyMinutes: must be at most 720'],
    [{ everyMinutes: 0.5 }, 'everyMinutes: must be a whole number'],
    [{ everyMinutes: 60, keep: { hourly: -1 } }, 'keep.hourly'],
    [{ everyMinutes: 60, keep: { monthly: 1 } }, 'keep.monthly: is not a known field'],
    [{ keep: { hourly: 24 } }, 'add "everyMinutes"'],
    [{ rehearse: { everyDays: 7 } }, 'add "everyMinutes"'],
    [{ everyMinutes: 60, rehearse: { everyDays: 91 } }, 'rehearse.everyDays: must be at most 90'],
    [{ kmsKey: 'alias/etcd' }, 'kmsKey: must be the ARN of a key of KMS'],
  ])('may not be %o', (value, problem) => {
    expect(() => parse(backupsSchema, { bucket: 'backups', ...value }, 'It')).toThrow(problem);
  });
});
