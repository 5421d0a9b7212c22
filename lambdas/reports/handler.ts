import { Logger } from '@aws-lambda-powertools/logger';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { AWS_CLIENT } from '../../client/aws.ts';
import { deployedCommands } from '../../client/deployed-commands.ts';
import { readRemediation } from '../../client/recorded.ts';
import { AwsUnavailable } from '../../core/errors.ts';
import { makeReport } from '../../core/incident-report/make-report.ts';
import { renderPage } from '../../core/incident-report/page/page.ts';
import { REPORTS_PREFIX, reportPlaces } from '../../core/incident-report/places.ts';
import { parse } from '../../core/text/parse.ts';

const logger = new Logger({ serviceName: 'etcd-remediation' });
const states = new SFNClient(AWS_CLIENT);
const bucket = new S3Client(AWS_CLIENT);

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const eventSchema = z.object({ detail: z.object({ executionArn: z.string() }) });

/**
 * Makes the report of a remediation whose end EventBridge tells.
 * @throws Problem `unavailable`, AwsUnavailable: then it is told again
 */
export async function handler(event: unknown): Promise<{ outcome: string }> {
  const { executionArn } = parse(eventSchema, event, 'The event').detail;
  const recorded = await readRemediation(states, executionArn);
  if (recorded.entry.end.status === 'RUNNING') {
    throw new AwsUnavailable(
      `Step Functions still describes ${executionArn} as running, although it has sent the event of its end.`,
    );
  }
  const report = makeReport({ ...recorded, commands: deployedCommands(), now: new Date() });
  // The other remediation has a report of its own.
  if (report.outcome === 'AlreadyInProgress') return { outcome: 'NothingToDo' };
  const { page, data } = reportPlaces(REPORTS_PREFIX, report.id);
  await put(data, JSON.stringify(report), 'application/json');
  await put(page, renderPage(report), 'text/html; charset=utf-8');
  logger.info('The report is made.', {
    cluster: report.cluster,
    execution: report.id,
    result: { outcome: report.outcome },
  });
  return { outcome: 'Made' };
}

async function put(Key: string, Body: string, ContentType: string): Promise<void> {
  await bucket.send(new PutObjectCommand({ Bucket: process.env.REPORTS_BUCKET, Key, Body, ContentType }));
}
