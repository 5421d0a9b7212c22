import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import type { HashReading } from '../cluster/compared-hashes.ts';
import type { RaisedAlarm } from '../cluster/observation.ts';
import type { Condemned } from '../member-replacement/condemned.ts';
import {
  type MembersAssessment,
  memberParametersSchema,
  type Readings,
  readingsSchema,
} from '../member-replacement/contracts.ts';
import { inputOf } from '../runbook/execution-input.ts';

/** What the steps of the runbook for differing data receive and return. IDs are hex, revisions decimal strings. */

/** What a responder may set: how long to look, and what someone has approved of. */
export const repairParametersSchema = memberParametersSchema.omit({ replacement: true });

export const repairInput = inputOf('data-corrupt', { parameters: repairParametersSchema.prefault({}) });

export const assessDataInput = z.strictObject({
  cluster: clusterSchema,
  parameters: repairParametersSchema,
  readings: readingsSchema,
});
export type AssessData = z.output<typeof assessDataInput>;

/** assess-data: who holds other data than a majority of all voters, and may it be replaced? */
export interface DataAssessment extends Omit<MembersAssessment, 'verdict'> {
  /** `Confirm`: look again later; `Disarm`: all hold the same data, and CORRUPT is raised all the same. */
  verdict: 'Confirm' | 'Replace' | 'Look' | 'Disarm' | 'NothingToDo';
  readings: Readings;
  /** Those that answer, in the order in which they are replaced. */
  condemned: Condemned[];
  /** What was compared. */
  compared: HashReading;
  alarms: RaisedAlarm[];
  /** What the plan says before the steps of the replacement, and behind them. */
  stepsBefore: string[];
  stepsAfter: string[];
  /** Of each member that is condemned; empty before the last reading. */
  differences: Difference[];
}

/** Between which revisions the data of a member began to differ, as far as that was found. */
export interface Divergence {
  /** The last revision at which they were the same; empty where none is known. */
  sameAt: string;
  /** The first revision at which they are known to differ. */
  differentAt: string;
}
export interface Difference extends Divergence {
  member: string;
}

export const disarmCorruptionInput = z.strictObject({ cluster: clusterSchema });
export interface DisarmedCorruption {
  disarmed: RaisedAlarm[];
  revision: string;
}

/** What an approved plan says that a repair is held to. No target: only the alarm was to be disarmed. */
export const approvedRepair = z.looseObject({ targets: z.array(z.string()), removeIds: z.array(z.string()) });
