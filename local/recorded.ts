import { executionStartedBy } from '../core/remediation/started-execution.ts';
import type { RecordedEnd, RecordedExecution } from '../report/recorded.ts';
import type { ExecutionResult } from './asl/execution.ts';
import type { Execution, Executions } from './executions.ts';

/** An execution of this process, as a report reads it. */
export function recordedExecution(execution: Execution): RecordedExecution {
  const { arn, name, stateMachineName, input, startedAt, endedAt, result, events } = execution;
  return {
    ...{ arn, name, stateMachineName, input, events },
    startedAt: new Date(startedAt),
    endedAt: endedAt === undefined ? null : new Date(endedAt),
    end: endOf(result),
  };
}

/** A remediation, and the runbooks that it has run. */
export function recordedRemediation(
  entry: Execution,
  executions: Pick<Executions, 'find'>,
): { entry: RecordedExecution; runbooks: RecordedExecution[] } {
  const runbooks = entry.events.flatMap((event) => {
    const started = executions.find(executionStartedBy(event) ?? '');
    // It may have started another remediation, for an alarm that came meanwhile.
    return started && started.stateMachineName !== entry.stateMachineName ? [recordedExecution(started)] : [];
  });
  return { entry: recordedExecution(entry), runbooks };
}

function endOf(result: ExecutionResult | undefined): RecordedEnd {
  if (result === undefined) return { status: 'RUNNING', error: '', cause: '' };
  if (result.status === 'SUCCEEDED') return { status: result.status, output: result.output };
  const { status, error, cause } = result;
  return { status, error, cause };
}
