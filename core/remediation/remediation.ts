import * as z from 'zod';
import { alarmedCluster } from '../diagnosis/detection.ts';
import { InvalidInput } from '../errors.ts';
import { anyInput } from '../runbook/execution-input.ts';
import { type ExecutionInput, executionInputSchemas, INCIDENTS, type Incident, isIncident } from '../runbooks.ts';
import { parse } from '../text/parse.ts';

/**
 * A remediation: one execution of the entry workflow, which finds out what is wrong with a cluster and lets the runbooks remediate it, one after
 * the other. Its ID is the execution's name.
 */

/** Who has requested a remediation that an alarm has started, in its record. What makes it an alarm's is {@link alarmInputSchema}. */
const BY_ALARM = 'cloudwatch';

/** An execution's name as our runbooks take it, for what they move aside on hosts is named after it. */
export const remediationIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/, {
  error: 'must be 1 to 80 letters, digits, "-" or "_", and start with a letter or digit',
});

/** For a person who typed a wrong one into a console. */
export const RIGHT_INPUTS =
  'A right input: {"cluster":"orders"}, which diagnoses the cluster first. With more: ' +
  '{"cluster":"orders","incident":"member-failed","member":"node3","dryRun":true,"reason":"INC-1234","requestedBy":"you"}.';

/** No incident given: the diagnosis decides which runbook runs, so fields of one runbook are rejected. */
const undiagnosedSchema = z.strictObject({
  ...anyInput.shape,
  member: ofOneRunbook(),
  parameters: ofOneRunbook(),
});

function ofOneRunbook() {
  return z.undefined({ error: 'is for one runbook: say with "incident" which' }).optional();
}

/** What starts a remediation: `{"cluster":"orders"}` and optionally the rest. */
export type RemediationInput = ExecutionInput | z.output<typeof undiagnosedSchema>;

/**
 * The input from the alarm rule, and from the release of a lock that an alarm found taken. The API, the command line and the
 * Automation document do not accept it. A caller of the state machine itself can write it too, so it asks for nothing but what an alarm asks for.
 * The rule knows the alarm's name alone, by which it is one of a cluster.
 */
const alarmInputSchema = z.strictObject({
  cluster: undiagnosedSchema.shape.cluster.optional(),
  incident: z.enum(INCIDENTS).optional(),
  /** The alarm's name. */
  alarm: z.string().min(1, { error: 'must be the name of an alarm' }).max(255),
});

/** The input from the schedule of a cluster's maintenance. What it may do is in the cluster's configuration alone: see ./maintenance.ts. */
const maintenanceInputSchema = z.strictObject({
  cluster: undiagnosedSchema.shape.cluster,
  maintenance: z.literal(true, { error: 'must be true: it is what the schedule of a maintenance window says' }),
});

/** What started an execution of the entry workflow. */
export interface Started {
  request: RemediationInput;
  /** The alarm that started it; empty where a person or a program did. */
  alarm: string;
  /** Whether a maintenance window has. */
  maintenance: boolean;
}

/** @throws InvalidInput with every problem */
export function parseStart(value: unknown): Started {
  if (typeof value === 'object' && value !== null && 'maintenance' in value) {
    const { cluster } = parse(maintenanceInputSchema, value, 'The input of a maintenance window');
    return { request: parseRemediationInput({ cluster }), alarm: '', maintenance: true };
  }
  if (typeof value !== 'object' || value === null || !('alarm' in value)) {
    return { request: parseRemediationInput(value), alarm: '', maintenance: false };
  }
  const { alarm, ...given } = parse(alarmInputSchema, value, 'The input of an alarm');
  const named = given.cluster === undefined ? alarmedCluster(alarm) : given;
  if (!named) {
    throw new InvalidInput(
      `The alarm "${alarm}" names no cluster: only an alarm that is called "etcd-remediation/CLUSTER/..." is about one. Give it such a name.`,
    );
  }
  return {
    request: parseRemediationInput({ ...named, reason: `alarm ${alarm}`, requestedBy: BY_ALARM }),
    alarm,
    maintenance: false,
  };
}

/** @throws InvalidInput with every problem */
export function parseRemediationInput(value: unknown): RemediationInput {
  return parse(schemaFor(value), value, 'The execution input');
}

function schemaFor(value: unknown): z.ZodType<RemediationInput> {
  const incident = (value as { incident?: unknown } | null)?.incident;
  if (incident === undefined) return undiagnosedSchema;
  if (isIncident(String(incident))) return executionInputSchemas[incident as Incident];
  return z.looseObject({ incident: z.enum(INCIDENTS) }) as unknown as z.ZodType<RemediationInput>;
}
