import { randomUUID } from 'node:crypto';
import { alarmPrefix, INCOMING_PAGES_TOPIC, PAGER_STATE_MACHINE } from '../../core/diagnosis/detection.ts';
import { stateMachineArn } from '../../local/asl/arn.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import type { JsonObject, JsonValue } from '../../local/asl/json.ts';
import type { TaskHandler } from '../../local/asl/types.ts';
import { serveDynamoDb } from '../../local/aws/dynamodb.ts';
import { deliveriesOf, executionEnded } from '../../local/aws/events.ts';
import { publishTo } from '../../local/aws/sns.ts';
import { stepFunctions } from '../../local/aws/step-functions.ts';
import { type Execution, Executions, type StartRequest } from '../../local/executions.ts';
import { TaskTokens } from '../../local/task-tokens.ts';
import { tasksOf } from '../../local/tasks.ts';
import { DESCRIBE, HISTORY, PUBLISH, RUN, START } from '../lib/definitions.ts';
import { DYNAMODB, type Item } from '../lib/lock-table.ts';
import { CLUSTER } from '../lib/replacement-scene.ts';
import { ENTRY, NETWORK, synthesizeStacks } from '../lib/stacks.ts';
import { AwsQuotas } from './aws-quotas.ts';
import { stormClock } from './storm-clock.ts';
import { type Kind, stormFunctions } from './storm-functions.ts';
import { stormPages } from './storm-pages.ts';

/**
 * A zone is out, and with it a member of each of many clusters. Everything that is synthesized runs: the rules, the entry workflow, the runbook, what
 * gives locks back, and the pager. The table is a real database on loopback. AWS takes no more requests than it does by default. What the functions
 * would see of etcd and of hosts is played, and each of their inputs is held against its contract. Time is the storm's own.
 */

/** Of one cluster the stacks are synthesized; what they hold of it is that of any other, under another name. */
const ONE = 'the-one-cluster';
const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'any' };
const BEGIN = Date.parse('2025-01-01T00:00:00.000Z');

const stacks = synthesizeStacks({ network: NETWORK, clusters: [{ ...CLUSTER, name: ONE }] });

export async function storm(kinds: Readonly<Record<string, Kind>>, { random }: { random: () => number }) {
  const clock = stormClock(BEGIN);
  const quotas = new AwsQuotas(clock, random);
  const { worlds, secrets, invoke } = stormFunctions(kinds, { clock, quotas });
  const database = await clock.during(serveDynamoDb(stacks.tables, CREDENTIALS));
  const tokens = new TaskTokens();
  const goingOn = new Set<Promise<unknown>>();

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
          return publishTo(stacks.topics, isIncoming ? pager.page : pager.receive)(args, context);
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

  const pager = stormPages({
    ...{ platform: stacks.platform, clock, random },
    startPager: (records) => goOn({ stateMachineName: PAGER_STATE_MACHINE, input: records }),
  });

  return {
    clock,
    quotas,
    pages: pager.pages,
    messages: pager.messages,
    worlds,
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
      pager.page(
        { subject, message: NewStateReason },
        {
          subject,
          message: JSON.stringify({
            AlarmName: alarmName,
            NewStateValue: 'ALARM',
            OldStateValue: 'OK',
            NewStateReason,
          }),
        },
      );
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
      for (const { name, kind } of worlds()) {
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
      while (goingOn.size > 0 || pager.areWaiting()) {
        await Promise.all(goingOn);
        await clock.wait(1_000);
      }
      await pager.over();
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
