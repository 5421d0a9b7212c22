import * as z from 'zod';

/** Where a cluster's backups are kept, and how they are made. */

/** More often than this, one could begin before the one before it has ended: a function has a quarter of an hour. */
const LEAST_MINUTES = 15;
/** An alarm of CloudWatch looks back on a day at most, in which two have to be made. */
const MOST_MINUTES = 12 * 60;

const kept = z.int({ error: 'must be how many of them are kept, a whole number' }).min(0).max(10_000);

export const backupsSchema = z
  .strictObject({
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: 'must be the name of an S3 bucket' }),
    /** Keys outside of it cannot be read or written. */
    prefix: z
      .string()
      .max(512, { error: 'must be at most 512 characters' })
      .regex(/^[\w!.'()/-]*$/, { error: 'must be the beginning of a key: letters, digits and "!-_.\'()/"' })
      .default(''),
    /** A backup is made this often. Not there where somebody else makes them, which are only read then. */
    everyMinutes: z
      .int({ error: 'must be a whole number of minutes' })
      .min(LEAST_MINUTES, { error: `must be at least ${LEAST_MINUTES}` })
      .max(MOST_MINUTES, { error: `must be at most ${MOST_MINUTES}, which is half a day` })
      .optional(),
    /** Of how many hours, days and weeks one is kept. */
    keep: z.strictObject({ hourly: kept, daily: kept, weekly: kept }).partial().optional(),
    /** Which key of KMS encrypts them; what the bucket says, if none is named. */
    kmsKey: z
      .string()
      .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
        error: 'must be the ARN of a key of KMS, such as "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-..."',
      })
      .optional(),
  })
  .superRefine(({ everyMinutes, keep }, context) => {
    if (everyMinutes !== undefined || keep === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['keep'],
      message: 'says what is kept of backups that nobody makes: add "everyMinutes", or remove it',
    });
  });
export type BackupsPlace = z.output<typeof backupsSchema>;
