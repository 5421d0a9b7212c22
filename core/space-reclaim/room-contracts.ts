import * as z from 'zod';
import { inspectionReportSchema } from '../hosts/host-command-results.ts';
import { assessSpaceInput } from './contracts.ts';

/** What weigh-room receives and returns. What hosts report is of no use to the other steps, and its schema costs the start of a process. */

/** weigh-room: whose disk has room for a defragmentation. */
export interface RoomAssessment {
  /** Names of the members that are left as they are. */
  withoutRoom: string[];
  /** Why, and of which members nobody knows. */
  summary: string;
  /** What will be done, a line each. */
  steps: string[];
}

export const weighRoomInput = assessSpaceInput.extend({
  /** Of the assessment, as are the plan and the steps. */
  members: z.array(
    z.strictObject({
      name: z.string(),
      dbSizeBytes: z.number(),
      dbSizeInUseBytes: z.number(),
      quotaBytes: z.number().nullable(),
    }),
  ),
  alarms: z.array(z.strictObject({ memberId: z.string(), alarm: z.string() })),
  plan: z.array(z.string()),
  steps: z.array(z.string()),
  inspected: z.array(inspectionReportSchema),
  /** Why no host could be asked; empty where each was. */
  unasked: z.string(),
});
export type WeighRoom = z.output<typeof weighRoomInput>;
