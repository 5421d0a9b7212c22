import * as z from 'zod';
import { stateMachineArn } from '../asl/arn.ts';
import type { JsonValue } from '../asl/json.ts';
import type { Execution, Executions, Observer } from '../executions.ts';
import type { TaskTokens } from '../task-tokens.ts';
import { AwsError } from './aws-error.ts';
import type { Operation } from './iam.ts';
import { parseRequest } from './ssm-requests.ts';

/** What may have happened of an execution; PENDING_REDRIVE is of a feature that is not there. */
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html: further letters are taken, and not logged. */
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;
const MAX_RESULTS = 1000;
const DEFAULT_RESULTS = 100;

const paged = { maxResults: z.int().min(0).max(MAX_RESULTS).default(0), nextToken: z.string().optional() };
const schemas = {
  StartExecution: z.strictObject({
    stateMachineArn: z.string(),
    name: z.string().optional(),
    input: z.string().default('{}'),
  }),
  StopExecution: z.strictObject({
    executionArn: z.string(),
    error: z.string().max(256).default(''),
    cause: z.string().max(32_768).default(''),
  }),
  DescribeExecution: z.strictObject({ executionArn: z.string() }),
  ListExecutions: z.strictObject({ stateMachineArn: z.string(), statusFilter: z.enum(STATUSES).optional(), ...paged }),
  GetExecutionHistory: z.strictObject({
    executionArn: z.string(),
    reverseOrder: z.boolean().default(false),
    includeExecutionData: z.literal(true).default(true),
    ...paged,
  }),
  SendTaskSuccess: z.strictObject({ taskToken: z.string(), output: z.string() }),
  SendTaskFailure: z.strictObject({
    taskToken: z.string(),
    error: z.string().max(256).default(''),
    cause: z.string().max(32_768).default(''),
  }),
};

export interface StepFunctionsBackend {
  /** The names of the synthesized state machines. */
  stateMachines: readonly string[];
  executions: () => Executions;
  tokens: TaskTokens;
  /** Who is told of what is started here, for nobody waits for it. */
  observe?: (stateMachineName: string, input: JsonValue) => Observer;
}

/**
 * What the embedded platform knows of Step Functions' API, of the synthesized state machines.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
 */
export function stepFunctions({
  stateMachines,
  executions,
  tokens,
  observe = () => ({}),
}: StepFunctionsBackend): Record<string, Operation> {
  const machineOf = (arn: string): string => {
    const name = stateMachines.find((each) => stateMachineArn(each) === arn);
    if (name === undefined) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return name;
  };
  const executionOf = (arn: string): Execution => {
    const found = executions().find(arn);
    if (!found) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return found;
  };
  const operations = {
    StartExecution: ({ stateMachineArn: machine, name, input }: z.output<typeof schemas.StartExecution>) => {
      const stateMachineName = machineOf(machine);
      if (name !== undefined && !NAME.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
      const known = executions()
        .of(stateMachineName)
        .find((each) => each.name === name);
      const parsed = parseInput(input);
      if (known) {
        // The same start again is one start, while it runs.
        const isSame = known.result === undefined && JSON.stringify(known.input) === JSON.stringify(parsed);
        if (!isSame) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${known.arn}'`);
        return { executionArn: known.arn, startDate: known.startedAt / 1000 };
      }
      const { arn, startedAt } = executions().start({
        stateMachineName,
        input: parsed,
        observer: observe(stateMachineName, parsed),
        ...(name !== undefined && { name }),
      });
      return { executionArn: arn, startDate: startedAt / 1000 };
    },
    StopExecution: async ({ executionArn, error, cause }: z.output<typeof schemas.StopExecution>) => {
      const execution = executionOf(executionArn);
      execution.stop(error, cause);
      await execution.ended;
      return { stopDate: (execution.endedAt ?? Date.now()) / 1000 };
    },
    DescribeExecution: ({ executionArn }: z.output<typeof schemas.DescribeExecution>) => {
      const execution = executionOf(executionArn);
      const { result, input } = execution;
      return {
        ...summaryOf(execution),
        input: JSON.stringify(input),
        inputDetails: { included: true },
        ...(result?.status === 'SUCCEEDED' && {
          output: JSON.stringify(result.output),
          outputDetails: { included: true },
        }),
        ...(result && result.status !== 'SUCCEEDED' && { error: result.error, cause: result.cause }),
      };
    },
    ListExecutions: ({ stateMachineArn: machine, statusFilter, ...page }: z.output<typeof schemas.ListExecutions>) => {
      const all = executions().of(machineOf(machine)).map(summaryOf);
      const { items, ...rest } = pageOf(
        all.filter(({ status }) => statusFilter === undefined || status === statusFilter),
        page,
      );
      return { executions: items, ...rest };
    },
    GetExecutionHistory: ({ executionArn, reverseOrder, ...page }: z.output<typeof schemas.GetExecutionHistory>) => {
      const { events } = executionOf(executionArn);
      const { items, ...rest } = pageOf(reverseOrder ? events.toReversed() : events, page);
      return { events: items.map((event) => ({ ...event, timestamp: Number(event.timestamp) / 1000 })), ...rest };
    },
    SendTaskSuccess: ({ taskToken, output }: z.output<typeof schemas.SendTaskSuccess>) =>
      requireAnswered(tokens.succeed(taskToken, parseOutput(output))),
    SendTaskFailure: ({ taskToken, error, cause }: z.output<typeof schemas.SendTaskFailure>) =>
      requireAnswered(tokens.fail(taskToken, error, cause)),
  };
  return Object.fromEntries(
    Object.entries(operations).map(([name, operate]) => [
      `AWSStepFunctions.${name}`,
      (request: Record<string, unknown>) =>
        (operate as (parsed: unknown) => unknown)(parseRequest(schemas[name as keyof typeof schemas], request)),
    ]),
  );
}

function summaryOf({ arn, stateMachineName, name, startedAt, endedAt, result }: Execution) {
  return {
    executionArn: arn,
    stateMachineArn: stateMachineArn(stateMachineName),
    name,
    status: result?.status ?? ('RUNNING' as const),
    startDate: startedAt / 1000,
    ...(endedAt !== undefined && { stopDate: endedAt / 1000 }),
  };
}

function pageOf<Item>(
  items: readonly Item[],
  { maxResults, nextToken = '0' }: { maxResults: number; nextToken?: string | undefined },
): { items: Item[]; nextToken?: string } {
  const begin = Number(nextToken);
  if (!/^\d+$/.test(nextToken) || (begin > 0 && begin >= items.length)) {
    throw new AwsError('InvalidToken', `Invalid Token: '${nextToken}'`);
  }
  const end = begin + (maxResults || DEFAULT_RESULTS);
  return { items: items.slice(begin, end), ...(end < items.length && { nextToken: String(end) }) };
}

function parseInput(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${text}'`);
  }
}

function parseOutput(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('InvalidOutput', `Invalid Output: '${text}'`);
  }
}

function requireAnswered(answered: ReturnType<TaskTokens['succeed']>): Record<string, never> {
  if (answered === 'Unknown') throw new AwsError('InvalidToken', "Invalid Token: 'Invalid token'");
  if (answered === 'Gone') {
    throw new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }
  return {};
}
