import * as z from 'zod';
import { newestBackupSchema } from '../backups/newest.ts';
import { CONDITIONS } from './diagnosis.ts';

/** A `Diagnosis` as it is documented: kinds of warnings may be added. */

export const conditionSchema = z.enum(CONDITIONS);

const reachSchema = { host: z.string(), reachable: z.union([z.boolean(), z.literal('unknown')]), problem: z.string() };

export const diagnosisSchema = z.object({
  incident: z.enum([...CONDITIONS, 'healthy']),
  summary: z.string(),
  others: z.array(conditionSchema).describe('What is wrong besides'),
  members: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['healthy', 'behind', 'joining', 'failed', 'refusing', 'unreached', 'unknown']),
      problem: z.string(),
      lagEntries: z.string(),
      facts: z.string(),
    }),
  ),
  hosts: z.array(z.object({ ...reachSchema, member: z.string() })),
  warnings: z.array(z.object({ kind: z.string(), message: z.string() })),
  backup: newestBackupSchema
    .optional()
    .describe('The newest backup that can be restored; only of a cluster with `backups.everyMinutes`'),
});
export type DiagnosisAnswer = z.output<typeof diagnosisSchema>;
