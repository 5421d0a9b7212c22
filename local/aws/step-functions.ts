import * as z from 'zod';
import { executionArn, stateMachineArn } from '../asl/arn.ts';
import type { JsonValue } from '../asl/json.ts';
import { AwsError, type Operation } from './endpoint.ts';
import { parseRequest } from './ssm-requests.ts';

/** An execution that has not ended. */
export interface RunningExecution {
  stateMachineName: string;
  name: string;
  input: JsonValue;
  /** Milliseconds since 1970. */
  startedAt: number;
}

const listExecutionsSchema = z.strictObject({ stateMachineArn: z.string(), statusFilter: z.literal('RUNNING') });
const describeExecutionSchema = z.strictObject({ executionArn: z.string() });

/** What the embedded platform knows of Step Functions' API: which executions run, of the synthesized state machines. */
export function stepFunctions(
  stateMachines: readonly string[],
  running: () => readonly RunningExecution[],
): Record<string, Operation> {
  return {
    'AWSStepFunctions.ListExecutions': (request) => {
      const asked = parseRequest(listExecutionsSchema, request).stateMachineArn;
      const stateMachineName = stateMachines.find((name) => stateMachineArn(name) === asked);
      if (stateMachineName === undefined)
        throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${asked}'`);
      return {
        executions: running()
          .filter((each) => each.stateMachineName === stateMachineName)
          .map(describe),
      };
    },
    'AWSStepFunctions.DescribeExecution': (request) => {
      const asked = parseRequest(describeExecutionSchema, request).executionArn;
      const found = running().find((each) => arnOf(each) === asked);
      if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${asked}'`);
      return { ...describe(found), input: JSON.stringify(found.input) };
    },
  };
}

function describe(execution: RunningExecution) {
  const { stateMachineName, name, startedAt } = execution;
  return {
    executionArn: arnOf(execution),
    stateMachineArn: stateMachineArn(stateMachineName),
    name,
    status: 'RUNNING',
    startDate: startedAt / 1000,
  };
}

function arnOf({ stateMachineName, name }: RunningExecution): string {
  return executionArn(stateMachineName, name);
}
