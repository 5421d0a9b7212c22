import { randomUUID } from 'node:crypto';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { compareHashesInput } from '../../core/cluster/compared-hashes.ts';
import { alarmPrefix, INCOMING_PAGES_TOPIC, PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { type Diagnosis, diagnoseClusterInput } from '../../core/diagnosis/diagnosis.ts';
import { reportsOf } from '../../core/hosts/host-reports.ts';
import { runHostCommandsInput } from '../../core/hosts/run-host-commands.ts';
import {
  assessMembersInput,
  changeMembershipInput,
  chooseNextChangeInput,
  explainChangesInput,
  type NextChange,
  planReplacementInput,
  waitForMemberInput,
} from '../../core/member-replacement/contracts.ts';
import { explainChanges } from '../../core/member-replacement/explain-changes.ts';
import { chooseRunbook } from '../../core/remediation/choose-runbook.ts';
import type { Invocation } from '../../core/remediation/invocation.ts';
import { loadClusterInput } from '../../core/remediation/load-cluster.ts';
import { parseStart } from '../../core/remediation/remediation.ts';
import { chooseRunbookInput, loadRemediationInput } from '../../core/remediation/remediation-steps.ts';
import { executionInputSchemas, RUNBOOKS } from '../../core/runbooks.ts';
import { proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import { stateMachineArn } from '../../local/asl/arn.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import type { JsonObject, JsonValue } from '../../local/asl/json.ts';
import type { TaskHandler } from '../../local/asl/types.ts';
import { serveDynamoDb } from '../../local/aws/dynamodb.ts';
import { deliveriesOf, executionEnded } from '../../local/aws/events.ts';
import { type Page, publishTo } from '../../local/aws/sns.ts';
import { stepFunctions } from '../../local/aws/step-functions.ts';
import { type Execution, Executions, type StartRequest } from '../../local/executions.ts';
import { TaskTokens } from '../../local/task-tokens.ts';
import { tasksOf } from '../../local/tasks.ts';
import { DESCRIBE, HISTORY, PUBLISH, RUN, START } from '../lib/definitions.ts';
import { failure } from '../lib/execute.ts';
import { DYNAMODB, type Item } from '../lib/lock-table.ts';
import {
  archivedOn,
  assessmentOf,
  CLUSTER,
  FINISH,
  inspectionOf,
  plannedOf,
  planOf,
  progressOf,
  replaceOf,
  SERVICE,
} from '../lib/replacement-scene.ts';
import { ENTRY, NETWORK, type Resource, resourcesOf, synthesizeStacks } from '../lib/stacks.ts';
import { AwsQuotas } from './aws-quotas.ts';
import { stormClock } from './storm-clock.ts';

/**
 * A zone is out, and with it a member of each of many clusters. Everything that is synthesized runs: the rules, the entry workflow, the runbook, what
 * gives locks back, and the pager. The table is a real database on loopback. AWS takes no more requests than it does by default. What the functions
 * would see of etcd and of hosts is played, and each of their inputs is held against its contract. Time is the storm's own.
 */

/** Of one cluster the stacks are synthesized; what they hold of it is that of any other, under another name. */
const ONE = 'the-one-cluster';
const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'any' };
const BEGIN = Date.parse('2025-01-01T00:00:00.000Z');
const LOST = 'node3';
const DEFECT = 'node3 cannot be removed: etcd refuses it.';

/** `automatic`: its member is replaced at once. `approval`: a person is asked. `failing`: the replacement fails, and a person is called. */
export type Kind = 'automatic' | 'approval' | 'failing';

/** What has become of a cluster. */
export interface World {
  name: string;
  kind: Kind;
  isWhole: boolean;
  changes: string[];
}

/** A message that a person gets. */
interface Message extends Page {
  atMs: number;
}

const stacks = synthesizeStacks({ network: NETWORK, clusters: [{ ...CLUSTER, name: ONE }] });

export async function storm(kinds: Readonly<Record<string, Kind>>, { random }: { random: () => number }) {
  const clock = stormClock(BEGIN);
  const quotas = new AwsQuotas(clock, random);
  const worlds = new Map(
    Object.entries(kinds).map(([name, kind]): [string, World] => [name, { name, kind, isWhole: false, changes: [] }]),
  );
  const database = await clock.during(serveDynamoDb(stacks.tables, CREDENTIALS));
  const tokens = new TaskTokens();
  const goingOn = new Set<Promise<unknown>>();
  /** What alarms and workflows have sent, and what a person gets of it. */
  const pages: Page[] = [];
  const messages: Message[] = [];
  const queue: Page[] = [];

  function worldOf(cluster: unknown): World {
    const name = typeof cluster === 'string' ? cluster : String(Object(cluster).name);
    const world = worlds.get(name);
    if (!world) throw new Error(`There is no cluster ${name}.`);
    return world;
  }

  function configurationOf({ name, kind }: World): Cluster {
    return { ...CLUSTER, name, policy: { 'member-failed': kind === 'approval' ? 'approval' : 'automatic' } };
  }

  // ---- what the functions see and do

  const next = new Map<string, NextChange[]>();
  const steps: Record<string, (input: JsonValue) => Promise<unknown>> = {
    'load-remediation': async (input) => {
      await quotas.request('parameters');
      const started = parseStart(loadRemediationInput.parse(input).input);
      return { cluster: configurationOf(worldOf(started.request.cluster)), ...started };
    },
    'load-cluster': async (input) => {
      await quotas.request('parameters');
      const { incident, input: given } = loadClusterInput.parse(input);
      const started = executionInputSchemas[incident].parse(given);
      return { ...started, cluster: configurationOf(worldOf(started.cluster)) };
    },
    'diagnose-cluster': async (input) => {
      const { isWhole } = worldOf(diagnoseClusterInput.parse(input).cluster);
      await quotas.request('parameters');
      await secrets();
      // A member that is silent is waited for.
      await clock.wait(isWhole ? 300 : 5_000);
      const incident = isWhole ? 'healthy' : 'member-failed';
      const seen: Diagnosis = {
        incident,
        summary: `It is ${incident}.`,
        others: [],
        members: [],
        hosts: [],
        warnings: [],
      };
      return seen;
    },
    'choose-runbook': async (input) => {
      const parsed = chooseRunbookInput.parse(input);
      const chosen = chooseRunbook(parsed);
      if (chosen.action === 'Run' && chosen.input.dryRun !== true) await lookForOthers(Date.parse(parsed.enteredAt));
      return chosen;
    },
    'assess-members': async (input) => {
      assessMembersInput.parse(input);
      await secrets();
      await clock.wait(5_000);
      return assessmentOf([LOST]);
    },
    'run-host-commands': async (input) => {
      const { command, commands } = runHostCommandsInput.parse(input);
      await clock.wait(3_000);
      return reportsOf(
        commands.map(({ member, host }) => ({ member, host, end: { result: resultOf(command, member, host) } })),
        () => '',
      );
    },
    'plan-replacement': async (input) => {
      const { cluster } = planReplacementInput.parse(input);
      return { ...planOf([plannedOf(LOST)]), cluster };
    },
    'choose-next-change': async (input) => {
      const { execution } = chooseNextChangeInput.parse(input);
      const left = next.get(execution) ?? [...replaceOf(LOST), FINISH];
      next.set(execution, left.slice(1));
      return left[0];
    },
    'change-membership': async (input) => {
      const { cluster, change } = changeMembershipInput.parse(input);
      const world = worldOf(cluster);
      await secrets();
      await clock.wait(200);
      if (world.kind === 'failing') throw failure('UnsafeToProceed', DEFECT);
      world.changes.push(change);
      if (change === 'PromoteMember') world.isWhole = true;
      return { changed: true, member: LOST, id: 'b1' };
    },
    'wait-for-member': async (input) => {
      waitForMemberInput.parse(input);
      await clock.wait(20_000);
      return progressOf(LOST, '9');
    },
    'compare-hashes': async (input) => {
      compareHashesInput.parse(input);
      await clock.wait(500);
      return { revision: '9', hash: 4711, members: ['node1', 'node2', LOST] };
    },
    'prove-writes': async (input) => {
      proveWritesInput.parse(input);
      await clock.wait(500);
      return { members: ['after'] };
    },
    'explain-changes': async (input) => {
      return explainChanges(explainChangesInput.parse(input));
    },
  };

  async function secrets(): Promise<void> {
    await quotas.request('secrets');
    await quotas.request('secrets');
  }

  /** As lambdas/executions.ts does: a list of each runbook's executions, where this environment has none that is new enough. Names tell the rest. */
  const environments: { isFree: boolean; seenAt: Map<string, number> }[] = [];
  async function lookForOthers(sinceMs: number): Promise<void> {
    // Lambda takes the environment that was used last.
    const environment = environments.findLast(({ isFree }) => isFree) ?? { isFree: true, seenAt: new Map() };
    if (!environments.includes(environment)) environments.push(environment);
    environment.isFree = false;
    try {
      for (const { stateMachineName } of Object.values(RUNBOOKS)) {
        if ((environment.seenAt.get(stateMachineName) ?? 0) >= sinceMs) continue;
        const askedAt = clock.now();
        await quotas.request('lists', 8);
        environment.seenAt.set(stateMachineName, askedAt);
      }
    } finally {
      environment.isFree = true;
    }
  }

  function resultOf(command: string, member: string, host: string): unknown {
    switch (command) {
      case 'inspect-host':
        return inspectionOf(member);
      case 'archive-data-dir':
        return archivedOn(host);
      case 'control-service':
      case 'join-cluster':
        return SERVICE;
      default:
        throw new Error(`Nobody sends ${command}.`);
    }
  }

  async function invoke(_arn: string, event: unknown): Promise<unknown> {
    const { step, input } = event as Invocation;
    const run = steps[step];
    if (!run) throw new Error(`What is ${step}?`);
    return quotas.run(() => run(input as JsonValue));
  }

  // ---- what AWS does in between

  const throttled = (api: Parameters<AwsQuotas['takes']>[0], error: string, call: TaskHandler): TaskHandler => {
    return async (args, task) => {
      if (!quotas.takes(api)) throw new ExecutionError(error, 'Rate exceeded');
      return call(args, task);
    };
  };
  const tables = Object.fromEntries(
    Object.entries(database.tasks).map(([resource, call]) => [
      resource,
      throttled('items', 'DynamoDb.ThrottlingException', (args, task) =>
        clock.during(call(args, task) as Promise<JsonValue>),
      ),
    ]),
  );

  const executions = new Executions({
    stateMachines: stacks.stateMachines,
    clock,
    tasksFor: ({ observer }) => {
      const tasks = tasksOf(parts, observer);
      const task = (resource: string) => tasks[resource] as TaskHandler;
      return {
        ...tasks,
        // No alarm is out of sight here.
        [HISTORY]: async () => ({ AlarmHistoryItems: [] }),
        [PUBLISH]: throttled('messages', 'SNS.ThrottledException', async (args, context) => {
          const isIncoming = String(Object(args).TopicArn).endsWith(`:${INCOMING_PAGES_TOPIC}`);
          return publishTo(stacks.topics, isIncoming ? page : receive)(args, context);
        }),
        [RUN]: throttled('starts', 'StepFunctions.AWSStepFunctionsException', task(RUN)),
        [START]: throttled('starts', 'StepFunctions.AWSStepFunctionsException', task(START)),
        [DESCRIBE]: throttled('descriptions', 'Sfn.SfnException', task(DESCRIBE)),
      };
    },
    onStart: () => undefined,
    onEnd: (execution, result) => putEvent(executionEnded(execution, result)),
  });
  const parts = {
    lambdas: { invoke },
    topics: stacks.topics,
    onPage: () => undefined,
    dynamoDb: tables,
    executions: () => executions,
    start: (request: StartRequest) => goOn(request),
    tokens,
    states: stepFunctions({ stateMachines: Object.keys(stacks.stateMachines), executions: () => executions, tokens }),
  };

  function goOn(request: StartRequest): Execution {
    const execution = executions.start(request);
    follow(execution.ended);
    return execution;
  }

  function follow(work: Promise<unknown>): void {
    goingOn.add(work);
    void work.then(() => goingOn.delete(work));
  }

  /** EventBridge tries for an hour; how often, nobody is told. */
  function putEvent(event: JsonObject, cluster = ONE): void {
    const text = JSON.stringify(stacks.rules).replaceAll(ONE, cluster);
    for (const { arn, input } of deliveriesOf(JSON.parse(text), event)) {
      // A report is made beside the remediations, by a function that none of them waits for.
      if (stacks.functions.includes(arn)) continue;
      const started = Object.keys(stacks.stateMachines).find((name) => stateMachineArn(name) === arn);
      if (started === undefined) throw new Error(`There is no ${arn}.`);
      follow(
        (async () => {
          while (!quotas.takes('starts')) await clock.wait(1_000);
          goOn({ stateMachineName: started, input });
        })(),
      );
    }
  }

  // ---- pages

  function page(sent: Page): void {
    pages.push(sent);
    queue.push(sent);
  }

  function receive(sent: Page): void {
    messages.push({ ...sent, atMs: clock.now() - BEGIN });
  }

  const [pipe] = Object.values(resourcesOf(stacks.platform, 'AWS::Pipes::Pipe'));
  const { BatchSize, MaximumBatchingWindowInSeconds } = (pipe as Resource).Properties.SourceParameters
    .SqsQueueParameters;
  /** Lambda, by which pipes read queues, begins with five that wait for messages at once, and any of them gets the next one. */
  const POLLERS = 5;
  let isOver = false;
  const polling = Array.from({ length: POLLERS }, () => poll());

  async function poll(): Promise<void> {
    await clock.wait(random() * 1_000);
    while (!isOver) {
      const first = queue.shift();
      if (!first) {
        await clock.wait(1_000);
        continue;
      }
      const batch = [first];
      const until = clock.now() + MaximumBatchingWindowInSeconds * 1_000;
      while (clock.now() < until && batch.length < BatchSize) {
        // One message at a time: those of an outage are spread over all of them.
        batch.push(...queue.splice(0, 1));
        await clock.wait(200);
      }
      goOn({ stateMachineName: PAGER_STATE_MACHINE, input: batch.map(recordOf) });
    }
  }

  return {
    clock,
    quotas,
    pages,
    messages,
    worlds: () => [...worlds.values()],
    /** Of the entry workflow, the first one first. */
    remediations: () => executions.of(ENTRY).toReversed(),
    /** An alarm is raised: its rule is told, and where it pages, its topic. */
    raise(cluster: string, alarm: string, { pages: doesPage = false } = {}): void {
      const alarmName = `${alarmPrefix(cluster)}${alarm}`;
      putEvent(
        {
          version: '0',
          id: randomUUID(),
          'detail-type': 'CloudWatch Alarm State Change',
          source: 'aws.cloudwatch',
          account: '000000000000',
          time: new Date(clock.now()).toISOString(),
          region: 'local',
          resources: [`arn:aws:cloudwatch:local:000000000000:alarm:${alarmName}`],
          detail: { alarmName, state: { value: 'ALARM' }, previousState: { value: 'OK' } },
        },
        cluster,
      );
      if (!doesPage) return;
      const [subject, NewStateReason] = [`ALARM: "${alarmName}" in local`, `${alarmName} is crossed.`];
      pages.push({ subject, message: NewStateReason });
      queue.push({
        subject,
        message: JSON.stringify({ AlarmName: alarmName, NewStateValue: 'ALARM', OldStateValue: 'OK', NewStateReason }),
      });
    },
    /** Looks at a cluster as its detector does. @returns whether it saw it */
    async detect(): Promise<boolean> {
      try {
        await quotas.run(async () => {
          // As often as lambdas/steps/detect-incidents.ts does, where it knows none.
          await quotas.request('parameters', 8);
          await secrets();
          await clock.wait(400);
        });
        return true;
      } catch {
        return false;
      }
    },
    /** Approves of whatever waits for it at this moment. @returns how many that were */
    async approveAll(): Promise<number> {
      let answered = 0;
      for (const { name, kind } of worlds.values()) {
        if (kind !== 'approval') continue;
        const token = Object(await lockOf(name))?.approval?.M.token.S as string | undefined;
        const answer = { decision: 'approve', by: 'bob', reason: '' };
        if (token !== undefined && tokens.succeed(token, answer) === 'Answered') answered += 1;
      }
      return answered;
    },
    lockOf,
    /** Until nothing runs any more, and every page is sent. */
    async over(): Promise<void> {
      while (goingOn.size > 0 || queue.length > 0) {
        await Promise.all(goingOn);
        await clock.wait(1_000);
      }
      isOver = true;
      await Promise.all(polling);
      while (goingOn.size > 0) await Promise.all(goingOn);
    },
    close: () => database.close(),
  };

  async function lockOf(cluster: string): Promise<Item | undefined> {
    const [table] = stacks.tables;
    const task = { signal: new AbortController().signal, context: {} as never, submitted: () => undefined };
    const key = { cluster: { S: cluster }, id: { S: 'lock' } };
    const asked = { TableName: table?.TableName ?? '', Key: key, ConsistentRead: true };
    const call = database.tasks[`${DYNAMODB}getItem`] as TaskHandler;
    const { Item } = (await clock.during(call(asked, task) as Promise<unknown>)) as { Item?: Item };
    return Item;
  }
}

/** A message of SQS that holds what a topic of SNS was told. https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html */
function recordOf({ subject, message, event }: Page): JsonObject {
  return {
    messageId: randomUUID(),
    receiptHandle: 'handle',
    body: JSON.stringify({
      Type: 'Notification',
      MessageId: randomUUID(),
      TopicArn: `arn:aws:sns:local:000000000000:${INCOMING_PAGES_TOPIC}`,
      Subject: subject,
      Message: event ? JSON.stringify(event) : message,
      Timestamp: '2025-01-01T00:00:00.000Z',
    }),
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    awsRegion: 'local',
  };
}
