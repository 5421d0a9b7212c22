import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { Problem } from '../core/api/problems.ts';
import { executionStartedBy } from '../core/remediation/started-execution.ts';
import type { RecordedEnd, RecordedExecution } from '../report/recorded.ts';
import { answerOf } from './aws-answers.ts';

/**
 * A remediation and the runbooks that it has run, as Step Functions keeps them. What it does not keep any more is left out.
 * @throws Problem `unknown-remediation` where the remediation itself is not kept; `unavailable`
 */
export async function readRemediation(
  client: SFNClient,
  executionArn: string,
): Promise<{ entry: RecordedExecution; runbooks: RecordedExecution[] }> {
  const entry = await readExecution(client, executionArn);
  if (!entry) {
    const id = executionArn.split(':').at(-1);
    throw new Problem(
      'unknown-remediation',
      `There is no remediation "${id}": none was started under this ID, or it ended more than 90 days ago.`,
    );
  }
  const runbooks: RecordedExecution[] = [];
  for (const event of entry.events) {
    const started = executionStartedBy(event);
    // It may have started another remediation, for an alarm that came meanwhile.
    if (started === undefined || machineOf(started) === entry.stateMachineName) continue;
    const runbook = await readExecution(client, started);
    if (runbook) runbooks.push(runbook);
  }
  return { entry, runbooks };
}

async function readExecution(client: SFNClient, executionArn: string): Promise<RecordedExecution | undefined> {
  const described = await answerOf<DescribeExecutionOutput | undefined>(
    client.send(new DescribeExecutionCommand({ executionArn })),
    { ExecutionDoesNotExist: () => undefined },
  );
  if (!described) return undefined;
  const { startDate = new Date(0), stopDate, input = '{}' } = described;
  return {
    arn: executionArn,
    name: executionArn.split(':').at(-1) ?? '',
    stateMachineName: machineOf(executionArn),
    input: JSON.parse(input),
    startedAt: startDate,
    endedAt: stopDate ?? null,
    end: endOf(described),
    events: await historyOf(client, executionArn),
  };
}

/** All events, in order. @throws Problem `unavailable` */
export async function historyOf(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const pages = paginateGetExecutionHistory({ client }, { executionArn, maxResults: 1000 });
  const events: HistoryEvent[] = [];
  const next = () => answerOf(pages.next());
  for (let page = await next(); !page.done; page = await next()) events.push(...(page.value.events ?? []));
  return events;
}

function endOf({ status = 'FAILED', output, error = '', cause = '' }: DescribeExecutionOutput): RecordedEnd {
  if (status === 'SUCCEEDED') return { status, output: JSON.parse(output ?? '{}') };
  return { status: status === 'PENDING_REDRIVE' ? 'RUNNING' : status, error, cause };
}

/** `arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME` -> `MACHINE` */
function machineOf(executionArn: string): string {
  return executionArn.split(':').at(-2) ?? '';
}
