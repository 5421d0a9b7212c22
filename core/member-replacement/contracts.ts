import * as z from 'zod';
import { type ConfiguredMember, clusterSchema, hostId, memberSchema } from '../cluster/clusters.ts';
import type { MemberHealth } from '../cluster/member-health.ts';
import { hostInspectionSchema, inspectionReportSchema } from '../hosts/host-command-results.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { confirmSeconds, inputOf } from '../runbook/execution-input.ts';
import type { Summarized } from '../runbook/summary.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { condemnedSchema } from './condemned.ts';

/** What the steps of the member runbook receive and return. IDs are hex, raft indexes decimal strings. */

/** What a responder may set for the member runbook. */
export const memberParametersSchema = z.strictObject({
  /** Over how long a member has to be seen failed, three times. */
  confirmSeconds: confirmSeconds(30),
  /** Where the failed member's host is gone for good: the spare host that takes its place, which clusters.json describes. */
  replacement: z.strictObject({ host: hostId }).optional(),
  /** Only these may be replaced, whichever have failed: what someone has approved of. */
  onlyMembers: z.array(z.string()).optional(),
  /** Only these may be removed, by their IDs in etcd's list, in hex: a name is soon that of another member. What someone has approved of. */
  removeOnly: z.array(z.string()).optional(),
});

export type MemberParameters = z.output<typeof memberParametersSchema>;

export const memberInput = inputOf('member-failed', {
  /** Which member, by its name in clusters.json; all that have failed, if not said. */
  member: z.string().default(''),
  parameters: memberParametersSchema.prefault({}),
});

const assessed = {
  cluster: clusterSchema,
  parameters: memberParametersSchema,
  /** The member that the responder named; empty if none. */
  member: z.string(),
};

const targetSchema = z.strictObject({ member: z.string(), kind: z.enum(['failed', 'joining']), problem: z.string() });
/** A member that is to be replaced, or whose replacement is to be finished. */
export type Target = z.output<typeof targetSchema>;

/** The results of earlier readings of the same execution. */
export const readingsSchema = z.strictObject({
  targets: z.array(targetSchema),
  /** How many readings in a row have shown these targets. */
  equal: z.int().min(0),
  total: z.int().min(0),
});
export type Readings = z.output<typeof readingsSchema>;

export const assessMembersInput = z.strictObject({ ...assessed, readings: readingsSchema });
export interface MembersAssessment {
  /** `Confirm`: look again later; `Look`: no member is replaced, and hosts are asked what keeps us from their members. */
  verdict: 'Confirm' | 'Replace' | 'Look' | 'NothingToDo';
  summary: string;
  readings: Readings;
  members: MemberHealth[];
  /** The inspect-host commands that the plan needs, one for each failed member. */
  inspections: HostCommand[];
  /** Those for hosts that have another view of a member than ours: of the one whose place another host takes, and of each that cannot be judged from here. */
  oldHost: HostCommand[];
}

const plannedTargetSchema = z.strictObject({
  member: z.string(),
  host: z.string(),
  /** The members that have to leave etcd's list before this one can join it. */
  removeIds: z.array(z.string()),
  /** Stop the service, move the data aside, and write the membership; false where the member has joined already. */
  prepare: z.boolean(),
  asLearner: z.boolean(),
  staysLearner: z.boolean(),
  /** Whether the service ran when the host was inspected. */
  wasActive: z.boolean(),
  /** The parameters of control-service that start its service again as it was; empty where nothing is to be stopped. */
  start: z.record(z.string(), z.string()),
  /** Those that its own etcd announces; empty where it has joined already. */
  peerUrls: z.array(z.string()),
});
export type PlannedTarget = z.output<typeof plannedTargetSchema>;

export const planReplacementInput = z.strictObject({
  ...assessed,
  targets: z.array(targetSchema),
  inspections: z.array(z.strictObject({ member: z.string(), inspection: hostInspectionSchema })),
  /** What became of the assessment's `oldHost`. */
  oldHost: z.array(inspectionReportSchema),
  /** Targets that answer; not there where only members that have failed are replaced. */
  condemned: z.array(condemnedSchema).optional(),
});
export interface ReplacementPlan {
  /** The cluster as it will be: with the replacement in the failed member's place. */
  cluster: z.output<typeof clusterSchema>;
  /** The member whose place is taken, where that is another one. */
  replaced: ConfiguredMember | null;
  targets: PlannedTarget[];
  /** What will be done, a line each. */
  steps: string[];
  /** Data dirs that earlier executions have moved aside, by member. */
  archives: Record<string, string[]>;
}

export const chooseNextChangeInput = z.strictObject({
  cluster: clusterSchema,
  replaced: memberSchema.nullable(),
  targets: z.array(plannedTargetSchema),
  /** What was done on hosts in this execution: `StopService node3`. */
  done: z.array(z.string()),
  /** How often in a row a member was waited for without any progress. */
  waits: z.int().min(0),
  turn: z.int().min(0),
  execution: textSchema(TEXT_RULES.execution),
  /** As of {@link planReplacementInput}. They are replaced one after the other. */
  condemned: z.array(condemnedSchema).optional(),
});
export type ChooseNextChange = z.output<typeof chooseNextChangeInput>;

/** choose-next-change: the one next thing to do. */
export type NextChange =
  /** All that leave are stopped together, and moved aside together; they join one after the other. */
  | { action: 'StopService' | 'ArchiveDataDir' | 'JoinCluster'; commands: HostCommand[] }
  | { action: 'RemoveMember'; member: string; id: string }
  | { action: 'AddMember'; member: string; peerUrls: string[]; asLearner: boolean }
  | { action: 'WaitForMember'; member: string }
  | { action: 'PromoteMember'; member: string; id: string }
  /** Away from one that is condemned: a new member has its data from the leader. */
  | { action: 'MoveLeadership'; member: string; transferee: string }
  /** It was started and does not join: look why. */
  | ({ action: 'GiveUp'; problem: string } & HostCommand)
  | { action: 'Finish' };

/** change-membership: `changed` is false where it was done already, or is not the next thing any more. */
export const changeMembershipInput = chooseNextChangeInput.extend({
  change: z.enum(['RemoveMember', 'AddMember', 'PromoteMember']),
});
export interface ChangedMembership {
  changed: boolean;
  member: string;
  id: string;
}

/** explain-changes: an error that stops a replacement, and what was changed before it, in order. */
export const explainChangesInput = z.strictObject({
  error: z.string(),
  cause: z.string(),
  cluster: clusterSchema,
  targets: z.array(plannedTargetSchema),
  changes: z.array(
    z.strictObject({
      action: z.enum([
        'MoveLeadership',
        'StopService',
        'RemoveMember',
        'ArchiveDataDir',
        'AddMember',
        'JoinCluster',
        'PromoteMember',
        'DisarmAlarm',
      ]),
      member: z.string(),
      /** Of leadership, who has it since. */
      transferee: z.string().optional(),
      /** Of a command on a host, and what it has changed there, also where it failed then. */
      host: z.string().optional(),
      result: z
        .looseObject({
          dataDir: z.string().optional(),
          walDir: z.string().optional(),
          file: z.string().optional(),
          copy: z.string().optional(),
          /** Of the service, where it was started and stays up. */
          activeState: z.string().optional(),
        })
        .optional(),
      /** Of a member that was removed, in hex. */
      id: z.string().optional(),
    }),
  ),
});
export type ExplainChanges = z.output<typeof explainChangesInput>;
export interface ExplainedError extends Summarized {
  error: string;
  cause: string;
}

export const waitForMemberInput = z.strictObject({ cluster: clusterSchema, member: z.string() });
export interface MemberProgress {
  member: string;
  answering: boolean;
  raftAppliedIndex: string;
  leaderAppliedIndex: string;
  /** Log entries between the two. */
  distance: string;
}

/** What an approved plan says that a replacement is held to. */
export const approvedReplacement = z.looseObject({
  targets: z.array(z.string()).min(1),
  removeIds: z.array(z.string()),
});
