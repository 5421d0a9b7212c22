import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateMachineArn } from '../../../local/asl/arn.ts';
import type { TaskHandler } from '../../../local/asl/types.ts';
import { type AwsEndpoint, serveAwsEndpoint } from '../../../local/aws/endpoint.ts';
import { stepFunctions } from '../../../local/aws/step-functions.ts';
import { Executions } from '../../../local/executions.ts';
import { TaskTokens } from '../../../local/task-tokens.ts';
import { waitFor } from '../../run/wait-for.ts';
import { machine, result } from '../asl/harness.ts';

const KEY = 'LOCALKEY';
const ASK = 'arn:aws:states:::test:ask.waitForTaskToken';
const ECHO = stateMachineArn('echo');
const ASKING = stateMachineArn('asking');

/** Small machines: one that ends at once, one that waits for an answer, one that fails. */
const MACHINES = {
  echo: machine({ Echo: result('{% $states.input %}') }),
  asking: machine({
    Ask: { Type: 'Task', Resource: ASK, Arguments: '{% $states.context.Task.Token %}', End: true },
  }),
  failing: machine({ Fail: { Type: 'Fail', Error: 'PreconditionFailed', Cause: 'No.' } }),
};

let endpoint: AwsEndpoint;
let client: SFNClient;
/** The tokens of those that wait, in order. */
const asked: string[] = [];

beforeAll(async () => {
  const tokens = new TaskTokens();
  const ask: TaskHandler = (args, { signal }) => {
    asked.push(String(args));
    return tokens.wait(String(args), signal);
  };
  const executions = new Executions({
    stateMachines: MACHINES,
    tasksFor: () => ({ [ASK]: ask }),
    onStart: () => undefined,
    onEnd: () => undefined,
  });
  const stateMachines = Object.keys(MACHINES);
  endpoint = await serveAwsEndpoint(stepFunctions({ stateMachines, executions: () => executions, tokens }), KEY);
  client = clientWith(KEY);
});
afterAll(async () => {
  client.destroy();
  await endpoint.close();
});

function clientWith(accessKeyId: string): SFNClient {
  const credentials = { accessKeyId, secretAccessKey: 'any' };
  return new SFNClient({ endpoint: endpoint.url, region: 'local', credentials, maxAttempts: 1 });
}

async function start(arn: string, name?: string, input?: string): Promise<string> {
  const command = new StartExecutionCommand({ stateMachineArn: arn, ...(name && { name }), ...(input && { input }) });
  return (await client.send(command)).executionArn ?? '';
}

function describeOf(executionArn: string) {
  return client.send(new DescribeExecutionCommand({ executionArn }));
}

/** Waits until it has ended. */
async function end(executionArn: string) {
  return waitFor(async () => {
    const described = await describeOf(executionArn);
    expect(described.status).not.toBe('RUNNING');
    return described;
  });
}

/** An execution that waits for an answer, and its token. */
async function askingExecution(name?: string): Promise<{ arn: string; token: string }> {
  const before = asked.length;
  const arn = await start(ASKING, name);
  await waitFor(() => expect(asked.length).toBeGreaterThan(before));
  return { arn, token: asked[before] ?? '' };
}

describe('a start', () => {
  it('is answered with the execution and since when it runs, and given a name', async () => {
    const since = Date.now();
    const answer = await client.send(new StartExecutionCommand({ stateMachineArn: ECHO, input: '{"a":1}' }));
    expect(answer.executionArn).toMatch(/^arn:aws:states:local:000000000000:execution:echo:[0-9a-f-]{36}$/);
    expect(Math.abs(Number(answer.startDate) - since)).toBeLessThan(60_000);
    expect(await end(answer.executionArn ?? '')).toMatchObject({ status: 'SUCCEEDED', output: '{"a":1}' });
  });

  it('takes {} for no input', async () => {
    expect(await end(await start(ECHO))).toMatchObject({ input: '{}', output: '{}' });
  });

  it('that is made twice is one, while it runs', async () => {
    const name = 'twice';
    const first = await client.send(new StartExecutionCommand({ stateMachineArn: ASKING, name, input: '{"a":1}' }));
    const again = await client.send(new StartExecutionCommand({ stateMachineArn: ASKING, name, input: '{"a":1}' }));
    expect([again.executionArn, again.startDate]).toEqual([first.executionArn, first.startDate]);
    await client.send(new StopExecutionCommand({ executionArn: first.executionArn }));
  });

  it.each(['{"a":2}', '{}'])('under a name that runs with another input is refused: %s', async (input) => {
    const name = `other-${input.length}`;
    const executionArn = await start(ASKING, name, '{"a":1}');
    await expect(start(ASKING, name, input)).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
      message: `Execution Already Exists: '${executionArn}'`,
    });
    await client.send(new StopExecutionCommand({ executionArn }));
  });

  it('under a name that has ended is refused, with the same input as well', async () => {
    await end(await start(ECHO, 'ended', '{"a":1}'));
    await expect(start(ECHO, 'ended', '{"a":1}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  });

  it('under the name of an execution of another state machine is one of its own', async () => {
    const arns = [await start(ECHO, 'same-name'), await start(stateMachineArn('failing'), 'same-name')];
    expect(new Set(arns).size).toBe(2);
  });

  it.each(['a b', 'a/b', 'a:b', '<a>', 'x'.repeat(81), 'a"b'])('is refused under the name %j', async (name) => {
    await expect(start(ECHO, name)).rejects.toMatchObject({ name: 'InvalidName' });
  });

  it.each(['{', 'orders', "{'a':1}"])('is refused with the input %s, which is no JSON', async (input) => {
    await expect(start(ECHO, 'no-json', input)).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
    await expect(describeOf(`${ECHO.replace('stateMachine', 'execution')}:no-json`)).rejects.toThrow();
  });

  it('of a state machine that is not there is refused', async () => {
    await expect(start(stateMachineArn('other'))).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
  });
});

describe('an execution', () => {
  it('that runs is described so, and has no end', async () => {
    const { arn } = await askingExecution('running');
    const described = await describeOf(arn);
    expect(described).toMatchObject({ status: 'RUNNING', name: 'running', stateMachineArn: ASKING, input: '{}' });
    for (const field of ['stopDate', 'output', 'error', 'cause']) expect(described).not.toHaveProperty(field);
    await client.send(new StopExecutionCommand({ executionArn: arn }));
  });

  it('that has failed is described with error and cause', async () => {
    const described = await end(await start(stateMachineArn('failing')));
    expect(described).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed', cause: 'No.' });
    expect(described).not.toHaveProperty('output');
    expect(Number(described.stopDate)).toBeGreaterThanOrEqual(Number(described.startDate));
  });

  it('that is stopped has ended by the answer, as whoever stopped it said', async () => {
    const { arn } = await askingExecution();
    const { stopDate } = await client.send(
      new StopExecutionCommand({ executionArn: arn, error: 'Mine', cause: 'Enough.' }),
    );
    expect(await describeOf(arn)).toMatchObject({ status: 'ABORTED', error: 'Mine', cause: 'Enough.', stopDate });
  });

  it('that has ended stays as it is when it is stopped', async () => {
    const arn = await start(ECHO);
    const before = await end(arn);
    await client.send(new StopExecutionCommand({ executionArn: arn, error: 'Mine' }));
    expect((await describeOf(arn)).status).toBe(before.status);
  });

  it('that is not there is neither described, nor stopped, nor told of', async () => {
    const executionArn = `${ECHO}:nobody`;
    const refusal = { name: 'ExecutionDoesNotExist', message: `Execution Does Not Exist: '${executionArn}'` };
    await expect(describeOf(executionArn)).rejects.toMatchObject(refusal);
    await expect(client.send(new StopExecutionCommand({ executionArn }))).rejects.toMatchObject(refusal);
    await expect(client.send(new GetExecutionHistoryCommand({ executionArn }))).rejects.toMatchObject(refusal);
  });
});

describe("an execution's history", () => {
  const TYPES = ['ExecutionStarted', 'PassStateEntered', 'PassStateExited', 'ExecutionSucceeded'];

  async function historyOf(executionArn: string, more: object = {}) {
    const { events = [], nextToken } = await client.send(new GetExecutionHistoryCommand({ executionArn, ...more }));
    return { events, types: events.map(({ type }) => type), nextToken };
  }

  it('is told from its start, or from its end', async () => {
    const arn = await start(ECHO);
    await end(arn);
    const { events, types, nextToken } = await historyOf(arn);
    expect(types).toEqual(TYPES);
    expect(nextToken).toBeUndefined();
    expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(events[0]).toMatchObject({ timestamp: expect.any(Date), executionStartedEventDetails: { input: '{}' } });
    expect((await historyOf(arn, { reverseOrder: true })).types).toEqual(TYPES.toReversed());
    expect((await historyOf(arn, { reverseOrder: true, maxResults: 1 })).types).toEqual(['ExecutionSucceeded']);
  });

  it('is told in pages, each event once', async () => {
    const arn = await start(ECHO);
    await end(arn);
    const first = await historyOf(arn, { maxResults: 3 });
    expect(first.types).toEqual(TYPES.slice(0, 3));
    const second = await historyOf(arn, { maxResults: 3, nextToken: first.nextToken });
    expect(second.types).toEqual(TYPES.slice(3));
    expect(second.nextToken).toBeUndefined();
  });

  it.each(['4', '99', '-1', 'x'])('has no page %s', async (nextToken) => {
    const arn = await start(ECHO);
    await end(arn);
    await expect(historyOf(arn, { nextToken })).rejects.toMatchObject({ name: 'InvalidToken' });
  });

  it('is told while it runs', async () => {
    const { arn } = await askingExecution();
    expect((await historyOf(arn, { reverseOrder: true, maxResults: 1 })).types).toEqual(['TaskStarted']);
    await client.send(new StopExecutionCommand({ executionArn: arn }));
  });
});

describe('the list of executions', () => {
  it('is of one state machine, newest first, by status and in pages', async () => {
    for (const name of ['list-1', 'list-2', 'list-3']) await end(await start(stateMachineArn('failing'), name));
    const list = (more: object) =>
      client.send(new ListExecutionsCommand({ stateMachineArn: stateMachineArn('failing'), ...more }));
    const all = (await list({})).executions ?? [];
    expect(all.map(({ name }) => name).slice(0, 3)).toEqual(['list-3', 'list-2', 'list-1']);
    expect(all[0]).toMatchObject({ status: 'FAILED', startDate: expect.any(Date), stopDate: expect.any(Date) });
    expect((await list({ statusFilter: 'RUNNING' })).executions).toEqual([]);
    const { executions, nextToken } = await list({ maxResults: 2, statusFilter: 'FAILED' });
    expect(executions?.map(({ name }) => name)).toEqual(['list-3', 'list-2']);
    expect((await list({ maxResults: 1, nextToken })).executions?.map(({ name }) => name)).toEqual(['list-1']);
  });

  it('is of no state machine that is not there', async () => {
    const command = new ListExecutionsCommand({ stateMachineArn: stateMachineArn('other') });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
  });
});

describe('an answer by a task token', () => {
  const succeed = (taskToken: string, output = '{"decision":"approve"}') =>
    client.send(new SendTaskSuccessCommand({ taskToken, output }));
  const GONE = { name: 'TaskTimedOut', message: "Task Timed Out: 'Provided task does not exist anymore'" };

  it('is the result of the task', async () => {
    const { arn, token } = await askingExecution();
    await succeed(token);
    expect(await end(arn)).toMatchObject({ status: 'SUCCEEDED', output: '{"decision":"approve"}' });
  });

  it('that is a failure is the failure of the task', async () => {
    const { arn, token } = await askingExecution();
    await client.send(new SendTaskFailureCommand({ taskToken: token, error: 'Mine', cause: 'Not so.' }));
    expect(await end(arn)).toMatchObject({ status: 'FAILED', error: 'Mine', cause: 'Not so.' });
  });

  it('is taken once: of 20 at the same time one is', async () => {
    const { arn, token } = await askingExecution();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, by) => succeed(token, JSON.stringify({ by }))),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject(GONE);
    const first = answers.findIndex(({ status }) => status === 'fulfilled');
    expect(await end(arn)).toMatchObject({ output: JSON.stringify({ by: first }) });
  });

  it('comes too late for an execution that was stopped', async () => {
    const { arn, token } = await askingExecution();
    await client.send(new StopExecutionCommand({ executionArn: arn }));
    await expect(succeed(token)).rejects.toMatchObject(GONE);
  });

  it('by a token that nobody was given is refused', async () => {
    await expect(succeed('nobodys')).rejects.toMatchObject({ name: 'InvalidToken' });
  });

  it('that is no JSON is refused, and the question stays', async () => {
    const { arn, token } = await askingExecution();
    await expect(succeed(token, 'approve')).rejects.toMatchObject({ name: 'InvalidOutput' });
    await succeed(token);
    expect(await end(arn)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('the endpoint', () => {
  it("refuses a caller without this run's access key", async () => {
    const stranger = clientWith('LOCALKEY2');
    const command = new StartExecutionCommand({ stateMachineArn: ECHO, name: 'stranger' });
    await expect(stranger.send(command)).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
    stranger.destroy();
    await expect(describeOf(`${ECHO.replace('stateMachine', 'execution')}:stranger`)).rejects.toThrow();
  });

  it('refuses what it would have to heed, and does not know', async () => {
    const command = new StartExecutionCommand({ stateMachineArn: ECHO, traceHeader: 'Root=1' });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});
