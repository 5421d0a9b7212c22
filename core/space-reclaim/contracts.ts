import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import type { RaisedAlarm } from '../cluster/observation.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { inputOf } from '../runbook/execution-input.ts';
import type { Summarized } from '../runbook/summary.ts';

/**
 * What the steps of the space runbook receive and return. One step's output is the next step's input, so each shape is
 * written once here. Sizes are bytes; 64-bit numbers of etcd (IDs, revisions, raft indexes) are decimal or hex strings.
 */

const ratio = z.number().gt(0, { error: 'must be more than 0' }).lt(1, { error: 'must be less than 1' });

/** What a responder may set for the space runbook; every field has a default that is right for most clusters. */
export const spaceParametersSchema = z.strictObject({
  /** How many of the newest revisions compaction keeps, for watchers that lag. */
  retainRevisions: z.int().min(0, { error: 'must be 0 or more' }).default(0),
  /** A member is skipped when a defragmentation would free fewer bytes than this... */
  minReclaimBytes: z
    .int()
    .min(0, { error: 'must be 0 or more' })
    .default(10 * 1024 * 1024),
  /** ...or a smaller share of its database than this; unless its quota cannot be met otherwise. */
  minReclaimRatio: ratio.default(0.2),
  /** The alarm is disarmed once the database of every member that answers is below this share of its quota. */
  disarmBelowRatio: ratio.default(0.9),
  /** Before the leader is defragmented: `move` leadership to a voter that is done, or let it `keep` it. */
  leadership: z.enum(['move', 'keep']).default('move'),
  /** After this moment no member is begun any more, unless NOSPACE is raised: of a maintenance window. ISO 8601, UTC. */
  until: z.iso.datetime({ error: 'must be a time in UTC, such as "2026-11-29T04:00:00Z"' }).optional(),
});

export type SpaceParameters = z.output<typeof spaceParametersSchema>;

export const spaceInput = inputOf('space-exceeded', { parameters: spaceParametersSchema.prefault({}) });

/** A member at one moment, as one line of a report shows it. */
export interface MemberSpace {
  name: string;
  /** In hex, as etcdctl prints it. */
  id: string;
  role: 'leader' | 'follower' | 'learner';
  version: string;
  dbSizeBytes: number;
  dbSizeInUseBytes: number;
  /** Null where the member has no quota. */
  quotaBytes: number | null;
  quotaSource: QuotaSource;
}

const assessedQuotaSchema = z.strictObject({
  name: z.string(),
  quotaBytes: z.number().nullable(),
  /**
   * `member`: it has reported its quota itself, as it does since etcd 3.6; `configuration`: quotaBackendBytes of clusters.json; `alarm`: NOSPACE
   * was raised far below that, so it is what the database had then.
   */
  quotaSource: z.enum(['member', 'configuration', 'alarm']),
});
/** What the assessment took for a member's quota. */
export type AssessedQuota = z.output<typeof assessedQuotaSchema>;
export type QuotaSource = AssessedQuota['quotaSource'];

/** A member without which the store gets its space back. */
export interface LeftOutMember {
  member: string;
  /** As a sentence about the member goes on: `does not answer: ...` */
  problem: string;
}

/** assess-space: is there something to do, and is it safe? */
export interface SpaceAssessment {
  verdict: 'Reclaim' | 'NothingToDo';
  summary: string;
  alarms: RaisedAlarm[];
  members: MemberSpace[];
  /** The revision to compact to; "0" when nothing is to be compacted. */
  compactRevision: string;
  /** Members that do not answer, where the others are a quorum and etcd refuses writes. No other is left out later. */
  leftOut: LeftOutMember[];
  /** Member names in the order in which they would be defragmented as things stand; those with nothing to gain are skipped then. */
  plan: string[];
  /** What will be done, a line each. */
  steps: string[];
  /** inspect-host for each member that would be defragmented and has a host. */
  inspections: HostCommand[];
}

/** choose-next-defragmentation: the one next thing to do. */
export type NextDefragmentation =
  | { action: 'Defragment'; member: string }
  | { action: 'MoveLeadership'; member: string; transferee: string }
  | {
      action: 'Finish';
      /** Members that would be next, and are left as they are, for the time is over; not there where there are none. */
      left?: string[];
    };

/** defragment-member: one, or none where it is not the next thing to do. */
export interface Defragmented {
  defragmentations: { member: string; dbSizeBytesBefore: number; dbSizeBytesAfter: number }[];
  /** What is next now. `Choose`: that could not be decided, so choose-next-defragmentation is to be asked. */
  next: (NextDefragmentation | { action: 'Choose' }) & Summarized;
}

/** prove-writes: who has taken part, and what is left to do. */
export interface ProvenWrites {
  members: MemberSpace[];
  leftOut: LeftOutMember[];
  remaining: 'member-failed'[];
  /** The sizes, and what becomes of those that were left out. */
  summary: string;
}

/** Names of the members that the assessment has left out: those of them that still do not answer stay out. */
const leftOut = z.array(z.string());
/** Of the assessment: once a member is defragmented, its size says nothing of its quota any more. */
const quotas = z.array(assessedQuotaSchema);

/** Names of the members whose disk has no room for a defragmentation. */
const withoutRoom = z.array(z.string());

export const assessSpaceInput = z.strictObject({ cluster: clusterSchema, parameters: spaceParametersSchema });
export const compactHistoryInput = z.strictObject({ cluster: clusterSchema, revision: z.string().regex(/^\d+$/) });
export const chooseNextDefragmentationInput = z.strictObject({
  cluster: clusterSchema,
  parameters: spaceParametersSchema,
  leftOut,
  quotas,
  withoutRoom,
  /** Members defragmented so far in this execution, a name for each time. */
  defragmented: z.array(z.string()),
  /** How often this has been decided before in this execution. */
  turn: z.int().min(0),
});
export const disarmAlarmsInput = assessSpaceInput.extend({ leftOut, quotas });
export const moveLeadershipInput = z.strictObject({
  cluster: clusterSchema,
  member: z.string(),
  transferee: z.string(),
});
export const defragmentMemberInput = chooseNextDefragmentationInput.extend({
  /** Who is expected to be next. */
  member: z.string(),
});
export const countKeysInput = z.strictObject({ cluster: clusterSchema });
export const proveWritesInput = z.strictObject({
  cluster: clusterSchema,
  /** Only these prove it; every voter, if not said. */
  members: z.array(z.string()).optional(),
  leftOut: leftOut.default([]),
  quotas: quotas.default([]),
  /** Whether etcd refused writes: then one of the size that it refuses first has to be taken, too. */
  refused: z.boolean().default(false),
  /** The execution's name, so that two executions do not write the same key. */
  execution: z.string().min(1),
});
