import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { AWS_CLIENT } from '../../client/aws.ts';
import { deployedCommands } from '../../client/deployed-commands.ts';
import { readRemediation } from '../../client/recorded.ts';
import { Problem } from '../../core/api/problems.ts';
import { type Deployment, remediationArn, reportPlaces } from '../../core/text/names.ts';
import { parse } from '../../core/text/parse.ts';
import { type IncidentReport, incidentReportSchema } from '../../report/incident-report.ts';
import { makeReport } from '../../report/make-report.ts';
import { withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';

/**
 * The report of a remediation of what is deployed: made of what Step Functions keeps, or, where it has forgotten that, the one that was made then.
 * @throws Problem `unknown-remediation` where there is neither; `unavailable`
 */
export async function deployedReport(id: string, flags: DeployedFlags): Promise<IncidentReport> {
  return withDeployment(flags, async (deployment) => {
    try {
      const recorded = await readRemediation(new SFNClient(AWS_CLIENT), remediationArn(deployment, id));
      const commands = deployedCommands((...args) => typedNext(flags, ...args));
      return makeReport({ ...recorded, commands, now: new Date() });
    } catch (error) {
      if (!(error instanceof Problem && error.name === 'unknown-remediation')) throw error;
      const kept = await keptReport(deployment, id);
      if (!kept) throw error;
      return kept;
    }
  });
}

/** Without the permission to list the bucket, a missing object is answered as a refusal. */
const NOT_THERE = ['NoSuchKey', 'AccessDenied'];

async function keptReport({ reports }: Deployment, id: string): Promise<IncidentReport | undefined> {
  const { data } = reportPlaces(reports, id);
  const { hostname: Bucket, pathname } = new URL(data);
  try {
    const { Body } = await new S3Client(AWS_CLIENT).send(new GetObjectCommand({ Bucket, Key: pathname.slice(1) }));
    return parse(incidentReportSchema, JSON.parse((await Body?.transformToString()) ?? ''), data);
  } catch (error) {
    if (NOT_THERE.includes((error as Error).name)) return undefined;
    throw error;
  }
}
