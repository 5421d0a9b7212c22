import * as z from 'zod';
import type { HostCommandName } from '../hosts/host-commands.ts';
import { hostCommandSchema, runHostCommandsInput } from '../hosts/run-host-commands.ts';
import type { Summarized } from '../runbook/summary.ts';

/** How a snapshot gets from host to host: in parts, through an object that each reads or writes by a presigned URL. */

const stagedPartSchema = z.strictObject({
  /** From 1. */
  partNumber: z.int().min(1),
  /** The send-snapshot command of this part, all but its URL. */
  member: z.string(),
  host: z.string(),
  parameters: z.record(z.string(), z.string()),
});
export type StagedPart = z.output<typeof stagedPartSchema>;

/** An object that a host reads or writes through a presigned URL. */
const objectSchema = z.discriminatedUnion('access', [
  z.strictObject({ access: z.literal('read'), key: z.string().min(1) }),
  z.strictObject({ access: z.literal('read-backup'), bucket: z.string().min(1), key: z.string().min(1) }),
  z.strictObject({ access: z.literal('write'), key: z.string().min(1) }),
  z.strictObject({
    access: z.literal('write-part'),
    key: z.string().min(1),
    uploadId: z.string().min(1),
    partNumber: z.int().min(1).max(10_000),
  }),
]);
export type StoredObject = z.output<typeof objectSchema>;

/** The commands that take a presigned URL; inspect-host needs none where no snapshot is to be moved. */
export const TRANSFERS = [
  'inspect-host',
  'fetch-backup',
  'rehearse-restore',
  'send-snapshot',
  'restore-snapshot',
] as const satisfies HostCommandName[];

/** transfer-snapshots: run-host-commands for a command with a URL, which is made when the command is sent, and told to nobody else. */
export const transferSnapshotsInput = runHostCommandsInput.extend({
  command: z.enum(TRANSFERS),
  commands: z.array(
    hostCommandSchema.extend({
      /** Null for a snapshot that is in the scratch folder already: the command then gets an empty URL. */
      object: objectSchema.nullable(),
    }),
  ),
});

/** stage-snapshot: an upload in parts, from its begin to its end. Each may be run twice. */
export const stageSnapshotInput = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('Begin'), key: z.string().min(1) }),
  z.strictObject({
    action: z.literal('Complete'),
    key: z.string().min(1),
    uploadId: z.string().min(1),
    parts: z.array(z.strictObject({ partNumber: z.int().min(1), etag: z.string().min(1) })).min(1),
  }),
  z.strictObject({ action: z.literal('Discard'), key: z.string().min(1), uploadId: z.string() }),
]);
export type StageSnapshot = z.output<typeof stageSnapshotInput>;
export interface StagedUpload extends Summarized {
  key: string;
  /** Empty for `Discard`. */
  uploadId: string;
}
