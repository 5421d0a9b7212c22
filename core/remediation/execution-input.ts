import * as z from 'zod';
import { hostId } from '../cluster/clusters.ts';

/** The incidents that a runbook remediates. */
export const INCIDENTS = ['space-exceeded', 'auth-token-invalid', 'member-failed', 'quorum-lost'] as const;
export type Incident = (typeof INCIDENTS)[number];

/** Over how long something has to be seen, in several readings, before anything is changed: readings of one moment are one reading. */
function confirmSeconds(usual: number) {
  const tooSoon = 'must be 1 or more, for what is seen at one moment only may pass';
  return z.int().min(1, { error: tooSoon }).max(3600, { error: 'must be at most 3600' }).default(usual);
}

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
});
export type SpaceParameters = z.output<typeof spaceParametersSchema>;

export const CURE_STRATEGIES = ['restart-then-toggle', 'restart', 'toggle'] as const;

/** What a responder may set for the auth token runbook. */
export const tokenParametersSchema = z.strictObject({
  /** Over how long a member has to be seen rejecting fresh tokens, three times. */
  confirmSeconds: confirmSeconds(10),
  /** `restart` the member alone; `toggle`: disable authentication and enable it again, for the whole cluster. */
  strategy: z.enum(CURE_STRATEGIES).default('restart-then-toggle'),
});

/** What a responder may set for the member runbook. */
export const memberParametersSchema = z.strictObject({
  /** Over how long a member has to be seen failed, three times. */
  confirmSeconds: confirmSeconds(30),
  /** Where the failed member's host is gone for good: the spare host that takes its place, which clusters.json describes. */
  replacement: z.strictObject({ host: hostId }).optional(),
  /** Only these may be replaced, whichever have failed: what somebody has approved of. */
  onlyMembers: z.array(z.string()).optional(),
  /** Only these may be removed, by their IDs in etcd's list, in hex: a name is soon that of another member. What somebody has approved of. */
  removeOnly: z.array(z.string()).optional(),
});
export type MemberParameters = z.output<typeof memberParametersSchema>;

/** What a responder may set for the quorum runbook. */
export const quorumParametersSchema = z.strictObject({
  /** Over how long the quorum has to be seen lost, three times. */
  confirmSeconds: confirmSeconds(60),
  /** Recover without the members whose hosts cannot be reached; they join later, as replaced members. */
  acceptFewerMembers: z.boolean().default(false),
  /** Of these, no other may be left out: what somebody has approved of. */
  leaveOutOnly: z.array(z.string()).optional(),
  /** Nothing older may be restored: what somebody has approved of. */
  atLeastRevision: z
    .string()
    .regex(/^\d{1,20}$/, { error: 'must be a revision in decimal digits' })
    .optional(),
  /** Nothing is restored: an interrupted recovery is brought to its end, and what has its data is started. What somebody has approved of. */
  restoreNothing: z.boolean().optional(),
  /** A backup in the bucket that clusters.json names under "backups". The newest candidate is restored, whichever it is... */
  snapshot: z
    .strictObject({
      key: z
        .string()
        .min(1, { error: 'must be an object\'s key, such as "orders/2026-11-22.db"' })
        .max(1024, { error: 'must be at most 1024 characters' }),
      /** ...unless this one is to be restored even where newer data is left. */
      force: z.boolean().default(false),
    })
    .optional(),
});
export type QuorumParameters = z.output<typeof quorumParametersSchema>;

function inputOf<Name extends Incident, Fields extends z.ZodRawShape>(incident: Name, fields: Fields) {
  return z.strictObject({
    cluster: z.string({ error: 'must be the name of a cluster in clusters.json' }).min(1),
    incident: z.literal(incident).default(incident),
    dryRun: z.boolean().default(false),
    reason: z.string().max(1024, { error: 'must be at most 1024 characters' }).default(''),
    requestedBy: z.string().max(256, { error: 'must be at most 256 characters' }).default(''),
    ...fields,
  });
}

/** What starts an execution of an incident's runbook: `{"cluster":"orders"}` and, when wanted, the rest. */
export const executionInputSchemas = {
  'space-exceeded': inputOf('space-exceeded', { parameters: spaceParametersSchema.prefault({}) }),
  'auth-token-invalid': inputOf('auth-token-invalid', { parameters: tokenParametersSchema.prefault({}) }),
  'member-failed': inputOf('member-failed', {
    /** Which member, by its name in clusters.json; all that have failed, if not said. */
    member: z.string().default(''),
    parameters: memberParametersSchema.prefault({}),
  }),
  'quorum-lost': inputOf('quorum-lost', { parameters: quorumParametersSchema.prefault({}) }),
} as const satisfies Record<Incident, z.ZodType>;

export type ExecutionInput = z.output<(typeof executionInputSchemas)[Incident]>;
