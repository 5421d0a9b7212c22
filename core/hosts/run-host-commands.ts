import * as z from 'zod';
import { clusterName } from '../cluster/clusters.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { HOST_COMMANDS, type HostCommandName } from './host-commands.ts';

/** What the steps that run a command on hosts receive and return. */

/** One command for one host, ready to be sent. */
export interface HostCommand {
  member: string;
  host: string;
  parameters: Record<string, string>;
}

export const hostCommandSchema = z.strictObject({
  member: z.string(),
  host: z.string(),
  parameters: z.record(z.string(), z.string()),
}) satisfies z.ZodType<HostCommand>;

/** run-host-commands: one command on all hosts of a phase. It is asked again, with the same input, until all have ended. */
export const runHostCommandsInput = z.strictObject({
  /** Whose hosts these are: no other's are reached. */
  cluster: clusterName,
  command: z.enum(Object.keys(HOST_COMMANDS) as [HostCommandName, ...HostCommandName[]]),
  commands: z.array(hostCommandSchema),
  /** So many run at the same time; all, if not said. */
  atOnce: z.int().min(1).optional(),
  execution: textSchema(TEXT_RULES.execution),
  /** When the execution entered this phase: the same each time that the step is asked again, and another for each phase. */
  visit: z.iso.datetime(),
  /** How often it was asked before. */
  attempt: z.int().min(0),
});
export type RunHostCommands = z.output<typeof runHostCommandsInput>;

/** The result of a command on one host. {@link reportOf} has the shape that each command's result has. */
export interface HostReport {
  member: string;
  host: string;
  /** Null where it failed; or what it had changed before that, as far as its script says so. */
  result: unknown;
  /** The error's name and message; empty where it ended well. */
  error: string;
  problem: string;
}

export interface HostReports {
  /** In the order of the commands. */
  reports: HostReport[];
  /** The name of the first error; empty where all ended well. */
  failed: string;
  /** `node1: HostCommandFailed...`, a line for each host on which the command failed. */
  problems: string;
  /** What is to be said of it, once for all hosts of which the same is. */
  lines: { members: string; summary: string; failed: boolean }[];
  /** The lines, as one text. */
  summary: string;
}

/** The error that says: ask again. It is none of the taxonomy, for the state that runs the step goes on asking. */
export const STILL_RUNNING = 'HostCommandRunning';
