import type { Cluster } from '../../core/cluster/clusters.ts';
import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts';
import { chooseRunbook } from '../../core/remediation/choose-runbook.ts';
import type { Invocation } from '../../core/remediation/invocation.ts';
import { parseStart } from '../../core/remediation/remediation.ts';
import { chooseRunbookInput } from '../../core/remediation/remediation-steps.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { stateMachineArn } from '../../local/asl/arn.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { type DynamoDb, serveDynamoDb } from '../../local/aws/dynamodb.ts';
import { deliveriesOf, executionEnded } from '../../local/aws/events.ts';
import { stepFunctions } from '../../local/aws/step-functions.ts';
import { type Execution, Executions, type StartRequest } from '../../local/executions.ts';
import { TaskTokens } from '../../local/task-tokens.ts';
import { tasksOf } from '../../local/tasks.ts';
import { DYNAMODB, type Item } from '../lib/lock-table.ts';
import { ENTRY, FLEET, RELEASE, synthesizeStacks } from '../lib/stacks.ts';
import { machine, result } from './asl/harness.ts';

/**
 * The synthesized entry workflow and what gives locks back, with a real database, real executions and the synthesized rule, and with steps and
 * runbooks that end at once: what no test would wait for where each step is a process.
 */

const stacks = synthesizeStacks(FLEET);
const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'any' };

/** A runbook that says what it would do, or has done it. */
const RUNBOOK = machine({
  Done: result({
    outcome: "{% $states.input.dryRun ? 'Planned' : 'Remediated' %}",
    targets: ['node1'],
    winner: { revision: '4029' },
    leftOut: [],
  }),
});
/** A runbook that is at it until somebody stops it. */
const ENDLESS = machine({ Work: { Type: 'Wait', Seconds: 100_000, Next: 'Done' }, Done: result({}) });
const FAILING = machine({ Fail: { Type: 'Fail', Error: 'HostUnreachable', Cause: 'Gone.' } });

/** How the remediations of a cluster go: by the name of the cluster. */
export interface Course {
  /** What the first look finds; each later one finds it healthy. */
  finds?: Diagnosis['incident'];
  policy?: Cluster['policy'];
  /** What fails. */
  fails?: 'loading' | 'diagnosis';
  /** How every question is answered; not at all, if not said. */
  answer?: 'approve' | 'reject';
}

export interface Remediations {
  start(cluster: string, options?: { name?: string; input?: object; onEnter?: (state: string) => void }): Execution;
  lockOf(cluster: string): Promise<Item | undefined>;
  putLock(cluster: string, owner: string): Promise<void>;
  /** Of the entry workflow, the first one first. */
  all(): Execution[];
  /** Waits until no lock is being given back, and nothing runs that another remediation has started. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function remediations(
  courses: Readonly<Record<string, Course>>,
  runbooks: 'done' | 'endless' | 'failing' = 'done',
): Promise<Remediations> {
  const database = await serveDynamoDb(stacks.tables, CREDENTIALS);
  const tokens = new TaskTokens();
  const looked = new Set<string>();
  const goingOn = new Set<Promise<unknown>>();

  async function invoke(_arn: string, event: unknown): Promise<unknown> {
    const { step, input } = event as Invocation;
    const { cluster } = Object(input);
    const named: string = cluster?.name ?? cluster;
    switch (step) {
      case 'load-remediation': {
        const started = parseStart(Object(input).input);
        const { request } = started;
        if (courses[request.cluster]?.fails === 'loading')
          throw new ExecutionError('PreconditionFailed', 'Deploy again.');
        return { cluster: clusterOf(request.cluster, courses[request.cluster]), ...started };
      }
      case 'diagnose-cluster': {
        const { fails, finds = 'healthy' } = courses[named] ?? {};
        if (fails === 'diagnosis') throw new ExecutionError('PreconditionFailed', 'No secret.');
        const incident = looked.has(named) ? 'healthy' : finds;
        return { incident, summary: `It is ${incident}.`, others: [], members: [], hosts: [], warnings: [] };
      }
      case 'choose-runbook':
        if (Object(input).rounds.length > 0) looked.add(named);
        try {
          return chooseRunbook(chooseRunbookInput.parse(input));
        } catch (error) {
          throw new ExecutionError((error as Error).name, (error as Error).message);
        }
      default:
        throw new Error(`What is ${step}?`);
    }
  }

  const runbook = { done: RUNBOOK, endless: ENDLESS, failing: FAILING }[runbooks];
  const stateMachines = {
    ...stacks.stateMachines,
    ...Object.fromEntries(Object.values(RUNBOOKS).map(({ stateMachineName }) => [stateMachineName, runbook])),
  };
  const executions = new Executions({
    stateMachines,
    tasksFor: ({ observer }) => tasksOf(parts, observer),
    onStart: () => undefined,
    onEnd: (execution, ended) => {
      const event = executionEnded(execution, ended);
      const delivery = deliveriesOf(stacks.rules, event).find(({ arn }) => arn === stateMachineArn(RELEASE));
      if (!delivery) return;
      goOn({ stateMachineName: RELEASE, input: delivery.input });
    },
  });
  const goOn = (request: StartRequest) => {
    const execution = executions.start(request);
    goingOn.add(execution.ended);
    void execution.ended.then(() => goingOn.delete(execution.ended));
    return execution;
  };
  const parts = {
    lambdas: { invoke },
    topics: stacks.topics,
    onPage: () => undefined,
    dynamoDb: database.tasks,
    executions: () => executions,
    start: goOn,
    tokens,
    states: stepFunctions({ stateMachines: Object.keys(stateMachines), executions: () => executions, tokens }),
  };

  return {
    start(cluster, { name, input = {}, onEnter } = {}) {
      const answer = courses[cluster]?.answer;
      return executions.start({
        stateMachineName: ENTRY,
        input: { cluster, ...input },
        ...(name && { name }),
        observer: {
          onEvent: ({ type, stateEnteredEventDetails, taskSubmittedEventDetails }) => {
            if (stateEnteredEventDetails?.name) onEnter?.(stateEnteredEventDetails.name);
            // The question is in the lock: whoever reads it there answers.
            if (
              answer &&
              type === 'TaskSubmitted' &&
              taskSubmittedEventDetails?.resource?.endsWith('waitForTaskToken')
            ) {
              void lockOf(database, cluster).then((lock) => {
                const token = Object(lock?.approval).M.token.S as string;
                tokens.succeed(token, { decision: answer, by: 'bob', reason: '' });
              });
            }
          },
        },
      });
    },
    lockOf: (cluster) => lockOf(database, cluster),
    async putLock(cluster, owner) {
      const more = { remediation: { S: 'other' }, startedAt: { S: '2025-01-01T00:00:00.000Z' } };
      const expiresAt = { N: String(Math.floor(Date.now() / 1000) + 3600) };
      await call(database, 'putItem', { Item: { ...keyOf(cluster), owner: { S: owner }, expiresAt, ...more } });
    },
    all: () => executions.of(ENTRY).toReversed(),
    async settled() {
      while (goingOn.size > 0) await Promise.all(goingOn);
    },
    close: () => database.close(),
  };
}

function clusterOf(name: string, { policy }: Course = {}): Cluster {
  const members = [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }];
  return { name, members, quotaBackendBytes: 2_147_483_648, ...(policy && { policy }) };
}

function keyOf(cluster: string): Item {
  return { cluster: { S: cluster }, id: { S: 'lock' } };
}

async function lockOf(database: DynamoDb, cluster: string): Promise<Item | undefined> {
  const { Item } = (await call(database, 'getItem', { Key: keyOf(cluster), ConsistentRead: true })) as { Item?: Item };
  return Item;
}

function call(database: DynamoDb, action: string, args: object): Promise<unknown> {
  const [table] = stacks.tables;
  const task = { signal: new AbortController().signal, context: {} as never, submitted: () => undefined };
  return database.tasks[`${DYNAMODB}${action}`]?.(
    { TableName: table?.TableName ?? '', ...args } as never,
    task,
  ) as Promise<unknown>;
}
