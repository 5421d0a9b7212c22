import { Logger } from '@aws-lambda-powertools/logger';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { AWS_CLIENT } from '../../client/aws.ts';
import { deployedCommands } from '../../client/deployed-commands.ts';
import { readRemediation } from '../../client/recorded.ts';
import { AwsUnavailable } from '../../core/errors.ts';
import { REPORTS_PREFIX, reportPlaces } from '../../core/text/names.ts';
import { parse } from '../../core/text/parse.ts';
import { makeReport } from '../../report/make-report.ts';
import { measureDetection, measureRemediation, measureUnderWay } from '../../report/metrics.ts';
import { renderPage } from '../../report/page/page.ts';
import { logMetrics } from '../embedded-metrics.ts';

const logger = new Logger({ serviceName: 'etcd-remediation' });
const states = new SFNClient(AWS_CLIENT);
const bucket = new S3Client(AWS_CLIENT);

const eventSchema = z.union([
  /** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
  z.object({ detail: z.object({ executionArn: z.string(), status: z.string(), input: z.string().nullish() }) }),
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
  z.object({
    detail: z.object({
      alarmName: z.string(),
      state: z.object({ timestamp: z.string(), reasonData: z.string().optional() }),
    }),
  }),
]);

/**
 * Makes the report of a remediation whose end EventBridge tells, and measures what became of it; of one that begins, that it is under way; and of an
 * alarm that was raised, how long that took.
 * @throws Problem `unavailable`, AwsUnavailable: then it is told again
 */
export async function handler(event: unknown): Promise<{ outcome: string }> {
  const { detail } = parse(eventSchema, event, 'The event');
  if (!('executionArn' in detail)) {
    logMetrics(measureDetection({ ...detail, ...detail.state }));
    return { outcome: 'Measured' };
  }
  const { executionArn, status, input } = detail;
  if (status === 'RUNNING') {
    logMetrics(measureUnderWay(input, 1));
    return { outcome: 'Measured' };
  }
  const outcome = await reportOn(executionArn);
  // Last, for what fails is run again.
  logMetrics(measureUnderWay(input, -1));
  return { outcome };
}

async function reportOn(executionArn: string): Promise<string> {
  const recorded = await readRemediation(states, executionArn);
  if (recorded.entry.end.status === 'RUNNING') {
    throw new AwsUnavailable(
      `Step Functions still describes ${executionArn} as running, although it has sent the event of its end.`,
    );
  }
  const report = makeReport({ ...recorded, commands: deployedCommands(), now: new Date() });
  // The other remediation has a report of its own.
  if (report.outcome === 'AlreadyInProgress') return 'NothingToDo';
  const { page, data } = reportPlaces(REPORTS_PREFIX, report.id);
  await put(data, JSON.stringify(report), 'application/json');
  await put(page, renderPage(report), 'text/html; charset=utf-8');
  const { dryRun } = Object(recorded.entry.input);
  if (dryRun !== true) logMetrics(measureRemediation(report));
  logger.info('The report is made.', {
    cluster: report.cluster,
    execution: report.id,
    result: { outcome: report.outcome },
  });
  return 'Made';
}

async function put(Key: string, Body: string, ContentType: string): Promise<void> {
  await bucket.send(new PutObjectCommand({ Bucket: process.env.REPORTS_BUCKET, Key, Body, ContentType }));
}
