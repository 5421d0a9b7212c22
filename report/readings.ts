import * as z from 'zod';
import { fieldsOf, listOf } from '../core/runbook/step-run.ts';
import type { RaftReading, SizeReading } from './incident-report.ts';
import type { StateRun } from './state-runs.ts';

/** What the steps have read of each member on their way: any step whose output has the right shape. */

const sized = z.object({
  name: z.string(),
  dbSizeBytes: z.number().min(0),
  dbSizeInUseBytes: z.number().min(0),
  quotaBytes: z.number().nullable(),
});
const defragmented = z.object({
  member: z.string(),
  dbSizeBytesBefore: z.number().min(0),
  dbSizeBytesAfter: z.number().min(0),
});
const index = z.string().regex(/^\d+$/);
const applied = z.object({ name: z.string(), raftAppliedIndex: index });
const progress = z.object({ member: z.string(), raftAppliedIndex: index, leaderAppliedIndex: index });

export function sizesIn(runs: readonly StateRun[]): SizeReading[] {
  return runs.flatMap((run): SizeReading[] => {
    const { members, defragmentations } = fieldsOf(run.output);
    const at = timesOf(run);
    return [
      ...listOf(members).flatMap((each) => {
        const { data } = sized.safeParse(each);
        if (!data) return [];
        const { name: member, ...sizes } = data;
        return [{ at: at.end, member, ...sizes }];
      }),
      ...listOf(defragmentations).flatMap((each) => {
        const { data } = defragmented.safeParse(each);
        if (!data) return [];
        const { member, dbSizeBytesBefore, dbSizeBytesAfter } = data;
        const alone = { member, dbSizeInUseBytes: null, quotaBytes: null };
        return [
          { at: at.start, dbSizeBytes: dbSizeBytesBefore, ...alone },
          { at: at.end, dbSizeBytes: dbSizeBytesAfter, ...alone },
        ];
      }),
    ];
  });
}

export function raftIn(runs: readonly StateRun[]): RaftReading[] {
  return runs.flatMap((run): RaftReading[] => {
    const at = timesOf(run).end;
    const { data } = progress.safeParse(run.output);
    if (data) {
      const { member, raftAppliedIndex, leaderAppliedIndex } = data;
      return [{ at, member, appliedIndex: raftAppliedIndex, leaderIndex: leaderAppliedIndex }];
    }
    return listOf(fieldsOf(run.output).members).flatMap((each) => {
      const { data: member } = applied.safeParse(each);
      return member ? [{ at, member: member.name, appliedIndex: member.raftAppliedIndex, leaderIndex: null }] : [];
    });
  });
}

function timesOf({ startedAt, endedAt }: StateRun): { start: string; end: string } {
  return { start: startedAt.toISOString(), end: (endedAt ?? startedAt).toISOString() };
}
