import { executionArn, stateMachineArn } from './asl/arn.ts';
import { ExecutionError } from './asl/errors.ts';
import { isObject, type JsonValue } from './asl/json.ts';
import type { TaskHandler } from './asl/types.ts';
import { AwsError } from './aws/aws-error.ts';
import type { Operation } from './aws/iam.ts';
import { type Page, publishTo } from './aws/sns.ts';
import type { Execution, Executions, Observer, StartRequest } from './executions.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { TaskTokens } from './task-tokens.ts';

const LAMBDA_INVOKE = 'arn:aws:states:::lambda:invoke';
const SNS_PUBLISH = 'arn:aws:states:::sns:publish';
const START_EXECUTION = 'arn:aws:states:::states:startExecution';
const RUN_EXECUTION = `${START_EXECUTION}.sync:2`;
const DESCRIBE_EXECUTION = 'arn:aws:states:::aws-sdk:sfn:describeExecution';

export interface TaskParts {
  lambdas: Pick<LambdaHost, 'invoke'>;
  topics: readonly string[];
  onPage: (page: Page) => void;
  dynamoDb: Readonly<Record<string, TaskHandler>>;
  executions: () => Executions;
  /** Starts an execution that goes on by itself. */
  start: (request: StartRequest) => Execution;
  tokens: TaskTokens;
  /** Step Functions' API. */
  states: Readonly<Record<string, Operation>>;
}

/** What the Task states of an execution may do, by their resource. */
export function tasksOf(parts: TaskParts, observer: Observer): Readonly<Record<string, TaskHandler>> {
  const { lambdas, topics, onPage, dynamoDb, tokens } = parts;
  return {
    [LAMBDA_INVOKE]: async (args, { signal }) => {
      const { FunctionName, Payload } = args as { FunctionName: string; Payload: unknown };
      return {
        ExecutedVersion: '$LATEST',
        Payload: (await lambdas.invoke(FunctionName, Payload, signal)) as JsonValue,
        StatusCode: 200,
      };
    },
    [SNS_PUBLISH]: publishTo(topics, onPage),
    ...dynamoDb,
    ...Object.fromEntries(
      Object.entries(dynamoDb).map(([resource, call]) => [
        `${resource}.waitForTaskToken`,
        async (args: JsonValue, task: Parameters<TaskHandler>[1]) => {
          // Waited for before the call: an answer may come before the call has returned.
          const token = task.context.Task?.Token ?? '';
          const answer = tokens.wait(token, task.signal);
          answer.catch(() => undefined);
          task.submitted((await call(args, task)) as JsonValue);
          observer.onWait?.((output) => tokens.succeed(token, output));
          return answer;
        },
      ]),
    ),
    [RUN_EXECUTION]: (args, { signal, submitted }) => runNested(parts, args, observer, { signal, submitted }),
    [START_EXECUTION]: async (args) => {
      const { arn, startedAt } = parts.start(startRequest(parts, args));
      return { ExecutionArn: arn, StartDate: startedAt };
    },
    [DESCRIBE_EXECUTION]: async (args) => {
      const describe = parts.states['AWSStepFunctions.DescribeExecution'] as Operation;
      try {
        const { ExecutionArn, ...others } = args as { ExecutionArn: string };
        return asSdkResult(await describe({ executionArn: ExecutionArn, ...others }));
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        throw new ExecutionError(`Sfn.${error.type}Exception`, error.message);
      }
    },
  };
}

/**
 * An execution in an execution: its output is parsed, its failure is this task's, and it is stopped with the one around it.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
async function runNested(
  parts: TaskParts,
  args: JsonValue,
  observer: Observer,
  { signal, submitted }: Pick<Parameters<TaskHandler>[1], 'signal' | 'submitted'>,
): Promise<JsonValue> {
  const request = startRequest(parts, args);
  const nested = parts.executions().start({
    ...request,
    observer: observer.onNested?.(request.stateMachineName, request.input) ?? {},
    signal,
  });
  submitted({ ExecutionArn: nested.arn, StartDate: nested.startedAt });
  const result = await nested.ended;
  signal.throwIfAborted();
  const described = describe(nested);
  if (result.status === 'SUCCEEDED') return { ...described, Output: result.output };
  throw new ExecutionError(
    'States.TaskFailed',
    JSON.stringify({ ...described, Error: result.error, Cause: result.cause }),
  );
}

/** @throws ExecutionError as Step Functions refuses to start one */
function startRequest({ executions }: TaskParts, args: JsonValue): StartRequest {
  const { StateMachineArn, Name, Input = {}, ...others } = isObject(args) ? args : {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new ExecutionError('States.Runtime', `This platform does not know ${unknown}.`);
  const stateMachineName = String(StateMachineArn).split(':').at(-1) ?? '';
  if (stateMachineArn(stateMachineName) !== StateMachineArn) {
    throw new ExecutionError('StepFunctions.StateMachineDoesNotExistException', `There is no ${StateMachineArn}.`);
  }
  const name = Name === undefined ? undefined : String(Name);
  if (
    executions()
      .of(stateMachineName)
      .some((each) => each.name === name)
  ) {
    throw new ExecutionError('StepFunctions.ExecutionAlreadyExistsException', `Execution Already Exists: '${name}'`);
  }
  return { stateMachineName, input: Input, ...(name !== undefined && { name }) };
}

function describe({ stateMachineName, name, input, startedAt, endedAt, result }: Execution) {
  return {
    ExecutionArn: executionArn(stateMachineName, name),
    Input: JSON.stringify(input),
    Name: name,
    StartDate: startedAt,
    StateMachineArn: stateMachineArn(stateMachineName),
    Status: result?.status ?? 'RUNNING',
    ...(endedAt !== undefined && { StopDate: endedAt }),
  };
}

/** Step Functions hands on what the SDK returns with names that begin in upper case. */
function asSdkResult(result: unknown): JsonValue {
  return Object.fromEntries(
    Object.entries(result as Record<string, JsonValue>).map(([name, value]) => [
      `${name[0]?.toUpperCase()}${name.slice(1)}`,
      value,
    ]),
  );
}
