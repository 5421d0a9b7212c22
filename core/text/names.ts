import * as z from 'zod';

/** Of what is found by its name: every such name has this in it once. */
const PLATFORM = /etcd-?remediation/i;

/** A name as it is where the configuration has a prefix, so that a second platform fits beside the first: `blue-etcd-remediation-pages`. */
export function withPrefix(name: string, prefix = ''): string {
  return prefix === '' ? name : name.replace(PLATFORM, (platform) => `${prefix}-${platform}`);
}

/** The entry workflow's state machine. */
export const ENTRY_STATE_MACHINE = 'etcd-remediation';

/** The SSM parameter by which callers find what is deployed: a {@link Deployment} as JSON. */
export const DEPLOYMENT_PARAMETER = '/etcd-remediation/deployment';

export const deploymentSchema = z.object({
  stateMachineArn: z.string(),
  /** The table of `core/remediation/remediation-items.ts`. */
  tableName: z.string(),
  diagnoseFunction: z.string(),
  /** That of the step `list-backups`. */
  backupsFunction: z.string(),
  /** The folder of the reports, see {@link reportsIn}. */
  reports: z.string(),
});

export type Deployment = z.output<typeof deploymentSchema>;

/** The execution of a remediation. */
export function remediationArn({ stateMachineArn }: Deployment, id: string): string {
  return executionArn(stateMachineArn, id);
}

/** `...:stateMachine:NAME` -> `...:execution:NAME:ID`. */
export function executionArn(stateMachineArn: string, id: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${id}`;
}

/** Another state machine of the same deployment: beside the entry workflow, `...:stateMachine:etcd-remediation`, whose name may have a prefix. */
export function stateMachineBeside({ stateMachineArn }: Deployment, name: string): string {
  return stateMachineArn.replace(/etcd-remediation$/, name);
}

/** Where the reports of one deployment lie: below this in its bucket. */
export const REPORTS_PREFIX = 'remediations/';

/** `s3://BUCKET/remediations/` */
export function reportsIn(bucket: string): string {
  return `s3://${bucket}/${REPORTS_PREFIX}`;
}

/** @param folder where reports lie, with the slash that ends it */
export function reportPlaces(folder: string, id: string): { page: string; data: string } {
  return { page: `${folder}${id}.html`, data: `${folder}${id}.json` };
}
