import * as z from 'zod';

/** Where a cluster's backups are kept, and how they are made. */

/** More often than this, one could begin before the one before it has ended: a function has a quarter of an hour. */
const LEAST_MINUTES = 15;
/** An alarm of CloudWatch looks back on a day at most, in which two have to be made. */
const MOST_MINUTES = 12 * 60;

/** Who restores a backup less often than each quarter knows little of how it goes. */
const MOST_DAYS = 90;

const kept = z.int({ error: 'must be how many of them are kept, a whole number' }).min(0).max(10_000);

export const backupsSchema = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: 'must be the name of an S3 bucket' })
      .meta({ description: 'The name of the S3 bucket that holds them.' }),
    prefix: z
      .string()
      .max(512, { error: 'must be at most 512 characters' })
      .regex(/^[\w!.'()/-]*$/, { error: 'must be the beginning of a key: letters, digits and "!-_.\'()/"' })
      .default('')
      .meta({
        description:
          'The beginning of their keys, this cluster\'s alone: "orders/". Keys outside of it can be neither read nor written.',
      }),
    everyMinutes: z
      .int({ error: 'must be a whole number of minutes' })
      .min(LEAST_MINUTES, { error: `must be at least ${LEAST_MINUTES}` })
      .max(MOST_MINUTES, { error: `must be at most ${MOST_MINUTES}, which is half a day` })
      .optional()
      .meta({
        description: 'A backup is made this often. Left out if something else makes them: then they are only read.',
      }),
    keep: z
      .strictObject({
        hourly: kept.meta({ description: 'For how many hours one backup of each is kept. Default: 24.' }),
        daily: kept.meta({ description: 'For how many days one backup of each is kept. Default: 7.' }),
        weekly: kept.meta({ description: 'For how many weeks one backup of each is kept. Default: 4.' }),
      })
      .partial()
      .optional()
      .meta({ description: 'How many are kept. The last good one is never removed.' }),
    rehearse: z
      .strictObject({
        everyDays: z
          .int({ error: 'must be a whole number of days' })
          .min(0)
          .max(MOST_DAYS, { error: `must be at most ${MOST_DAYS}` })
          .meta({ description: 'A backup is restored this often. 0: never by itself.' }),
      })
      .optional()
      .meta({
        description:
          'A backup is restored on a host of the cluster, beside its member, and removed again. Default: {"everyDays": 7} if a member has a "host".',
      }),
    kmsKey: z
      .string()
      .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
        error: 'must be the ARN of a key of KMS, such as "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-..."',
      })
      .optional()
      .meta({
        description: 'The ARN of the key of KMS that encrypts them. Left out: what the bucket does by default.',
      }),
  })
  .superRefine(({ everyMinutes, keep, rehearse }, context) => {
    if (everyMinutes !== undefined) return;
    if (keep !== undefined) {
      const message = 'says what is kept of backups that nobody makes: add "everyMinutes", or remove it';
      context.addIssue({ code: 'custom', path: ['keep'], message });
    }
    if (rehearse !== undefined) {
      const message = 'is for backups that are made here: add "everyMinutes", or remove it';
      context.addIssue({ code: 'custom', path: ['rehearse'], message });
    }
  });
export type BackupsPlace = z.output<typeof backupsSchema>;
